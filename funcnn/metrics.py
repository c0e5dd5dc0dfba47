"""Metrics: what is said about predictions, exactly the same whichever way the data are cut into batches."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Generic, NamedTuple, TypeVar, Union, cast

import numpy as np
import numpy.typing as npt

from funcnn.errors import ShapeError
from funcnn.losses.definition import Loss
from funcnn.losses.joining import paired
from funcnn.losses.targets import class_targets, like, real
from funcnn.shapes import display
from funcnn.types import Array, Tokens, is_array

S = TypeVar("S")
Y = TypeVar("Y", contravariant=True)
T = TypeVar("T", contravariant=True)
A = TypeVar("A")
B = TypeVar("B")


class Metric(NamedTuple, Generic[S, Y, T]):
    """Three pure functions: `init() -> state`, `update(state, prediction, target) -> state`, `compute(state) -> float`.

    States are small; `update` never changes one. Called with one batch, a metric is the value for that batch. Its
    `name` is what `evaluate` puts the value under.

    >>> state = accuracy.init()
    >>> state = accuracy.update(state, np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([0, 1]))
    >>> state = accuracy.update(state, np.array([[0.0, 1.0]]), np.array([1]))
    >>> round(accuracy.compute(state), 4)
    0.6667
    >>> accuracy(np.array([[0.0, 1.0]]), np.array([1]))
    1.0
    """

    init: Callable[[], S]
    update: Callable[[S, Y, T], S]
    compute: Callable[[S], float]
    name: str = "metric"

    def __call__(self, prediction: Y, target: T) -> float:
        return self.compute(self.update(self.init(), prediction, target))

    def __repr__(self) -> str:
        return f"<metric {self.name}>"


class Ratio(NamedTuple):
    """A sum and what it is divided by."""

    total: float = 0.0
    n: float = 0.0


def _ratio(state: Ratio) -> float:
    if not state.n:
        raise ShapeError("empty batch: a metric was asked for, and no row has been seen")
    return state.total / state.n


# classification -------------------------------------------------------------------------------------------------------
def _hits(state: Ratio, logits: Array, labels: Union[Tokens, Array]) -> Ratio:
    scores = real(logits)
    targets = class_targets("accuracy", scores, labels)
    if targets.ndim == scores.ndim:
        targets = np.argmax(targets, -1)
    hits = np.argmax(scores, -1) == targets
    found: float = np.nan if np.isnan(scores).any() else int(np.count_nonzero(hits))
    return Ratio(state.total + found, state.n + hits.size)


accuracy: Metric[Ratio, Array, Union[Tokens, Array]] = Metric(Ratio, _hits, _ratio, "accuracy")
"""The share of rows whose largest logit is that of the label; the first of several largest counts. NaN gives NaN.

Shapes
    logits   (..., classes), or probabilities: only their order matters
    labels   (...) integers from 0 to classes - 1, or distributions (..., classes), whose largest entry is the label
Errors
    LabelError   labels out of range, of another kind or form; rows that are no distributions
    ShapeError   the leading axes differ, or no row has been seen
Source: Bishop, Pattern Recognition and Machine Learning (2006), section 1.5.1 (one minus the misclassification rate).

>>> accuracy(np.array([[2.0, 1.0], [0.0, 3.0]]), np.array([0, 0]))
0.5
"""


# regression -----------------------------------------------------------------------------------------------------------
class Moments(NamedTuple):
    """Of every output: rows seen, the first target, the mean and the summed squares of what targets differ from it, and
    the summed squares of errors; in float64."""

    rows: int
    first: npt.NDArray[np.float64]
    mean: npt.NDArray[np.float64]
    spread: npt.NDArray[np.float64]
    errors: npt.NDArray[np.float64]


def _no_moments() -> Moments:
    zero = np.zeros(())
    return Moments(0, zero, zero, zero, zero)


def _moments(state: Moments, prediction: Array, target: Array) -> Moments:
    y = _wide(real(prediction), np.dtype(np.float64))
    t = like("r2", y, target).astype(np.float64)
    if not t.ndim:
        raise ShapeError("r2 takes predictions with a batch axis, got shape ()")
    n = len(t)
    if not n:
        return state
    if state.rows and state.first.shape != t.shape[1:]:
        raise ShapeError(f"r2 has seen targets of shape {display((-1, *state.first.shape))}, got {display(t.shape)}")
    error = t - y
    first = state.first if state.rows else t[0].copy()
    t -= first  # loses less than sums of squares do, and is exactly zero where targets are constant
    mean = t.sum(0) / n
    centred = t - mean
    rows, apart = state.rows + n, mean - state.mean
    return Moments(
        rows,
        first,
        state.mean + apart * (n / rows),
        state.spread + (centred * centred).sum(0) + apart * apart * (state.rows * n / rows),
        state.errors + (error * error).sum(0),
    )


def _r2(state: Moments) -> float:
    if not state.rows:
        raise ShapeError("empty batch: r2 was asked for, and no row has been seen")
    constant = state.spread == 0
    shares = 1 - state.errors / np.where(constant, 1.0, state.spread)
    exact = np.where(np.isnan(state.errors), np.nan, state.errors == 0)
    return float(np.mean(np.where(constant, exact, shares)))


r2: Metric[Moments, Array, Array] = Metric(_no_moments, _moments, _r2, "r2")
"""The coefficient of determination, `1 - sum (t - y)^2 / sum (t - mean t)^2` over rows, averaged over outputs.

