"""Definition: all that is known about a layer, as one value. The `init` and the `apply` of a layer are functions of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import Any, NamedTuple, TypeAlias, TypeVar, Union

from funcnn.calculus import Later
from funcnn.inputs import Kind
from funcnn.keys import Initializer, Key
from funcnn.records import Record
from funcnn.types import Shape, Tree

A = TypeVar("A")
B = TypeVar("B")

Rule: TypeAlias = Union[
    Callable[[Tree, A], "tuple[B, Callable[[B], tuple[Tree, Union[A, Later[A]]]]]"],
    Callable[[Tree, A, "Key | None"], "tuple[B, Callable[[B], tuple[Tree, Union[A, Later[A]]]]]"],
]
"""The rule of a layer: params, input and, where it wants it, the key, to the value and the pullback."""

Spec: TypeAlias = Mapping[str, Union[tuple[Initializer, tuple[int, ...]], "Spec"]]
"""What params a layer wants: a leaf is `(initializer, shape)`; a combinator nests the specs of its children."""

Takes: TypeAlias = Callable[[Kind], Kind]

EMPTY: Mapping[str, Any] = {}
"""The params, and the gradients, of what has none."""


class Statistics(NamedTuple):
    """What a layer keeps of the data, as a fold over what it gets.

    leaves   the params that hold it
    of       what one batch says
    merged   what two say together
    values   the leaves, in their order
    """

    leaves: tuple[str, ...]
    of: Callable[[Any], Any]
    merged: Callable[[Any, Any], Any]
    values: Callable[[Any], tuple[Any, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Definition:
    """What an author gives, see `Layer.of`, and how the layer was made.

    record     the call of its constructor, or the name of a ready-made layer
    parts      the layers among the arguments of that call
    remade     the same call with other layers in their place
    body       what a composite constructor returned: it has the children
    name       under which its params lie; `explicit` if it was given with `.named`
    plan       shape -> (shape out, params), in one walk; made by `Layer.over`
    transparent  it adds no level: its one part has its name, and its path
    step       (params, x, memory) -> (y, memory): the layer on what comes next in time; None: time does not matter to it
    walked     (f, path) -> the same layer, with `f` in what it makes only once it knows the shape
    statistics what it keeps of the data, see `Statistics`
    """

    out_shape: Callable[[Shape], Shape]
    spec: Callable[[Shape], Spec]
    rule: Callable[..., Any]
    value: Callable[..., Any]
    random: bool
    takes: Takes
    multiply_adds: Callable[[Shape], int] | None = None
    record: Record | None = None
    parts: tuple[Definition, ...] = ()
    remade: Callable[[Sequence[Definition]], Definition] | None = None
    body: Definition | None = None
    name: str = "layer"
    explicit: bool = False
    plan: Callable[[Shape], tuple[Shape, Spec]] | None = None
    transparent: bool = False
    step: Callable[..., Any] | str | None = None
    statistics: Statistics | None = None
    walked: Callable[..., Definition] | None = None

    def planned(self, shape: Shape) -> tuple[Shape, Spec]:
        """The shape out and the params, every shape rule asked once."""
        return self.plan(shape) if self.plan else (self.out_shape(shape), self.spec(shape))


def takes_key(rule: Callable[..., Any]) -> bool:
    """Does this layer's rule take the key? It says so by a third parameter named `rng`.

    Errors
        TypeError   there is another third parameter
    """
    if isinstance(rule, FunctionType) and not hasattr(rule, "__wrapped__") and not rule.__code__.co_kwonlyargcount:
        names = rule.__code__.co_varnames[: rule.__code__.co_argcount]  # much cheaper than a signature
    else:
        wanted = inspect.signature(rule).parameters.values()  # options with a default stay what they are
        names = tuple(
            p.name if p.kind is not p.KEYWORD_ONLY else f"*, {p.name}"
            for p in wanted
            if p.kind is not p.KEYWORD_ONLY or p.name == "rng" or p.default is p.empty
        )
    if len(names) == 2 or (len(names) == 3 and names[2] == "rng"):
        return len(names) == 3
    raise TypeError(f"a rule takes (params, x) or (params, x, rng), got ({', '.join(names)}); the key is named rng")


def value_of(rule: Callable[..., Any]) -> Callable[..., Any]:
    """The value of a rule, without its pullback."""

    def value(*args: Any) -> Any:
        return rule(*args)[0]

    return value
