"""The arithmetic of optimizers, on flat vectors. Long vectors go block by block, so that the passes stay in the cache."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from funcnn.types import Array

BLOCK = 32_768
"""Elements of a block: three to six vectors of it fit into an L2 cache."""


def momentum(g: Array, velocity: Array, mass: float, scale: float) -> tuple[Array, Array]:
    """`velocity' = mass velocity + g`; returns `scale velocity'` and `velocity'`."""
    update, new = np.empty_like(g), np.empty_like(g)
    for s in _blocks(g.size):
        v = new[s]
        np.multiply(velocity[s], mass, v)
        np.add(v, g[s], v)
        np.multiply(v, scale, update[s])
    return update, new


def adam(g: Array, m: Array, v: Array, b1: float, b2: float, scale: float, eps: float) -> tuple[Array, Array, Array]:
    """`m' = b1 m + g`, `v' = b2 v + g^2`; returns `scale m' / (sqrt(v') + eps)`, `m'` and `v'`.

    Nine passes: the factors `1 - b1` and `1 - b2` of the moments, the bias corrections and the rate are all in `scale`
    and `eps`, see `adam_scalars`.
    """
    update, new_m, new_v = np.empty_like(g), np.empty_like(g), np.empty_like(g)
    if g.size <= BLOCK:
        _adam(g, m, v, b1, b2, scale, eps, update, new_m, new_v)
    else:
        for s in _blocks(g.size):
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
        for s in _blocks(end - start):
            y[start:end][s] += x[start:end][s] * scale


def norm(x: Array) -> float:
    """The Euclidean norm, summed in float64: exact to float32 for all float32 numbers.

    Where squares leave the range of float64, the largest element is taken out first. Not finite if an element is not.
    """
    total = sum(_square(x[s].astype(np.float64)) for s in _blocks(x.size))
    if 1e-280 < total < math.inf or not x.size:
        return math.sqrt(total)
    top = float(np.abs(x).max())
    return top * norm(x / top) if 0 < top < math.inf else top


def _square(x: Array) -> float:
    return float(np.dot(x, x))


def _blocks(n: int) -> Iterator[slice]:
    return (slice(i, i + BLOCK) for i in range(0, n, BLOCK))
