"""Softmax and its logarithm over the last axis, and their pullbacks."""

from __future__ import annotations

import numpy as np

from funcnn.kernels.activations import positive_part
from funcnn.kernels.complex_numbers import exp
from funcnn.kernels.sums import row_maxima, row_sums
from funcnn.types import Array


def softmax(x: Array) -> Array:
    """`exp(x_i) / sum_j exp(x_j)`, the largest entry of each row subtracted first."""
    y = shifted(x)
    exp(y, y)
    y /= row_sums(y)
    return y


def softmax_pullback(y: Array, dy: Array) -> Array:
    """`dx = y (dy - sum_j y_j dy_j)`."""
    dx: Array = y * dy
    dx -= y * row_sums(dx)
    return dx


def log_softmax(x: Array) -> Array:
    """`x_i - log sum_j exp(x_j)`, the largest entry of each row subtracted first."""
    y = shifted(x)
    y -= np.log(row_sums(exp(y)))
    return y


def log_softmax_pullback(y: Array, dy: Array) -> Array:
    """`dx = dy - exp(y) sum_j dy_j`."""
    dx = exp(y)
    dx *= row_sums(dy)
    return np.subtract(dy, dx, dx)


def sparsemax(x: Array) -> Array:
    """`max(x_i - t, 0)`, with the threshold t that lets every row sum to 1: the row's nearest point of the simplex."""
    if not x.size:
        return x.copy()
    y = shifted(x)
    falling: Array = -np.sort(-y, axis=-1)
    sums: Array = np.cumsum(falling, axis=-1)
    counts = np.arange(1, x.shape[-1] + 1, dtype=x.real.dtype)
    support = np.count_nonzero((1 + counts * falling - sums).real > 0, axis=-1, keepdims=True)
    y -= (np.take_along_axis(sums, np.maximum(support, 1) - 1, -1) - 1) / np.maximum(support, 1).astype(x.real.dtype)
    return positive_part(y)


def sparsemax_pullback(y: Array, dy: Array) -> Array:
    """`dx = dy` less its mean over the places where y is not 0; elsewhere 0."""
    on = (y.real > 0).astype(y.real.dtype)
    dx: Array = dy * on
    dx -= on * (row_sums(dx) / np.maximum(row_sums(on), 1))
    return dx


def shifted(x: Array) -> Array:
    """x less the largest entry of its row, so that no exponential overflows; a shift that changes neither result."""
    if not x.size:
        return x.copy()
    if x.ndim == 2:
        return x - row_maxima(x)
    return x - row_maxima(x.reshape(-1, x.shape[-1])).reshape(*x.shape[:-1], 1)
