"""Parts that are not the library's own, for networks in files."""

from __future__ import annotations

from typing import Any

import numpy as np

from funcnn import Array, Dense, Initializer, Key, Layer, Tree, elementwise, layer, serial
from funcnn.recorded_functions import recorded


def small(key: Key, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """An initializer."""
    return (0.01 * key.generator().standard_normal(shape)).astype(dtype)


@recorded
def wide(width: float) -> Initializer:
    """One with a number."""

    def init(key: Key, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        return (width * key.generator().standard_normal(shape)).astype(dtype)

    return init


@layer
def Twice(f: Layer[Array, Array], times: int = 2, *, W_init: Initializer = small) -> Layer[Array, Array]:
    """A composite with defaults."""
    return serial(*[f] * times, Dense(2, W_init=W_init))


def cube(x: Array) -> Array:
    """A value."""
    return x**3


def slope(x: Array, y: Array) -> Array:
    """And its derivative."""
    return 3 * x**2


Cube = elementwise(cube, slope)


def same_spec(spec: Any) -> Any:
    """For `reparam`: the params stay."""
    return spec


def doubled(tree: Tree) -> Any:
    """For `reparam`: weights twice as large."""
    w: Any = tree["w"]
    return {**tree, "w": 2 * w}


def to_width(shape: tuple[int, ...]) -> Layer[Array, Array]:
    """For `shape_dependent`."""
    return Dense(shape[-1])


def closed(factor: float) -> Initializer:
    """A closure over a number, which no name tells."""

    def init(key: Key, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        return np.full(shape, factor, dtype)

    return init


OWN = {f.__name__: f for f in (small, wide, Twice, cube, slope, same_spec, doubled, to_width)}
