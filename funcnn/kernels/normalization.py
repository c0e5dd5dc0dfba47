"""Rows made to have mean 0 and variance 1."""

from __future__ import annotations

import numpy as np

from funcnn.kernels.sums import row_means
from funcnn.types import Array


def standardize(x: Array, epsilon: float) -> tuple[Array, Array]:
    """Every row with mean 0 and variance 1, and the factor `1 / sqrt(var + epsilon)` that did it."""
    h: Array = x - row_means(x)
    inverse: Array = 1 / np.sqrt(row_means(h * h) + epsilon)
    h *= inverse
    return h, inverse
