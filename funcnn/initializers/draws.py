"""Standard random numbers by key, drawn in float32 for dtypes up to that width and in float64 for wider ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from funcnn.keys import Key
from funcnn.types import Array


def normal(key: Key, shape: tuple[int, ...], dtype: np.dtype[np.floating[Any]]) -> Array:
    """Mean zero, standard deviation one."""
    values: Array = np.asarray(key.generator().standard_normal(shape, _working(dtype)))
    return values


def truncated_normal(key: Key, shape: tuple[int, ...], dtype: np.dtype[np.floating[Any]]) -> Array:
    """Normal numbers, those outside [-2, 2] drawn again."""
    generator = key.generator()
    values: Array = np.asarray(generator.standard_normal(shape, _working(dtype)))
    while (outside := np.abs(values) > 2).any():
        values[outside] = generator.standard_normal(np.count_nonzero(outside), _working(dtype))
    return values


def uniform(key: Key, shape: tuple[int, ...], dtype: np.dtype[np.floating[Any]]) -> Array:
    """Spread evenly over [-1, 1)."""
    values: Array = key.generator().random(shape, _working(dtype))
    return np.asarray(values * 2.0 - 1.0)


def scaled(values: Array, scale: float, dtype: np.dtype[np.floating[Any]]) -> Array:
    """`scale values`, rounded to the dtype."""
    product: Array = np.asarray(values * scale, dtype)
    return product


def _working(dtype: np.dtype[np.floating[Any]]) -> type[np.float32] | type[np.float64]:
    return np.float32 if np.dtype(dtype).itemsize <= 4 else np.float64
