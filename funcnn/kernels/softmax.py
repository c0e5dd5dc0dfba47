"""Softmax and its logarithm over the last axis, and their pullbacks.

Long arrays of real numbers go by blocks of rows, which stay in the cache, into scratch memory: value and pullback of
512 x 10,000 take two thirds of the time.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from funcnn.kernels.activations import positive_part
from funcnn.kernels.complex_numbers import exp
from funcnn.kernels.rows import by_rows, plain
from funcnn.kernels.scratch import like
from funcnn.kernels.sums import row_maxima, row_products, row_sums
from funcnn.types import Array

_LONG: Final = 1 << 17  # elements; shorter arrays stay in the cache as they are


def softmax(x: Array) -> Array:
    """`exp(x_i) / sum_j exp(x_j)`, the largest entry of each row subtracted first."""
    if not plain(_LONG, x):
        y = shifted(x)
        exp(y, y)
        y /= row_sums(y)
        return y
    y = like(x)

    def of(a: Array, out: Array, room: Array) -> None:
        np.subtract(a, row_maxima(a), out=out)
        np.exp(out, out)
        np.divide(out, row_sums(out), out=out)

    by_rows(of, x, y)
    return y


def softmax_pullback(y: Array, dy: Array) -> Array:
    """`dx = y (dy - sum_j y_j dy_j)`."""
    if not plain(_LONG, y, dy):
        dx: Array = y * dy
        dx -= y * row_sums(dx)
        return dx
    dx = like(y)

    def of(a: Array, back: Array, out: Array, room: Array) -> None:
        np.subtract(back, row_products(a, back)[:, None], out=out)
        np.multiply(a, out, out=out)

    by_rows(of, y, dy, dx)
    return dx


def log_softmax(x: Array) -> Array:
    """`x_i - log sum_j exp(x_j)`, the largest entry of each row subtracted first."""
    if not plain(_LONG, x):
        y = shifted(x)
        y -= np.log(row_sums(exp(y)))
        return y
    y = like(x)

    def of(a: Array, out: Array, room: Array) -> None:
        np.subtract(a, row_maxima(a), out=out)
        np.subtract(out, np.log(row_sums(np.exp(out, room))), out=out)

    by_rows(of, x, y)
    return y


def log_softmax_pullback(y: Array, dy: Array) -> Array:
    """`dx = dy - exp(y) sum_j dy_j`."""
    if not plain(_LONG, y, dy):
        dx = exp(y)
        dx *= row_sums(dy)
        return np.subtract(dy, dx, dx)
    dx = like(y)

    def of(a: Array, back: Array, out: Array, room: Array) -> None:
        np.exp(a, out)
        np.multiply(out, row_sums(back), out=out)
        np.subtract(back, out, out=out)

    by_rows(of, y, dy, dx)
    return dx


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
