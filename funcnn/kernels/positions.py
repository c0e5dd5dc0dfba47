"""Sines and cosines of positions."""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

from funcnn.kernels.scratch import room
from funcnn.types import Array

_Angles = npt.NDArray[np.float64]


def angles(start: int, steps: int, pairs: int, size: int, base: float) -> _Angles:
    """Position times frequency, (steps, pairs): the frequency of pair i is `base^(-2 i / size)`."""
    frequencies = base ** (-2.0 * np.arange(pairs) / size)
    return np.multiply.outer(np.arange(start, start + steps), frequencies)


@functools.lru_cache(32)
def waves(start: int, steps: int, size: int, base: float, kind: str) -> Array:
    """(steps, size): sines at even places, cosines at odd ones; read-only."""
    a = angles(start, steps, (size + 1) // 2, size, base)
    found: Array = np.stack([np.sin(a), np.cos(a)], -1).reshape(steps, 2 * a.shape[1])[:, :size].astype(kind)
    found.setflags(write=False)
    return found


@functools.lru_cache(32)
def turns(start: int, steps: int, size: int, base: float, kind: str) -> tuple[Array, Array]:
    """Cosines and sines, (steps, size / 2) each; read-only."""
    a = angles(start, steps, size // 2, size, base)
    cosines, sines = np.cos(a).astype(kind), np.sin(a).astype(kind)
    cosines.setflags(write=False)
    sines.setflags(write=False)
    return cosines, sines


def rotated(x: Array, start: int, base: float, *, back: bool = False) -> Array:
    """Every pair of neighbouring features, at every step, turned by its angle; x is (..., steps, size).

    The transpose of a turn is the turn back.
    """
    cosines, sines = turns(start, x.shape[-2], x.shape[-1], base, x.real.dtype.char)
    even, odd = x[..., 0::2], x[..., 1::2]
    y: Array = room(x, x.shape)
    s = -sines if back else sines
    y[..., 0::2] = even * cosines - odd * s
    y[..., 1::2] = even * s + odd * cosines
    return y
