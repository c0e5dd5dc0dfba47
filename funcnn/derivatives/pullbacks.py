"""vjp: the value of a differentiable function with its pullback."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, ParamSpec, TypeVar, overload

from funcnn.calculus import Differentiable
from funcnn.keys import Rng
from funcnn.losses.definition import Loss
from funcnn.losses.reductions import Reduce, Weights
from funcnn.networks import Apply
from funcnn.params import Gradients
from funcnn.types import Array, Tree

P = ParamSpec("P")
V = TypeVar("V")
D = TypeVar("D")
T = TypeVar("T")
X = TypeVar("X")
Y = TypeVar("Y")


@overload
def vjp(
    f: Apply[X, Y], params: Tree, x: X, /, *, rng: Rng | None = None
) -> tuple[Y, Callable[[Y], tuple[Gradients, X]]]: ...
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
