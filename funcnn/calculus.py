"""Differentiable functions: a rule returns the value and the pullback that finishes the job."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import (
    TYPE_CHECKING, Any, Generic, Literal, NoReturn, ParamSpec, Protocol, TypeAlias, TypeVar, Union, cast, final,
    overload,
)  # fmt: skip

from funcnn.cotangents import Later as Later  # part of this module for everybody else
from funcnn.cotangents import cotangent_like, described, guarded, like_input, read_only
from funcnn.cotangents import force as force
from funcnn.errors import FuncnnError, ParamsError
from funcnn.keys import as_key
from funcnn.kinds import Kind
from funcnn.params import Params
from funcnn.signatures import check_options
from funcnn.signatures import takes_key as takes_key
from funcnn.types import Array, Rng, Tree, is_tuple

if TYPE_CHECKING:
    from typing_extensions import TypeVar as DefaultTypeVar

    from funcnn.networks import Layer
    from funcnn.losses.reductions import Reduce, Weights
    from funcnn.losses.terms import Loss

    PX = DefaultTypeVar("PX", default=Array)
    PY = DefaultTypeVar("PY", default=Array)
else:  # the defaults are for type checkers; at run time the library needs nothing but NumPy
    PX, PY = TypeVar("PX"), TypeVar("PY")

P = ParamSpec("P")
V = TypeVar("V")
D = TypeVar("D")
T = TypeVar("T")
X = TypeVar("X")
Y = TypeVar("Y")
X_contra = TypeVar("X_contra", contravariant=True)
Y_co = TypeVar("Y_co", covariant=True)

Pullback: TypeAlias = Callable[[PY], tuple[Tree, Union[PX, Later[PX]]]]
"""What a layer's rule returns beside its value: `dy -> (dparams, dx)`. `Pullback` alone is that of array to array."""


class Door(Protocol):
    """What stands between people and a layer's rule: checks on the way in, sealed arrays on the way out."""

    name: str
    kind: Kind
    layer: Layer[Any, Any]

    def enter(self, params: Tree, x: Any) -> tuple[dict[str, Any], Any]: ...
    def gradients(self, params: dict[str, Any], dparams: Tree) -> Params: ...


@final
class Apply(Generic[X_contra, Y_co]):
    """The `apply` of a layer: called, a plain function of params and input; `vjp` reaches its rule.

    Without `rng` it is inference: deterministic, nothing kept for a pullback. With `rng` it is a training pass.

    Errors
        ShapeError    the input does not fit the network
        DTypeError    the input is complex, masked, sparse, ...
        ParamsError   the params are not this network's
        TypeError     `rng` is no key and no seed
    """

    __slots__ = ("rule", "value", "random", "door")
    rule: Callable[..., Any]
    value: Callable[..., Any]
    random: bool
    door: Door

    def __init__(self, rule: Callable[..., Any], value: Callable[..., Any], random: bool, door: Door) -> None:
        object.__setattr__(self, "rule", rule)
        object.__setattr__(self, "value", value)
        object.__setattr__(self, "random", random)
        object.__setattr__(self, "door", door)

    def __call__(self, params: Tree, x: X_contra, *, rng: Rng | None = None) -> Y_co:
        key = None if rng is None else as_key(rng)
        try:
            tree, inner = self.door.enter(params, x)
            y = self.value(tree, inner, key) if self.random else self.value(tree, inner)
        except FuncnnError as error:
            error.network = error.network or self.door.name
            raise
        return cast(Y_co, guarded(y, inner))

    def pull(
        self, params: Tree, x: X_contra, *, rng: Rng | None = None
    ) -> tuple[Y_co, Callable[[Any], tuple[Params, Any]]]:
        """The value and the pullback; what `vjp(apply, params, x)` calls."""
        key = None if rng is None else as_key(rng)
        try:
            tree, inner = self.door.enter(params, x)
            y, back = self.rule(tree, inner, key) if self.random else self.rule(tree, inner)
        except FuncnnError as error:
            error.network = error.network or self.door.name
            raise

        def pullback(dy: Any) -> tuple[Params, Any]:
            try:
                pair = back(cotangent_like(y, dy))
                if not is_tuple(pair) or len(pair) != 2:
                    raise ParamsError(f"the pullback must return the pair (dparams, dx), got {described(pair)}")
                dparams, dx = pair
                return self.door.gradients(tree, dparams), like_input(force(dx), inner)
            except FuncnnError as error:
                error.network = error.network or self.door.name
                raise

        return cast("tuple[Y_co, Any]", (read_only(y), pullback))

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"layers never change; {name} cannot be set")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"layers never change; {name} cannot be deleted")

    def __reduce__(self) -> tuple[Any, ...]:
        return operator.attrgetter("apply"), (self.door.layer,)

    def __copy__(self) -> Apply[X_contra, Y_co]:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Apply[X_contra, Y_co]:
        return self

    def __repr__(self) -> str:
        return f"<apply of {self.door.name}>"


