"""Objectives for optimizers of other libraries: functions of one vector."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from funcnn.derivatives.objectives import REQUIRED, Objective, answered, checked_objective
from funcnn.foreign.calls import understood
from funcnn.keys import Rng
from funcnn.losses.reductions import Weights
from funcnn.params import Params, ParamsLike
from funcnn.params.packing import ravel

Vector: TypeAlias = npt.NDArray[np.float64]


@understood
def as_scipy(
    objective: Objective[Any, Any, Any],
    params: ParamsLike,
    x: Any,
    target: Any,
    *,
    weights: Weights | None = None,
    rng: Rng | None = REQUIRED,
) -> tuple[Callable[[Vector], tuple[float, Vector]], Vector, Callable[[Vector], Params]]:
    """An objective on these data as a function of one vector: `fun, x0, unravel`.

    `fun(vector)` gives the value and the gradient, float64, as `scipy.optimize.minimize(fun, x0, jac=True)` and others
    take it; `unravel(result.x)` makes params of what they find, in the dtype of the params given. With float32 params
    values have seven digits: take `init(..., dtype=np.float64)` where line searches want more. The key, if there is
    one, is the same at every call, and so are the masks of Dropout.

    Errors
        as for the objective, and
        TypeError     it is no objective, see `value_and_grad`; `rng` is missing where the network takes a key
        ParamsError   the vector is not of the length of x0
    Source: Nocedal & Wright, Numerical Optimization (2006), section 1; the form is that of scipy.optimize.

    >>> net = Dense(1)
    >>> _, params = net.init(0, (-1, 2), dtype=np.float64)
    >>> x, y = np.array([[1.0, 2.0], [3.0, 5.0]]), np.array([[1.0], [2.0]])
    >>> fun, x0, unravel = as_scipy(value_and_grad(squared_error, net.apply), params, x, y)
    >>> value, gradient = fun(x0)
    >>> gradient.shape, unravel(x0) == params
    ((3,), True)
    """
    checked_objective("as_scipy", objective)
    rng = answered(objective.apply, rng)
    start, unravel = ravel(params)

    def fun(vector: Vector) -> tuple[float, Vector]:
        value, gradients = objective(back(vector), x, target, weights=weights, rng=rng)
        return value, np.array(ravel(gradients)[0], np.float64)

    def back(vector: Vector) -> Params:
        return unravel(np.asarray(vector, start.dtype))

    return fun, np.array(start, np.float64), back
