"""Losses of predictions that are numbers."""

from __future__ import annotations

from typing import Any, Union

import numpy as np

from funcnn.arguments import finite_positive
from funcnn.calculus import Later
from funcnn.errors import ShapeError
from funcnn.kernels import activations as kernel
from funcnn.losses.definition import Terms, loss
from funcnn.losses.targets import like
from funcnn.types import Array, Numbers


@loss
def squared_error(prediction: Array, target: Numbers) -> Terms[Array]:
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
def sum_squared_error(prediction: Array, target: Numbers) -> Terms[Array]:
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


@loss
def absolute_error(prediction: Array, target: Numbers) -> Terms[Array]:
    """Absolute error, `|y - t|` for every element; the mean over all elements unless `reduce` says otherwise.

    Shapes
        prediction, target   (...), the same
        terms                (...)
    Errors
        ShapeError   the shapes differ, or the batch is empty
        DTypeError   complex, masked, sparse, ... values
    Pullback
        dprediction = sign(y - t) dterms, 0 where they are equal      dtarget = -dprediction
    Source: Hastie, Tibshirani & Friedman, The Elements of Statistical Learning (2009), section 10.6.

    >>> absolute_error(np.array([1.0, 2.0]), np.array([3.0, 1.0]))
    1.5
    """
    error = prediction - like("absolute_error", prediction, target)
    return _of_error(kernel.size(error), np.sign(error.real).astype(error.real.dtype))


@loss
def huber(prediction: Array, target: Numbers, *, delta: float = 1.0) -> Terms[Array]:
    """Huber's loss of the error `e = y - t`: `e^2 / 2` where `|e| <= delta`, else `delta (|e| - delta / 2)`.

    Near zero it is half the squared error, far out it grows like the absolute error, so that outliers pull less.

    Shapes
        prediction, target   (...), the same
        terms                (...)
    Errors
        ShapeError   the shapes differ, or the batch is empty
        ValueError   `delta` is not positive and finite
    Pullback
        dprediction = clip(e, -delta, delta) dterms      dtarget = -dprediction
    Source: Huber, Robust Estimation of a Location Parameter (1964), section 4; `delta` as in PyTorch and Keras.

    >>> huber(np.array([0.5, 3.0]), np.array([0.0, 0.0]), reduce="none")
    array([0.125, 2.5  ])
    """
    finite_positive("huber", delta=delta)
    error = prediction - like("huber", prediction, target)
    far = np.abs(error.real) > delta
    edge = (np.sign(error.real) * delta).astype(error.real.dtype)
    slope = np.where(far, edge, error)
    return _of_error(np.where(far, edge * error - delta * delta / 2, error * error / 2), slope)


@loss
def log_cosh(prediction: Array, target: Numbers) -> Terms[Array]:
    """`log cosh (y - t)` for every element: half the squared error near zero, the absolute error less log 2 far out.

    Shapes
        prediction, target   (...), the same
        terms                (...)
    Errors
        ShapeError   the shapes differ, or the batch is empty
    Pullback
        dprediction = tanh(y - t) dterms      dtarget = -dprediction
    Source: Green, Bayesian Reconstructions from Emission Tomography Data (1990), section 3; the name is Keras's.

    >>> log_cosh(np.array([0.0, 1000.0]), np.array([0.0, 0.0]), reduce="none").round(4)
    array([  0.    , 999.3069])
    """
    error = prediction - like("log_cosh", prediction, target)
    size = kernel.size(error)
    near = np.abs(error.real) < 0.01  # there log 2 would cancel
    square = error * error
    terms = np.where(near, square * (0.5 - square / 12), size + np.log1p(np.exp(-2 * size)) - np.log(2.0))
    return _of_error(terms, np.tanh(error))


@loss
def cosine_distance(prediction: Array, target: Numbers, *, eps: float = 1e-8) -> Terms[Array]:
    """One minus the cosine of the angle between rows, `1 - y . t / (|y| |t|)`, between 0 and 2.

    Lengths below `eps` count as `eps`, so that zeros have distance 1.

    Shapes
        prediction, target   (..., n), the same
        terms                (...)
    Errors
        ShapeError   the shapes differ, they have no axis, or the batch is empty
        ValueError   `eps` is not positive and finite
    Pullback
        dy = dterms (c y / |y| - t / |t|) / |y|, c the cosine, and the same for t
    Source: Salton & McGill, Introduction to Modern Information Retrieval (1983), section 4.1; `eps` as in PyTorch.

    >>> cosine_distance(np.array([[1.0, 0.0], [1.0, 1.0]]), np.array([[0.0, 2.0], [3.0, 3.0]]), reduce="none").round(6)
    array([1., 0.])
    """
    finite_positive("cosine_distance", eps=eps)
    t = like("cosine_distance", prediction, target)
    if not t.ndim:
        raise ShapeError("cosine_distance takes rows of numbers, (..., n), got shape ()")
    y_long, y_unit = _unit(prediction, eps)
    t_long, t_unit = _unit(t, eps)
    cosine = np.sum(y_unit * t_unit, axis=-1)

    def pullback(d: Union[Array, float]) -> tuple[Array, Later[Array]]:
        scale = _column(d)
        return _unit_pullback(y_long, y_unit, -scale * t_unit), Later(
            lambda: _unit_pullback(t_long, t_unit, -scale * y_unit)
        )

    return 1 - cosine, pullback


def _unit(x: Array, eps: float) -> tuple[Array, Array]:
    """Lengths of rows, and rows of length one; negative lengths stand for those below eps, which are constants."""
    length = np.sqrt(np.sum(x * x, axis=-1, keepdims=True))
    short = length.real < eps
    safe = np.where(short, eps, length).astype(length.dtype)
    return np.where(short, -safe, safe), x / safe


def _unit_pullback(length: Array, unit: Array, d: Array) -> Array:
    """`(d - u (u . d)) / |x|` where |x| moves, `d / eps` where it does not."""
    along = np.where(length.real < 0, 0.0, np.sum(unit * d, axis=-1, keepdims=True))
    dx: Array = ((d - unit * along) / kernel.size(length)).astype(unit.dtype, copy=False)
    return dx


def _column(d: Union[Array, float]) -> Any:
    return d[..., None] if isinstance(d, np.ndarray) else d


def _of_error(terms: Array, slope: Array) -> Terms[Array]:
    """The terms of a function of the error, and its derivative."""

    def pullback(dterms: Union[Array, float]) -> tuple[Array, Later[Array]]:
        scaled: Array = dterms * slope
        return scaled, Later(lambda: -scaled)

    return terms.astype(slope.dtype, copy=False) if slope.dtype.kind == terms.dtype.kind else terms, pullback


def _squares(y: Array, t: Array) -> Terms[Array]:
    error = y - t

    def pullback(dterms: Union[Array, float]) -> tuple[Array, Later[Array]]:
        scaled: Array = (2 * dterms) * error
        return scaled, Later(lambda: -scaled)

    return error * error, pullback
