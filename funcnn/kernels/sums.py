"""Sums, means, moments and maxima, along the columns (over the batch) and along the rows (over the features)."""

from __future__ import annotations

import functools
from math import isfinite
from typing import Any, Final

import numpy as np

from funcnn.kernels.threads import alone
from funcnn.types import Array

_ROWS: Final = 256  # that are summed by one product
_PART: Final = 1 << 12  # terms of a part, where there are many
_MANY: Final = 1 << 10  # numbers that repay two reshapes
_SPREAD: Final = 9216  # numbers; OpenBLAS sums more by several threads, which keep a core busy for some time after
_WIDE: Final = 64  # terms of an inner product that repay a call
_LONG: Final = 1 << 14
"""Terms that one product may add up: of 70,000 float32 numbers of 1.1 it loses the fifth digit.

Of a million it loses the fourth. More are added up in pairs, as NumPy's own sums are where the terms lie in a row: that
costs twice the time.
"""


def column_sums(rows: Array) -> Array:
    """`1^T rows`, by a matrix product, which is faster than `sum(0)`: 7 us against 10 us on 128 x 512 float32.

    One product adds the rows up one after the other. Of many rows there are several, over blocks of 256: the error of
    float32 means over 32768 rows of 1000 + noise falls from 2e-3 to 2e-4, in the same time.
    """
    n = len(rows)
    if n <= 2 * _ROWS:
        try:
            multiply = ones(n, rows.dtype).dot
            sums: Array = multiply(rows) if rows.size < _SPREAD else alone(multiply, rows)
        except AttributeError:  # no array, but what passes for one: jets, see `funcnn.derivatives.jets`
            sums = np.matmul(ones(n, rows.dtype), rows)
        return sums
    whole = n // _ROWS
    head = rows[: whole * _ROWS].reshape(whole, _ROWS, rows.shape[1])
    sums = column_sums(alone(np.matmul, ones(_ROWS, rows.dtype), head))
    if n > whole * _ROWS:
        sums += column_sums(rows[whole * _ROWS :])
    return sums


def weighted_sums(weights: Array, rows: Array) -> Array:
    """`weights^T rows`; of many rows by several products, as in `column_sums`."""
    if len(rows) <= 2 * _ROWS:
        once: Array = weights.dot(rows)
        return once
    whole = len(rows) // _ROWS
    n = whole * _ROWS
    parts = alone(
        np.matmul, weights[:n].reshape(whole, 1, _ROWS), rows[:n].reshape(whole, _ROWS, rows.shape[1])
    )
    sums = column_sums(parts[:, 0])
    sums += weights[n:].dot(rows[n:])
    return sums


def middle_sums(x: Array) -> Array:
    """Sums over the axis before the last, which goes away: those of the columns of every matrix in a stack."""
    *_, n, columns = x.shape
    whole = n // _ROWS
    if whole < 4:
        once: Array = alone(np.matmul, ones(n, x.dtype), x)
        return once
    head = x[..., : whole * _ROWS, :].reshape(*x.shape[:-2], whole, _ROWS, columns)
    sums = middle_sums(alone(np.matmul, ones(_ROWS, x.dtype), head))
    if n > whole * _ROWS:
        sums += alone(np.matmul, ones(n - whole * _ROWS, x.dtype), x[..., whole * _ROWS :, :])
    return sums


@functools.lru_cache(64)
def ones(n: int, dtype: np.dtype[Any]) -> Array:
    """A read-only vector of ones."""
    one: Array = np.ones(n, dtype)
    one.setflags(write=False)
    return one