1 is perfect, 0 what the mean of the targets achieves. An output whose target is constant counts 1 where every
prediction is exact, else 0. Sums are in float64, and pooled, so that batches may be cut anywhere.

Shapes
    prediction, target   (rows, ...), the same
Errors
    ShapeError   the shapes differ, or no row has been seen
Source: Draper & Smith, Applied Regression Analysis (1998), section 1.3, with the conventions of scikit-learn.
Pooling: Chan, Golub & LeVeque, Algorithms for Computing the Sample Variance (1983).

>>> r2(np.array([[1.0], [2.0], [3.0]]), np.array([[1.0], [2.0], [3.0]]))
1.0
>>> r2(np.array([[2.0], [2.0], [2.0]]), np.array([[1.0], [2.0], [3.0]]))
0.0
"""


# losses ---------------------------------------------------------------------------------------------------------------
def mean_of(loss: Loss[A, B]) -> Metric[tuple[Ratio, ...], A, B]:
    """The loss of all the data, where the batches of `fit` have one each: for `evaluate`.

    The mean over all terms; for losses that reduce by "sum" or "batch", the sum over outputs and the mean of that over
    rows. A joint loss is the scaled sum of its parts. Sums are in float64.

    Errors
        as for the loss

    >>> metric = mean_of(squared_error)
    >>> state = metric.update(metric.init(), np.array([1.0, 2.0]), np.array([0.0, 0.0]))
    >>> metric.compute(metric.update(state, np.array([2.0]), np.array([0.0])))
    3.0
    """
    if not isinstance(loss, Loss):
        raise TypeError(f"mean_of takes a loss, got {type(loss).__name__}; metrics are used as they are")
    update, compute = functools.partial(_more_terms, loss), functools.partial(_mean, loss)
    return cast("Metric[tuple[Ratio, ...], A, B]", Metric(tuple, update, compute, repr(loss)))


def _more_terms(loss: Loss[Any, Any], state: tuple[Ratio, ...], prediction: Any, target: Any) -> tuple[Ratio, ...]:
    new = _terms(loss, None, real(prediction), target)
    if not state:
        return tuple(new)
    return tuple(Ratio(a.total + b.total, a.n + b.n) for a, b in zip(state, new, strict=True))


def _terms(loss: Loss[Any, Any], how: str | None, prediction: Any, target: Any) -> list[Ratio]:
    how = how or loss.reduce
    if loss.parts:
        pairs = zip(loss.parts, *paired(loss.parts, prediction, target), strict=True)
        return [ratio for (_, part), p, t in pairs for ratio in _terms(part, how, p, t)]
    terms, _ = loss.rule(_wide(prediction, getattr(target, "dtype", None)), target, reduce="none")
    rows = len(terms) if terms.ndim else 1
    return [Ratio(np.add.reduce(terms, None, dtype=np.float64).item(), terms.size if how == "mean" else rows)]


def _mean(loss: Loss[Any, Any], state: tuple[Ratio, ...]) -> float:
    if not state:
        return _ratio(Ratio())
    return sum(scale * _ratio(ratio) for scale, ratio in zip(_scales(loss), state, strict=True))


def _wide(prediction: Any, dtype: np.dtype[Any] | None) -> Any:
    """A prediction in float64 where the target is: there a large target keeps the digits that its error is made of."""
    if not (is_array(prediction) and dtype == np.float64 and prediction.dtype.kind == "f"):
        return prediction
    return prediction.astype(np.float64, copy=False)


def _scales(loss: Loss[Any, Any]) -> list[float]:
    return [scale * inner for scale, part in loss.parts for inner in _scales(part)] or [1.0]
