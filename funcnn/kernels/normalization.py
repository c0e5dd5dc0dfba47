"""Rows made to have mean 0 and variance 1, or mean square 1, and the pullbacks."""

from __future__ import annotations

from math import prod, sqrt

import numpy as np

from funcnn.kernels.sums import row_means, totals
from funcnn.types import Array


def standardize(x: Array, epsilon: float) -> tuple[Array, Array]:
    """Every row with mean 0 and variance 1, and the factor `1 / sqrt(var + epsilon)` that did it.

    A row that is alone, as where a decoder goes on by a step, has numbers where there are columns else: 128 features
    take 5 us, where they took 10.
    """
    if 0 < x.size == x.shape[-1] and type(x) is np.ndarray and x.dtype.kind == "f":
        return _row_alone(x, epsilon)
    h: Array = x - row_means(x)
    inverse = _inverse(h, epsilon)
    h *= inverse
    return h, inverse


def _row_alone(x: Array, epsilon: float) -> tuple[Array, Array]:
    row = x.reshape(-1)
    n = len(row)
    h = row - totals(row) / n
    inverse = 1 / sqrt(float(h.dot(h)) / n + epsilon)
    h *= inverse
    return h.reshape(x.shape), np.array(inverse, x.dtype).reshape(*x.shape[:-1], 1)


def standardize_input(dh: Array, h: Array, inverse: Array) -> Array:
    """`dx = inverse (dh - mean(dh) - h mean(dh h))`."""
    dx: Array = dh - row_means(dh)
    dx -= h * row_means(dh * h)
    dx *= inverse
    return dx


def of_unit_size(x: Array, epsilon: float) -> tuple[Array, Array]:
    """Every row with mean square 1, and the factor `1 / sqrt(mean of x^2 + epsilon)` that did it."""
    inverse = _inverse(x, epsilon)
    return x * inverse, inverse


def of_unit_size_input(dh: Array, h: Array, inverse: Array) -> Array:
    """`dx = inverse (dh - h mean(dh h))`."""
    dx: Array = h * row_means(dh * h)
    np.subtract(dh, dx, dx)
    dx *= inverse
    return dx


def _inverse(x: Array, epsilon: float) -> Array:
    inverse: Array = 1 / np.sqrt(row_means(x * x) + epsilon)
    return inverse


def group_rows(x: Array, groups: int) -> Array:
    """(batch, ..., channels) as a row for each group of channels of each example."""
    batch, places, channels = len(x), prod(x.shape[1:-1]), x.shape[-1]
    parts = x.reshape(batch, places, groups, channels // groups).transpose(0, 2, 1, 3)
    return parts.reshape(batch * groups, places * channels // groups)


def from_group_rows(rows: Array, shape: tuple[int, ...]) -> Array:
    """What `group_rows` did, undone."""
    batch, places, channels = shape[0], prod(shape[1:-1]), shape[-1]
    groups = places * channels // rows.shape[1]
    return rows.reshape(batch, groups, places, channels // groups).transpose(0, 2, 1, 3).reshape(shape)
