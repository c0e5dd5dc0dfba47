"""Losses: terms and their pullbacks. They take predictions and logits as they are, and never broadcast."""

from __future__ import annotations

from typing import Any, Union, cast

import numpy as np

from funcnn.cotangents import Later
from funcnn.errors import ShapeError
from funcnn.kinds import convert
from funcnn.shapes import display
from funcnn.terms import Terms, loss
from funcnn.types import Array, is_tuple


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


def like(name: str, prediction: Array, target: Any) -> Array:
    """A target of the prediction's own shape, in its dtype.

    Errors
        ShapeError   it has another shape; nothing is broadcast
        DTypeError   complex, masked, sparse, ...
    """
    if is_tuple(prediction):
        raise ShapeError(f"{name} takes one array, the prediction is a tuple of {len(prediction)}; use joint(...)")
    if type(target) is not np.ndarray or target.dtype != prediction.dtype:
        target = converted(target, prediction.dtype, name)
    if target.shape != prediction.shape:
        raise ShapeError(_unlike(name, prediction.shape, target.shape))
    return cast(Array, target)


def converted(target: Any, dtype: np.dtype[Any], name: str, kind: str = "features") -> Any:
    """A target in the dtype of the prediction, once."""
    if is_tuple(target):
        raise ShapeError(f"{name} takes one array, the target is a tuple of {len(target)}; make it one with np.array")
    if dtype.kind == "c" and np.asarray(target).dtype.kind == "c":  # the laws run rules on complex numbers
        return np.asarray(target, dtype)
    return convert(target, kind, dtype, "the target")


def _unlike(name: str, prediction: tuple[int, ...], target: tuple[int, ...]) -> str:
    fix = "nothing is broadcast, give one target for every value of the prediction"
    if prediction == (*target, 1):
        fix = "nothing is broadcast, write target[:, None]" if len(target) == 1 else "write target[..., None]"
    elif target == (*prediction, 1):
        fix = "nothing is broadcast, write target[..., 0]"
    return f"{name} takes a target of the shape of the prediction, {display(prediction)}, got {display(target)}; {fix}"
