"""Definition: all that is known about a layer, as one value. Its `init` and its `apply` are functions of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, Union, final

from funcnn.calculus import Later
from funcnn.errors import locate
from funcnn.inputs import Kind
from funcnn.keys import Initializer, Key
from funcnn.networks.joining import joined
from funcnn.networks.statistics import Statistics
from funcnn.pulling import Pulling
from funcnn.records import Record
from funcnn.types import Shape

Spec: TypeAlias = Mapping[str, Union[tuple[Initializer, tuple[int, ...]], "Spec"]]
"""What params a layer wants: a leaf is `(initializer, shape)`; a combinator nests the specs of its children."""

Takes: TypeAlias = Callable[[Kind], Kind]

EMPTY: Mapping[str, Any] = {}
"""The params, and the gradients, of what has none."""


@dataclass(frozen=True, slots=True, eq=False)
class Definition:
    """What an author gives, see `Layer.of` and `Layer.over`, and how the layer was made.

    meets       (shape, go) -> shape out, where `go(child, shape)` is the child's shape out; a layer without children
                never calls `go`, and is asked for its shape rule
    own         shape -> the params that are not its children's
    params      spec -> spec, other params than its own and its children's
    multiply_adds  how many a forward pass costs on an input of this shape, without its children
    step        (params, x, memory) -> (y, memory): the layer on what comes next in time; None: time does not matter
    statistics  what it keeps of the data, see `Statistics`
    by_row      (params, x, dy) -> gradients with an axis of rows in front, where that takes less than row by row
    record      the call of its constructor, or the name of a ready-made layer
    children    by name; of a composite, those of what its constructor returned
    remade      the same layer with other children
    walked      (f, path) -> the same layer, with `f` in what it makes only once it knows the shape
    name        under which its params lie; `explicit` if it was given with `.named`
    transparent  it adds no level: its one child has its name, and its path
    depth       how many levels of children are below it
    """

    meets: Callable[[Shape, Go], Shape]
    own: Callable[[Shape], Spec]
    rule: Callable[..., Any]
    value: Callable[..., Any]
    random: bool
    takes: Takes
    params: Callable[[Spec], Spec] | None = None
    multiply_adds: Callable[[Shape], int] | None = None
    step: Callable[..., Any] | str | None = None
    statistics: Statistics | None = None
    by_row: Callable[..., Any] | None = None
    record: Record | None = None
    children: Mapping[str, Definition] = field(default_factory=dict[str, "Definition"])
    remade: Callable[[Sequence[Definition]], Definition] | None = None
    walked: Callable[..., Definition] | None = None
    name: str = "layer"
    explicit: bool = False
    transparent: bool = False
    depth: int = 0

    def out_shape(self, shape: Shape) -> Shape:
        """The shape out."""
        return self.meets(shape, Child.out_shape)

    def planned(self, shape: Shape) -> tuple[Shape, Spec]:
        """The shape out and the params, every shape rule asked once."""
        wanted: dict[str, Any] = {}
        out = self.meets(shape, gathering(wanted, self.transparent))
        return out, self.wanted(shape, wanted)

    def spec(self, shape: Shape) -> Spec:
        """The params."""
        return self.planned(shape)[1]

    def wanted(self, shape: Shape, children: dict[str, Any]) -> Spec:
        """The params, where its children want these."""
        return joined(self.name, self.own(shape), children, self.params)


@final
class Child:
    """A layer under its name in a combinator: sub-params, sub-key and the error path, for every combinator alike."""

    __slots__ = ("name", "definition", "random", "takes", "_value", "_rule")

    def __init__(self, name: str, definition: Definition) -> None:
        self.name, self.definition, self.random, self.takes = name, definition, definition.random, definition.takes
        self._value, self._rule = definition.value, definition.rule

    def out_shape(self, shape: Shape) -> Shape:
        """The shape out; what a child is sent through where nothing but shapes is asked for."""
        try:
            return self.definition.meets(shape, Child.out_shape)
        except Exception as error:
            locate(error, self.name)
            raise

    def given(self, params: Mapping[str, Any], x: Any, rng: Key | None) -> tuple[Any, ...]:
        """What it is called with: its own params, the input and, if it is random, its own key."""
        sub = params.get(self.name, EMPTY)
        return (sub, x, None if rng is None else rng.fold(self.name)) if self.random else (sub, x)

    def value(self, params: Mapping[str, Any], x: Any, rng: Key | None) -> Any:
        """The value alone."""
        try:
            return self._value(*self.given(params, x, rng))
        except Exception as error:
            locate(error, self.name)
            raise

    def pull(self, params: Mapping[str, Any], x: Any, rng: Key | None) -> tuple[Any, Pulling]:
        """The value and the pullback, which gives the child's gradients without its name."""
        try:
            y, back = self._rule(*self.given(params, x, rng))
        except Exception as error:
            locate(error, self.name)
            raise

        def run(dy: Any, last: bool) -> tuple[Any, Any]:
            try:
                dparams, dx = back.run(dy, last) if back.__class__ is Pulling else back(dy)
            except Exception as error:
                locate(error, self.name)
                raise
            return dparams, dx.within(self.name) if dx.__class__ is Later else dx

        return y, Pulling(run)

    def grads(self, dparams: Any) -> dict[str, Any]:
        """The child's gradients under its name; nothing if it has none."""
        return {self.name: dparams} if dparams else {}


Go: TypeAlias = Callable[[Child, Shape], Shape]
"""What a combinator's `meets` sends each child through: the shape that it gives for the shape that it meets."""


# A level of a network is two calls, `meets` and `go`, and no more: Python allows a thousand.
def gathering(wanted: dict[str, Any], flat: bool) -> Go:
    """Sends children through and gathers the params that they want, each under its name, or `flat`."""

    def go(child: Child, shape: Shape) -> Shape:
        found, below = child.definition, dict[str, Any]()
        try:
            out = found.meets(shape, gathering(below, found.transparent))
            spec = found.wanted(shape, below)
        except Exception as error:
            locate(error, child.name)
            raise
        if spec:
            wanted.update(spec if flat else {child.name: spec})
        return out

    return go
