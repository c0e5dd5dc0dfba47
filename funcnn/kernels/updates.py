"""The arithmetic of optimizers, on flat vectors. Long vectors go block by block, so that the passes stay in the cache."""

from __future__ import annotations

import math

import numpy as np

from funcnn.kernels.scratch import SHORT, vector
from funcnn.types import Array

BLOCK = 32_768
"""Elements of a block: three to six vectors of it fit into an L2 cache."""


def scaled(x: Array, scale: float) -> Array:
    """`scale x`."""
    return np.multiply(x, scale, vector(x.size, x.dtype)) if x.size >= SHORT else x * scale


def added(x: Array, y: Array) -> Array:
    """`x + y`."""
    return np.add(x, y, vector(x.size, x.dtype)) if x.size >= SHORT else x + y


def momentum(g: Array, velocity: Array, mass: float, scale: float) -> tuple[Array, Array]:
    """`velocity' = mass velocity + g`; returns `scale velocity'` and `velocity'`."""
    update, new = vector(g.size, g.dtype), vector(g.size, g.dtype)
    if g.size <= BLOCK:
        _momentum(g, velocity, mass, scale, update, new)
    else:
        for s in _blocks(0, g.size):
            _momentum(g[s], velocity[s], mass, scale, update[s], new[s])
    return update, new


def _momentum(g: Array, velocity: Array, mass: float, scale: float, u: Array, new: Array) -> None:
    np.multiply(velocity, mass, new)
    np.add(new, g, new)
    np.multiply(new, scale, u)


def adam(g: Array, m: Array, v: Array, b1: float, b2: float, scale: float, eps: float) -> tuple[Array, Array, Array]:
    """`m' = b1 m + g`, `v' = b2 v + g^2`; returns `scale m' / (sqrt(v') + eps)`, `m'` and `v'`.

    Nine passes: the factors `1 - b1` and `1 - b2` of the moments, the bias corrections and the rate are all in `scale`
    and `eps`, see `adam_scalars`.
    """
    update, new_m, new_v = vector(g.size, g.dtype), vector(g.size, g.dtype), vector(g.size, g.dtype)
    if g.size <= BLOCK:
        _adam(g, m, v, b1, b2, scale, eps, update, new_m, new_v)
    else:
        for s in _blocks(0, g.size):
            _adam(g[s], m[s], v[s], b1, b2, scale, eps, update[s], new_m[s], new_v[s])
    return update, new_m, new_v


def _adam(
    g: Array, m: Array, v: Array, b1: float, b2: float, scale: float, eps: float, u: Array, new_m: Array, new_v: Array
) -> None:
    np.multiply(m, b1, new_m)
    np.add(new_m, g, new_m)
    np.multiply(g, g, u)
    np.multiply(v, b2, new_v)
    np.add(new_v, u, new_v)
    np.sqrt(new_v, u)
    np.add(u, eps, u)
    np.divide(new_m, u, u)
    np.multiply(u, scale, u)


def adam_scalars(t: int, rate: float, b1: float, b2: float, eps: float) -> tuple[float, float]:
    """The `scale` and `eps` that make `adam` the algorithm of the paper at its step `t`, which counts from one.

    With m_hat = m (1 - b1) / (1 - b1^t) and v_hat = v c^2, c^2 = (1 - b2) / (1 - b2^t), the step is
    `-rate m_hat / (c sqrt(v) + eps) = -rate (1 - b1) / (1 - b1^t) / c * m / (sqrt(v) + eps / c)`.
    """
    c = math.sqrt((1 - b2) / (1 - b2**t))
    return -rate * (1 - b1) / ((1 - b1**t) * c), eps / c


def add_scaled(y: Array, x: Array, scale: float, spans: tuple[tuple[int, int], ...]) -> None:
    """`y += scale x` in place, between the ends of every span."""
    for start, end in spans:
        for s in _blocks(start, end):
            y[s] += x[s] * scale


def norm(x: Array) -> float:
    """The Euclidean norm, summed in float64, so that the squares of all float32 numbers are in range.

    Where squares leave the range of float64, the largest element is taken out first. Not finite if an element is not.
    """
    total = 0.0
    with np.errstate(over="ignore"):
        for s in _blocks(0, x.size):
            block = x[s].astype(np.float64)
            total += float(np.dot(block, block))
    if 1e-280 < total < math.inf or not x.size:
        return math.sqrt(total)
    top = float(np.abs(x).max())
    return top * norm(x / top) if 0 < top < math.inf else top


def _blocks(start: int, end: int) -> list[slice]:
    return [slice(i, min(i + BLOCK, end)) for i in range(start, end, BLOCK)]