@final
class Differentiable(Generic[P, V, D]):
    """A function that carries its explicit pullback; made with `differentiable`."""

    rule: Callable[P, tuple[V, Callable[[V], D]]]
    __name__: str

    def __init__(self, rule: Callable[P, tuple[V, Callable[[V], D]]]) -> None:
        self.rule = rule
        functools.update_wrapper(cast(Any, self), rule, updated=())

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> V:
        return self.rule(*args, **kwargs)[0]

    def pull(self, *args: P.args, **kwargs: P.kwargs) -> tuple[V, Callable[[V], D]]:
        """The value and the pullback; what `vjp(f, ...)` calls."""
        return self.rule(*args, **kwargs)

    def bind(self, **options: object) -> Differentiable[P, V, D]:
        """The same function with keyword options fixed; it keeps its rule.

        Errors
            TypeError   the function has no such option
        """
        check_options(self.__name__, self.rule, options)
        # the names were compared; keyword arguments of a ParamSpec cannot be typed
        bound = functools.partial(self.rule, **options)  # type: ignore[arg-type]
        return Differentiable(functools.update_wrapper(bound, self.rule))

    def __repr__(self) -> str:
        options = getattr(self.rule, "keywords", {})
        shown = ", ".join(f"{k}={v!r}" for k, v in options.items())
        return f"{self.__name__}.bind({shown})" if options else self.__name__


def differentiable(rule: Callable[P, tuple[V, Callable[[V], D]]]) -> Differentiable[P, V, D]:
    """Make a rule, which returns `(value, pullback)`, into a function that `vjp` can reach.

    The pullback takes the cotangent of the value and returns a tuple, one cotangent per positional argument.

    >>> @differentiable
    ... def half_square(x: Array) -> tuple[float, Callable[[float], tuple[Array]]]:
    ...     return float(x @ x) / 2, lambda d: (d * x,)
    >>> half_square(np.array([3.0, 4.0]))
    12.5
    >>> value, pullback = vjp(half_square, np.array([3.0, 4.0]))
    >>> pullback(1.0)
    (array([3., 4.]),)
    """
    return Differentiable(rule)


@overload
def vjp(
    f: Apply[X, Y], params: Tree, x: X, /, *, rng: Rng | None = None
) -> tuple[Y, Callable[[Y], tuple[Params, X]]]: ...
@overload
def vjp(f: Differentiable[P, V, D], /, *args: P.args, **kwargs: P.kwargs) -> tuple[V, Callable[[V], D]]: ...
@overload
def vjp(
    f: Loss[X, T], prediction: X, target: T, /, *,
    weights: Weights | None = None, reduce: Literal["none"], **options: float,
) -> tuple[Array, Callable[[Array], tuple[X, T]]]: ...
@overload
def vjp(
    f: Loss[X, T], prediction: X, target: T, /, *,
    weights: Weights | None = None, reduce: Reduce = ..., **options: float,
) -> tuple[float, Callable[[float], tuple[X, T]]]: ...
def vjp(f: Any, /, *args: Any, **kwargs: Any) -> Any:
    """The value of `f` and its pullback, `dy -> (one cotangent per argument)`.

    For a layer's `apply`: `y, pullback = vjp(apply, params, x)` and `dparams, dx = pullback(dy)`, with `rng=` for a
    training pass. The pullback is pure and linear, and may be called any number of times. `y` and `dx` are read-only.
    The cotangent of tokens and masks is zero. For a loss: `value, pullback = vjp(loss, prediction, target)` and
    `dprediction, dtarget = pullback(1.0)`.

    Errors
        as for calling `f`; and from the pullback
        ShapeError    `dy` has not the shape of `y`
        ParamsError   the rule of some layer returned gradients of another structure, shape or dtype than its params

    Source: Griewank & Walther, Evaluating Derivatives (2008), section 3.2; the signature is that of `jax.vjp`.

    >>> init, apply = Dense(2)
    >>> _, params = init(Key(0), (-1, 3))
    >>> y, pullback = vjp(apply, params, np.ones((4, 3), np.float32))
    >>> dparams, dx = pullback(np.ones_like(y))
    >>> dparams.at("b"), dx.shape
    (array([4., 4.], dtype=float32), (4, 3))
    """
    if hasattr(f, "pull"):
        return f.pull(*args, **kwargs)
    hint = "; take its .apply" if hasattr(f, "apply") else "; make its rule one with @differentiable"
    raise TypeError(f"vjp takes a differentiable function, got {type(f).__name__}{hint}")
