"""Sums, means and moments, along the columns (over the batch) and along the rows (over the features)."""

from __future__ import annotations

import numpy as np

from funcnn.kernels.affine import column_sums as column_sums
from funcnn.kernels.softmax import row_sums
from funcnn.types import Array

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
