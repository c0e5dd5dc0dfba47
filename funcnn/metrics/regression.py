"""How far predictions are off: errors and what is explained, in float64, exact whichever way the data are cut."""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from funcnn.errors import ShapeError
from funcnn.losses.reductions import Weights
from funcnn.losses.targets import like, real
from funcnn.metrics.definition import Metric, Ratio, ratio, weighed, wide
from funcnn.shapes import display
from funcnn.types import Array


# errors ---------------------------------------------------------------------------------------------------------------
def _errors(name: str, prediction: Array, target: Array) -> tuple[Array, Array]:
    """Targets, and what predictions differ from them, in float64."""
    y = wide(real(prediction), np.dtype(np.float64))
    t = like(name, y, target)
    return t.astype(np.float64), t - y


def _sum(
    name: str, term: np.ufunc, state: Ratio, prediction: Array, target: Array, weights: Weights | None = None, /
) -> Ratio:
    _, error = _errors(name, prediction, target)
    w = weighed(name, weights, error.shape)
    if w is None:
        return Ratio(state.total + float(np.sum(term(error))), state.n + error.size)
    counted = w > 0
    return Ratio(state.total + float(np.sum(term(error[counted]) * w[counted])), state.n + float(np.sum(w)))


def _root(state: Ratio) -> float:
    return math.sqrt(ratio(state))


mean_squared_error: Metric[Ratio, Array, Array, float] = Metric(
    Ratio, functools.partial(_sum, "mean_squared_error", np.square), ratio, "mean_squared_error"
)
"""The mean of `(t - y)^2` over all values, in float64.

Shapes
    prediction, target   (...), the same
    weights              of the leading axes of (...), or a mask
Errors
    ShapeError   the shapes differ, or no value has been seen that counts
Source: Hastie, Tibshirani & Friedman, The Elements of Statistical Learning (2009), section 2.4.

>>> mean_squared_error(np.array([1.0, 2.0]), np.array([1.0, 4.0]))
2.0
"""

root_mean_squared_error: Metric[Ratio, Array, Array, float] = Metric(
    Ratio, functools.partial(_sum, "root_mean_squared_error", np.square), _root, "root_mean_squared_error"
)
"""The root of the mean of `(t - y)^2` over all values, in the unit of the targets. Shapes, errors and source as for
`mean_squared_error`.

>>> root_mean_squared_error(np.array([1.0, 2.0]), np.array([1.0, 6.0])).__round__(4)
2.8284
"""

mean_absolute_error: Metric[Ratio, Array, Array, float] = Metric(
    Ratio, functools.partial(_sum, "mean_absolute_error", np.absolute), ratio, "mean_absolute_error"
)
"""The mean of `|t - y|` over all values, in the unit of the targets. Shapes and errors as for `mean_squared_error`.

Source: Hastie, Tibshirani & Friedman, The Elements of Statistical Learning (2009), section 10.6.

>>> mean_absolute_error(np.array([1.0, 2.0]), np.array([1.0, 4.0]))
1.0
"""


# what is explained ----------------------------------------------------------------------------------------------------
class Moments(NamedTuple):
    """Of every output: the weight of the rows seen, the first target, the mean and the summed squares of what targets
    differ from it, and the summed squares of errors; in float64."""

    rows: Any
    first: npt.NDArray[np.float64]
    mean: npt.NDArray[np.float64]
    spread: npt.NDArray[np.float64]
    errors: npt.NDArray[np.float64]


def _no_moments() -> Moments:
    zero = np.zeros(())
    return Moments(0.0, zero, zero, zero, zero)


def _moments(state: Moments, prediction: Array, target: Array, weights: Weights | None = None, /) -> Moments:
    t, error = _errors("r2", prediction, target)
    if not t.ndim:
        raise ShapeError("r2 takes predictions with a batch axis, got shape ()")
    w = weighed("r2", weights, t.shape)
    n: Any = float(len(t)) if w is None else w.sum(0)
    if not t.size or not np.any(n):
        return state
    seen = np.any(state.rows)
    if seen and state.first.shape != t.shape[1:]:
        raise ShapeError(f"r2 has seen targets of shape {display((-1, *state.first.shape))}, got {display(t.shape)}")
    first = state.first if seen else t[0].copy()
    t -= first  # loses less than sums of squares do, and is exactly zero where targets are constant
    if w is not None:
        t, error = np.where(w > 0, t, 0.0), np.where(w > 0, error, 0.0)
    rows = state.rows + n
    safe = np.where(rows == 0, 1.0, rows)
    mean = _summed(t, w) / np.where(n == 0, 1.0, n)
    centred, apart = t - mean, mean - state.mean
    return Moments(
        rows,
        first,
        state.mean + apart * (n / safe),
        state.spread + _summed(centred * centred, w) + apart * apart * (state.rows * n / safe),
        state.errors + _summed(error * error, w),
    )


def _summed(values: Any, w: Any) -> Any:
    """Over rows, as often as they count."""
    return (values if w is None else values * w).sum(0)


def _r2(state: Moments) -> float:
    if not np.all(state.rows):
        raise ShapeError("empty batch: r2 was asked for, and no row has been seen that counts")
    constant = state.spread == 0
    shares = 1 - state.errors / np.where(constant, 1.0, state.spread)
    exact = np.where(np.isnan(state.errors), np.nan, state.errors == 0)
    return float(np.mean(np.where(constant, exact, shares)))


r2: Metric[Moments, Array, Array, float] = Metric(_no_moments, _moments, _r2, "r2")
"""The coefficient of determination, `1 - sum (t - y)^2 / sum (t - mean t)^2` over rows, averaged over outputs.

1 is perfect, 0 what the mean of the targets achieves. An output whose target is constant counts 1 where every
prediction is exact, else 0. Sums are in float64, and pooled, so that batches may be cut anywhere.

Shapes
    prediction, target   (rows, ...), the same
    weights              of the leading axes, or a mask; every output wants something that counts
Errors
    ShapeError   the shapes differ, or no row has been seen that counts
Source: Draper & Smith, Applied Regression Analysis (1998), section 1.3, with the conventions of scikit-learn.
Pooling: Chan, Golub & LeVeque, Algorithms for Computing the Sample Variance (1983).

>>> r2(np.array([[1.0], [2.0], [3.0]]), np.array([[1.0], [2.0], [3.0]]))
1.0
>>> r2(np.array([[2.0], [2.0], [2.0]]), np.array([[1.0], [2.0], [3.0]]))
0.0
"""


