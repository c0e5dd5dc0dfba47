"""Sums, means and moments, along the columns (over the batch) and along the rows (over the features)."""

from __future__ import annotations

import numpy as np

from funcnn.kernels.affine import ones
from funcnn.kernels.softmax import row_sums
from funcnn.types import Array

_BLOCK = 256


def column_sums(rows: Array) -> Array:
    """`1^T rows`, by matrix products over blocks of 256 rows.

    One product adds the rows up one after the other. In blocks, the error of float32 means over 32768 rows of
    1000 + noise falls from 2e-3 to 2e-4, in the same time.
    """
    n, whole = len(rows), len(rows) // _BLOCK
    if whole < 2:
        sums: Array = np.dot(ones(n, rows.dtype), rows)
        return sums
    head = rows[: whole * _BLOCK].reshape(whole, _BLOCK, rows.shape[1])
    sums = column_sums(np.matmul(ones(_BLOCK, rows.dtype), head))
    if n > whole * _BLOCK:
        sums += np.dot(ones(n - whole * _BLOCK, rows.dtype), rows[whole * _BLOCK :])
    return sums


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


def standardize(x: Array, epsilon: float) -> tuple[Array, Array]:
    """Every row with mean 0 and variance 1, and the factor `1 / sqrt(var + epsilon)` that did it."""
    h: Array = x - row_means(x)
    inverse: Array = 1 / np.sqrt(row_means(h * h) + epsilon)
    h *= inverse
    return h, inverse
