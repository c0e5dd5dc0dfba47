"""What a metric is: three pure functions, so that data may be cut into batches anywhere."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Generic, NamedTuple, Protocol, TypeVar, Union, cast

import numpy as np
import numpy.typing as npt

from funcnn.documentation import of_name, tells_of_itself
from funcnn.errors import ShapeError
from funcnn.foreign.calls import understood
from funcnn.foreign.lookups import answering
from funcnn.inputs import convert
from funcnn.losses.reductions import Weights
from funcnn.shapes import display
from funcnn.types import is_array, is_tuple

S = TypeVar("S")
Y = TypeVar("Y", contravariant=True)
T = TypeVar("T", contravariant=True)
R = TypeVar("R", covariant=True)


class Update(Protocol[S, Y, T]):
    """What a metric does with a batch: `(state, prediction, target, weights) -> state`."""

    def __call__(self, state: S, prediction: Y, target: T, weights: Weights | None = None, /) -> S: ...


@answering
class Metric(NamedTuple, Generic[S, Y, T, R]):
    """Three pure functions: `init() -> state`, `update(state, prediction, target, weights) -> state`, `compute(state)`.

    `update` never changes a state. Weights, or a mask, say how often rows or values count; an `update` may go without.
    Called with one batch, a metric is the value for that batch. Its `name` is what `evaluate` puts the value under.

    >>> state = accuracy.init()
    >>> state = accuracy.update(state, np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([0, 1]))
    >>> state = accuracy.update(state, np.array([[0.0, 1.0]]), np.array([1]))
    >>> round(accuracy.compute(state), 4)
    0.6667
    >>> accuracy(np.array([[0.0, 1.0]]), np.array([1]))
    1.0
    >>> accuracy(np.array([[0.0, 1.0], [0.0, 1.0]]), np.array([0, 1]), weights=np.array([True, False]))
    0.0
    """

    init: Callable[[], S]
    update: Union[Update[S, Y, T], Callable[[S, Y, T], S]]
    compute: Callable[[S], R]
    name: str = "metric"

    @understood
    def __call__(self, prediction: Y, target: T, *, weights: Weights | None = None) -> R:
        return self.compute(updated(self, self.init(), prediction, target, weights))

    def __repr__(self) -> str:
        return f"<metric {self.name}>"


tells_of_itself(Metric, lambda value: of_name(value, value.name))


def updated(metric: Metric[S, Y, T, Any], state: S, prediction: Y, target: T, weights: Weights | None) -> S:
    """The state of a metric after one more batch.

    Errors
        TypeError   there are weights, and the metric takes none
    """
    if weights is None:
        return metric.update(state, prediction, target)
    update = cast("Update[S, Y, T]", metric.update)
    try:
        inspect.signature(update).bind(state, prediction, target, weights)
    except TypeError:
        raise TypeError(
            f"metric {metric.name} takes no weights, got some; give its update a fourth parameter, `weights=None`"
        ) from None
    return update(state, prediction, target, weights)


def nothing() -> None:
    """The state before anything was seen, of metrics that keep the rows."""


def in_order(state: Any) -> list[Any]:
    """The batches of a state that holds the latest one and, as `before`, the state before it: from the first on."""
    found: list[Any] = []
    while state is not None:
        found.append(state)
        state = state.before
    return found[::-1]


class Ratio(NamedTuple):
    """A sum and what it is divided by."""

    total: float = 0.0
    n: float = 0.0


def ratio(state: Ratio) -> float:
    """The one by the other.

    Errors
        ShapeError   nothing has been seen, or nothing that counts
    """
    if state.n == 0:
        raise ShapeError("empty batch: a metric was asked for, and no row has been seen that counts")
    return state.total / state.n


def weighed(name: str, weights: Weights | None, shape: tuple[int, ...]) -> npt.NDArray[np.float64] | None:
    """Weights in float64, one for each of these values; None without any.

    Errors
        ShapeError   they are not of the shape of the leading axes of the values
        ValueError   one is negative
        DTypeError, NonFiniteError   they are no real numbers
    """
    if weights is None:
        return None
    if is_tuple(weights):
        raise ShapeError(f"{name} takes one array of weights, got a tuple of {len(weights)}")
    w: Any = convert(weights, "features", np.dtype(np.float64), "the array of weights")
    if w.shape != shape[: w.ndim] or (w.ndim == 0 and shape):
        raise ShapeError(
            f"{name} takes weights of the shape of the leading axes of the targets, {display(shape)}, got "
            f"{display(w.shape)}; nothing is broadcast, give one weight for every row or value"
        )
    if w.size and w.min() < 0:
        raise ValueError(f"{name} takes weights that are not negative, the smallest is {w.min():g}")
    return np.broadcast_to(w.reshape(w.shape + (1,) * (len(shape) - w.ndim)), shape)


def wide(prediction: Any, dtype: np.dtype[Any] | None) -> Any:
    """A prediction in float64 where the target is: there a large target keeps the digits that its error is made of."""
    if not (is_array(prediction) and dtype == np.float64 and prediction.dtype.kind == "f"):
        return prediction
    return prediction.astype(np.float64, copy=False)
