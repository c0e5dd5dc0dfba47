"""Losses of predictions that are numbers."""

from __future__ import annotations

from typing import Union

from funcnn.calculus import Later
from funcnn.losses.definition import Terms, loss
from funcnn.losses.targets import like
from funcnn.types import Array


@loss
def squared_error(prediction: Array, target: Array) -> Terms[Array]:
    """Squared error, `(y - t)^2` for every element; the mean over all elements unless `reduce` says otherwise.

    Shapes
        prediction, target   (...), the same
        terms                (...)
    Errors
        ShapeError   the shapes differ, or the batch is empty
        DTypeError   complex, masked, sparse, ... values
    Pullback
        dprediction = 2 (y - t) dterms      dtarget = -dprediction
    Source: Bishop, Pattern Recognition and Machine Learning (2006), equation 3.12; the mean over all elements is what
    PyTorch, Keras and scikit-learn call the mean squared error. `reduce="batch"` sums over outputs first.

    >>> squared_error(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 2.0], [3.0, 0.0]]))
    4.0
    >>> squared_error(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 2.0], [3.0, 0.0]]), reduce="batch")
    8.0
    """
    return _squares(prediction, like("squared_error", prediction, target))


@loss(reduce="sum")
def sum_squared_error(prediction: Array, target: Array) -> Terms[Array]:
    """Squared error, `(y - t)^2` for every element; the sum over all elements unless `reduce` says otherwise.

    Shapes
        prediction, target   (...), the same
        terms                (...)
    Errors
        ShapeError   the shapes differ
        DTypeError   complex, masked, sparse, ... values
    Pullback
        dprediction = 2 (y - t) dterms      dtarget = -dprediction
    Source: Bishop, Pattern Recognition and Machine Learning (2006), equation 3.12 without its factor of one half.

    >>> sum_squared_error(np.array([1.0, 2.0]), np.array([3.0, 5.0]))
    13.0
    """
    return _squares(prediction, like("sum_squared_error", prediction, target))


def _squares(y: Array, t: Array) -> Terms[Array]:
    error = y - t

    def pullback(dterms: Union[Array, float]) -> tuple[Array, Later[Array]]:
        scaled: Array = (2 * dterms) * error
        return scaled, Later(lambda: -scaled)

    return error * error, pullback
