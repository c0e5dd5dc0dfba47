"""The two functions of a layer: `init` draws its params, `apply` computes its value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Concatenate, Final, Generic, Never, TypeVar, cast, final, overload

import numpy as np
import numpy.typing as npt

from funcnn.calculus import Later, force
from funcnn.cotangents import cotangent_like, described, like_input, read_only
from funcnn.errors import FuncnnError, ParamsError
from funcnn.foreign.calls import misfit, understood
from funcnn.inputs import refuse_stored
from funcnn.keys import Key, Rng, as_key
from funcnn.networks.definitions import Definition, Spec
from funcnn.networks.doors import Door
from funcnn.networks.replaying import calls, replayed
from funcnn.networks.sampling import draw
from funcnn.params import Gradients, Params, trees, wrap
from funcnn.params.packing import pack
from funcnn.params.trees import floating
from funcnn.records import Record
from funcnn.shapes import external, normalize
from funcnn.types import Given, Numbers, Shape, Tree, is_tuple
from funcnn.values import frozen

X_contra = TypeVar("X_contra", contravariant=True)
Y_co = TypeVar("Y_co", covariant=True)

_set = object.__setattr__
_ABSENT: Final[Any] = object()


@final
@frozen("layers never change; {name} cannot be set")
class Init(Generic[Given]):
    """The `init` of a layer: draws params for inputs of a shape. It carries the shape rule and the params spec.

    Calling it returns `(out_shape, params)`. The key is folded with "init" once, and then with the path of each leaf: a
    leaf's initial value depends on the key and its path alone.

    Errors
        ShapeError   the layer does not take this shape, or a size that params need is not known
        TypeError    `rng` is no key, seed or generator
        DTypeError   `dtype` is not float32 or float64
    """

    __slots__ = ("definition", "name", "out_shape", "record", "spec")
    definition: Definition
    name: str
    out_shape: Callable[[Shape], Shape]
    record: Record | None
    spec: Callable[[Shape], Spec]

    def __init__(self, definition: Definition) -> None:
        _set(self, "definition", definition)
        for field in ("name", "out_shape", "record", "spec"):
            _set(self, field, getattr(definition, field))

    # Integers where the network gives an array, shapes where it gives several; `Never` is met by `Any` alone.
    @overload
    def __call__(
        self: Init[Never], rng: Rng | np.random.Generator, shape: Shape, *, dtype: npt.DTypeLike = np.float32
    ) -> tuple[tuple[Any, ...], Params]: ...
    @overload
    def __call__(
        self: Init[Numbers], rng: Rng | np.random.Generator, shape: Shape, *, dtype: npt.DTypeLike = np.float32
    ) -> tuple[tuple[int, ...], Params]: ...
    @overload
    def __call__(
        self, rng: Rng | np.random.Generator, shape: Shape, *, dtype: npt.DTypeLike = np.float32
    ) -> tuple[Shape, Params]: ...
    @understood
    def __call__(self, rng: Rng | np.random.Generator, shape: Shape, *, dtype: npt.DTypeLike = np.float32) -> Any:
        key = (Key(rng) if isinstance(rng, np.random.Generator) else as_key(rng)).fold("init")
        wanted = floating(dtype)
        fix = "dtype=np.{wide}, and astype(params, np.{narrow}) to store them"
        refuse_stored("params cannot be drawn in", wanted, fix)
        try:
            inside = normalize(shape)
            out, spec = self.definition.planned(inside)
            return external(out), pack(wrap(draw(spec, key, wanted, inside, ())))
        except FuncnnError as error:
            error.seen_in(self.name)
            raise

    def __reduce__(self) -> tuple[Any, ...]:
        return replayed, (calls(self), "init")

    def __repr__(self) -> str:
        return f"<init of {self.name}>"


@final
@frozen("layers never change; {name} cannot be set")
class Apply(Generic[X_contra, Y_co]):
    """The `apply` of a layer: called, a plain function of params and input; `vjp` reaches its rule.

    Without `rng` it is inference: deterministic, nothing kept for a pullback. With `rng` it is a training pass.

    Errors
        ShapeError    the input does not fit the network
        DTypeError    the input is complex, masked, sparse, ...; the params are float16, which is for storage
        ParamsError   the params are not this network's
        TypeError     `rng` is no key and no seed
    """

    __slots__ = ("definition", "rule", "value", "random", "door")
    definition: Definition
    rule: Callable[Concatenate[Tree, X_contra, ...], tuple[Y_co, Callable[[Y_co], tuple[Tree, X_contra | Later[X_contra]]]]]
    value: Callable[Concatenate[Tree, X_contra, ...], Y_co]
    random: bool
    door: Door

    def __init__(self, definition: Definition) -> None:
        _set(self, "definition", definition)
        _set(self, "door", Door(definition))
        for field in ("rule", "value", "random"):
            _set(self, field, getattr(definition, field))

    if TYPE_CHECKING:

        def __call__(self, params: Tree, x: X_contra, *, rng: Rng | None = None) -> Y_co: ...

    else:  # calls as other libraries have them are told of, for a hundredth of the time of a small layer

        def __call__(self, params=_ABSENT, x=_ABSENT, *, rng=None, **others):
            if others or x is _ABSENT:
                raise _misfit(others)
            key = None if rng is None else as_key(rng)
            try:
                tree, inner = self.door.enter(params, x)
                y = self.value(tree, inner, key) if self.random else self.value(tree, inner)
            except FuncnnError as error:
                error.seen_in(self.definition.name)
                raise
            return read_only(y)

    def pull(
        self, params: Tree, x: X_contra, *, rng: Rng | None = None
    ) -> tuple[Y_co, Callable[[Y_co], tuple[Gradients, X_contra]]]:
        """The value and the pullback; what `vjp(apply, params, x)` calls."""
        tree, inner, y, back = self.entered(params, x, rng)

        def pullback(dy: Any) -> tuple[Gradients, Any]:
            try:
                pair = back(cotangent_like(y, dy))
                if not is_tuple(pair) or len(pair) != 2:
                    raise ParamsError(f"the pullback must return the pair (dparams, dx), got {described(pair)}")
                dparams, dx = pair
                return self.door.gradients(params, tree, dparams), like_input(force(dx), inner)
            except FuncnnError as error:
                error.seen_in(self.definition.name)
                raise

        return cast("tuple[Y_co, Any]", (read_only(y), pullback))

    def entered(self, params: Tree, x: Any, rng: Rng | None) -> tuple[trees.Plain, Any, Any, Callable[[Any], Any]]:
        """Behind the door: params and input as the rule takes them, and what it gives."""
        key = None if rng is None else as_key(rng)
        try:
            tree, inner = self.door.enter(params, x)
            y, back = self.rule(tree, inner, key) if self.random else self.door.ruled(tree, inner)
        except FuncnnError as error:
            error.seen_in(self.definition.name)
            raise
        return tree, inner, y, back

    def __reduce__(self) -> tuple[Any, ...]:
        return replayed, (calls(self), "apply")

    def __repr__(self) -> str:
        return f"<apply of {self.definition.name}>"


def _misfit(others: Mapping[str, object]) -> TypeError:
    """What is said of a call without an input, or with arguments that an `apply` does not have."""
    name = next(iter(others), None)
    said = f"got an unexpected keyword argument {name!r}" if name else "missing the required argument 'x'"
    return misfit(cast(Any, Apply).__call__, said)
