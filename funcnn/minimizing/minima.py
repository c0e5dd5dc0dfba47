"""`minimize`: params that make an objective as small as it gets on the same data, by gradients of all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal, NamedTuple, TypeVar, cast, overload

import numpy as np

from funcnn.arguments import counted, finite_positive
from funcnn.derivatives.external import as_scipy
from funcnn.derivatives.objectives import REQUIRED, BatchObjective, Objective
from funcnn.derivatives.own_objectives import checked_function, promised
from funcnn.errors import NonFiniteError, brief
from funcnn.foreign.calls import understood
from funcnn.foreign.lookups import answering
from funcnn.keys import Rng, as_key
from funcnn.losses.reductions import Weights
from funcnn.minimizing.lbfgs import Reason, Vector, lbfgs, size
from funcnn.params import Params, ParamsLike
from funcnn.params.packing import gather, layout_of, pack, ravel
from funcnn.warned import warn

X = TypeVar("X")
Y = TypeVar("Y")
T = TypeVar("T")
B = TypeVar("B")

_STOPPED: Final[dict[Reason, str]] = {
    "gradient": "the gradient is at most {tolerance:g}",
    "steps": "{steps} steps have been made, and the gradient is {size:.3g}; give more steps, or go on from there",
    "progress": "no step lowers the value any more, and the gradient is {size:.3g}, not {tolerance:g}; float64 params "
    "have more digits, a kink (Relu, absolute values) has no gradient of zero, and a larger tolerance asks for less",
    "finite": "no step leads to a finite value, and the gradient is {size:.3g}; look at the data, or begin elsewhere",
}


@answering
class Minimum(NamedTuple):
    """What `minimize` has found.

    params          the best that were found
    value           of the objective there
    gradient_norm   the largest entry of its gradient there, by size
    steps           how many were made
    evaluations     how often the value and the gradient were computed
    converged       whether the gradient is as small as was asked for
    reason          why it stopped, in words
    """

    params: Params
    value: float
    gradient_norm: float
    steps: int
    evaluations: int
    converged: bool
    reason: str


@overload
def minimize(
    objective: Objective[X, Y, T],
    params: ParamsLike,
    x: X,
    target: T,
    /,
    *,
    weights: Weights | None = None,
    rng: Rng | None = ...,
    method: Literal["lbfgs"] = "lbfgs",
    steps: int = ...,
    tolerance: float = ...,
    memory: int = ...,
) -> Minimum: ...
@overload
def minimize(
    objective: BatchObjective[B],
    params: ParamsLike,
    batch: B,
    /,
    *,
    rng: Rng | None = ...,
    method: Literal["lbfgs"] = "lbfgs",
    steps: int = ...,
    tolerance: float = ...,
    memory: int = ...,
) -> Minimum: ...
@understood
def minimize(
    objective: Any,
    params: ParamsLike,
    /,
    *data: Any,
    weights: Weights | None = None,
    rng: Rng | None = REQUIRED,
    method: Literal["lbfgs"] = "lbfgs",
    steps: int = 1000,
    tolerance: float = 1e-5,
    memory: int = 10,
) -> Minimum:
    """Params that make an objective as small as it gets near `params`, on all of the data at once, by L-BFGS.

    `minimize(objective, params, x, target)` takes what `value_and_grad` makes, or any function
    `(params, batch, rng) -> (value, gradients)` with its `batch`. Directions are gradients with the curvature of the
    last `memory` steps divided out; the way along them is found by evaluations, until the strong Wolfe conditions hold.
    It ends where no entry of the gradient is larger than `tolerance`. What ends earlier says so in a warning and in
    `reason`, and gives the best that was found. Random networks see the same key, and so the same masks, at every
    evaluation.

    It is for small networks and data that fit in memory, with float64 params: of a network of 25 numbers it makes in a
    thousand steps what `adam` does not in ten times as many. With float32 params values have seven digits, and it stops
    where those no longer change. It is written here, and not asked of SciPy, because it is short, needs NumPy alone,
    and stays on numbers of the params' own dtype; with SciPy, `as_scipy` reaches the same minima by L-BFGS-B in as many
    evaluations, and all its other methods.

    Errors
        as for the objective, and
        TypeError        it is no objective; data that do not fit it; `rng` is missing where the network takes a key
        ValueError       another `method`; `steps` or `memory` less than one, `tolerance` not positive
        NonFiniteError   the value or the gradient at `params` is not finite
        FuncnnWarning    it stopped early; or the gradient is zero at `params`, which may be a saddle
    Source: Nocedal & Wright, Numerical Optimization (2006), algorithms 7.4 and 7.5, with the line search 3.5, 3.6.

    >>> net = Dense(1)
    >>> _, params = net.init(0, (-1, 2), dtype=np.float64)
    >>> x = Key(1).generator().normal(size=(20, 2))
    >>> found = minimize(value_and_grad(squared_error, net.apply), params, x, x @ [[1.0], [2.0]] + 3.0)
    >>> found.params.at("w").round(4).ravel(), found.params.at("b").round(4), found.converged, found.reason
    (array([1., 2.]), array([3.]), True, 'the gradient is at most 1e-05')
    """
    if method != "lbfgs":
        raise ValueError(f"minimize: method must be 'lbfgs', got {brief(method)}; as_scipy reaches SciPy's others")
    steps, memory = counted("minimize", steps=steps), counted("minimize", memory=memory)
    finite_positive("minimize", tolerance=tolerance)
    limit = float(tolerance)
    fun, start, unravel, dtype = _opened(objective, params, data, weights, rng)

    def rounded(vector: Vector) -> Vector:
        return vector.astype(dtype).astype(np.float64)  # the numbers that the objective sees

    value, gradient = fun(start)
    if not (np.isfinite(value) and np.isfinite(gradient).all()):
        what = f"the value is {value}" if not np.isfinite(value) else "a gradient is not finite"
        raise NonFiniteError(f"minimize: {what} at the params it begins with; look at the data, or begin elsewhere")
    if not size(gradient) and start.size:
        warn("minimize: the gradient is zero at the params it begins with, a minimum or a saddle; nothing was done")
        return Minimum(unravel(start), value, 0.0, 0, 1, True, "the gradient is zero where it begins")
    precision, begin = float(np.finfo(dtype).eps), (start, value, gradient)
    found = lbfgs(fun, rounded, begin, steps=steps, tolerance=limit, memory=memory, precision=precision)
    norm = size(found.gradient)
    reason = _STOPPED[found.reason].format(tolerance=limit, steps=found.steps, size=norm)
    if found.reason != "gradient":
        warn(f"minimize stopped early: {reason}")
    converged = found.reason == "gradient"
    return Minimum(unravel(found.x), found.value, norm, found.steps, found.evaluations, converged, reason)


def _opened(
    objective: object, params: ParamsLike, data: tuple[Any, ...], weights: Weights | None, rng: Rng | None
) -> tuple[Callable[[Vector], tuple[float, Vector]], Vector, Callable[[Vector], Params], Any]:
    """The objective as a function of a vector, where it begins, the way back to params, and their dtype."""
    if not isinstance(objective, Objective):
        checked_function("minimize", objective)
    start = pack(Params(params))
    dtype = ravel(start)[0].dtype
    if isinstance(objective, Objective):
        if len(data) != 2:
            raise TypeError(f"minimize takes an objective, params, x and target, got {len(data)} after the params; "
                "write minimize(objective, params, x, target)")
        return *as_scipy(cast(Any, objective), start, *data, weights=weights, rng=rng), dtype
    run = promised(cast(Any, objective))
    if len(data) != 1 or weights is not None:
        raise TypeError(
            f"minimize takes one batch after the params of a function (params, batch, rng), and no weights, got "
            f"{len(data)}{'' if weights is None else ' and weights'}; write minimize(objective, params, (x, target))"
        )
    vector, unravel = ravel(start)
    key = None if rng is None or rng is REQUIRED else as_key(rng)

    def back(x: Vector) -> Params:
        return unravel(np.asarray(x, dtype))

    def fun(x: Vector) -> tuple[float, Vector]:
        value, gradients = run(back(x), data[0], key)
        return value, gather(layout_of(start), gradients).astype(np.float64)

    return fun, vector.astype(np.float64), back, dtype