def totals(x: Array) -> Array:
    """Sums over the last axis, which goes away: by a matrix product, several times faster than `sum(-1)`; of long rows
    by that. Many rows of three axes go as two: 12 us for 16 x 128 x 128, where `np.dot` takes 26, row by row.
    """
    n = x.shape[-1]
    if n > _LONG:
        sums: Array = np.add.reduce(x, -1)
    elif x.ndim > 2 and x.size >= _MANY and type(x) is np.ndarray and x.flags.c_contiguous:
        sums = alone(x.reshape(-1, n).dot, ones(n, x.dtype)).reshape(x.shape[:-1])
    elif x.size < _SPREAD:
        sums = np.dot(x, ones(n, x.dtype))
    else:
        sums = alone(np.dot, x, ones(n, x.dtype))
    return sums


def row_sums(x: Array) -> Array:
    """The same, where the axis stays, with size 1."""
    return totals(x)[..., None]


def row_products(x: Array, y: Array) -> Array:
    """The inner product of every row of two matrices, without conjugates.

    Many long rows by `vecdot`: 9 us for 512 x 128 float32, by `einsum` 15; of 4096 x 10 it would take twice the time.
    """
    if x.shape[1] > _LONG:
        products: Array = np.add.reduce(x * y, 1)
    elif x.shape[1] >= _WIDE and type(x) is type(y) is np.ndarray and x.dtype.kind == y.dtype.kind == "f":
        products = np.vecdot(x, y)
    else:
        products = np.einsum("ij,ij->i", x, y)
    return products


def product(x: Array, y: Array) -> Any:
    """The inner product of two vectors, a number of Python's: part by part, the parts added up in pairs."""
    whole = x.size // _PART
    if whole < 4:
        return x.dot(y).item()
    n = whole * _PART
    parts = np.matmul(x[:n].reshape(whole, 1, _PART), y[:n].reshape(whole, _PART, 1))
    return np.add.reduce(parts, None).item() + x[n:].dot(y[n:]).item()


def contiguous(x: Array) -> Array:
    """The same numbers in one piece of memory; those of jets too, see `funcnn.derivatives.jets`."""
    return x if x.flags.c_contiguous else x.copy()


def moments(rows: Array) -> tuple[Array, Array]:
    """Mean and (biased) variance of every column; zero where there are no rows.

    In two passes, for the mean of the squares less the square of the mean loses all digits where the mean is large.
    """
    n = max(len(rows), 1)
    mean = column_sums(rows) / n
    d: Array = rows - mean
    d *= d
    return mean, column_sums(d) / n


def row_means(x: Array) -> Array:
    """Means over the last axis, which stays, with size 1."""
    means = row_sums(x)
    means /= x.shape[-1]
    return means


def row_maxima(rows: Array) -> Array:
    """The maximum of every row, as a column.

    NumPy reduces short rows slowly, so that many short rows are folded in halves and transposed: 1.8 us against 7.8 us
    on 128 x 10 float32, 79 us against 181 us on 2048 x 64. Long rows are left to NumPy.
    """
    if rows.shape[1] > 128 or len(rows) < 16:
        return np.maximum.reduce(rows, 1, keepdims=True)
    while (n := rows.shape[1]) > 16:
        half = n // 2
        folded = np.maximum(rows[:, :half], rows[:, half : 2 * half])
        if n % 2:
            np.maximum(folded[:, 0], rows[:, -1], out=folded[:, 0])
        rows = folded
    maxima: Array = np.maximum.reduce(np.ascontiguousarray(rows.T), 0)
    return maxima[:, None]


def all_finite(vector: Array) -> bool:
    """Are all numbers of the vector finite? One product answers, unless squares overflow."""
    if vector.dtype.itemsize >= 4:
        try:
            if isfinite(vector.dot(vector)):
                return True
        except (FloatingPointError, RuntimeWarning):  # what an overflow is, where people ask for errors
            pass
    return bool(np.isfinite(vector).all())


def both_finite(x: Array, y: Array) -> bool:
    """Are all numbers of two vectors of one length finite? One product answers, unless it overflows: 0 inf is NaN."""
    try:
        if isfinite(x.dot(y)):
            return True
    except (FloatingPointError, RuntimeWarning):  # as in all_finite
        pass
    return all_finite(x) and all_finite(y)
