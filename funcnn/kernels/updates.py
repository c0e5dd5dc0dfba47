"""The arithmetic of optimizers, on flat vectors. Long vectors go block by block, so that the passes stay in the cache."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

import numpy as np

from funcnn.kernels.scratch import SHORT, vector
from funcnn.kernels.threads import spread
from funcnn.types import Array

BLOCK: Final = 1 << 14
"""Elements of a block: five vectors of it leave room in an L2 cache for those that come next."""

_WORTHWHILE: Final = 1 << 17  # elements that repay another thread

Pieces: TypeAlias = "Array | Sequence[Array]"
"""A vector, or vectors that follow one another: gradients need not be copied to lie in a row."""


def scaled(x: Pieces, scale: float) -> Array:
    """`scale x`."""
    if isinstance(x, np.ndarray) and x.size < SHORT:
        return x * scale
    pieces = _pieces(x)
    y: Array = vector(_size(pieces), pieces[0].dtype)

    def part(start: int, end: int) -> None:
        for s, block in _blocks(pieces, start, end):
            np.multiply(block, scale, y[s])

    spread(y.size, _WORTHWHILE, part)
    return y


def added(x: Array, y: Array) -> Array:
    """`x + y`."""
    if x.size < SHORT:
        return x + y
    total: Array = vector(x.size, x.dtype)
    spread(x.size, 2 * _WORTHWHILE, lambda i, j: np.add(x[i:j], y[i:j], total[i:j]))
    return total


def momentum(g: Pieces, velocity: Array, mass: float, scale: float) -> tuple[Array, Array]:
    """`velocity' = mass velocity + g`; returns `scale velocity'` and `velocity'`."""
    update, new = (vector(velocity.size, velocity.dtype) for _ in range(2))
    if velocity.size <= BLOCK:
        _momentum(_pieces(g)[0], velocity, mass, scale, update, new)
        return update, new
    pieces = _pieces(g)

    def part(start: int, end: int) -> None:
        for s, block in _blocks(pieces, start, end):
            _momentum(block, velocity[s], mass, scale, update[s], new[s])

    spread(velocity.size, _WORTHWHILE, part)
    return update, new


def _momentum(g: Array, velocity: Array, mass: float, scale: float, u: Array, new: Array) -> None:
    np.multiply(velocity, mass, new)
    np.add(new, g, new)
    np.multiply(new, scale, u)


def adam(g: Pieces, m: Array, v: Array, b1: float, b2: float, scale: float, eps: float) -> tuple[Array, Array, Array]:
    """`m' = b1 m + g`, `v' = b2 v + g^2`; returns `scale m' / (sqrt(v') + eps)`, `m'` and `v'`.

    Nine passes: the factors `1 - b1` and `1 - b2` of the moments, the bias corrections and the rate are all in `scale`
    and `eps`, see `adam_scalars`.
    """
    update, new_m, new_v = (vector(m.size, m.dtype) for _ in range(3))
    if m.size <= BLOCK:
        _adam(_pieces(g)[0], m, v, b1, b2, scale, eps, update, new_m, new_v)
        return update, new_m, new_v
    pieces = _pieces(g)

    def part(start: int, end: int) -> None:
        for s, block in _blocks(pieces, start, end):
            _adam(block, m[s], v[s], b1, b2, scale, eps, update[s], new_m[s], new_v[s])

    spread(m.size, _WORTHWHILE, part)
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
    for first, last in spans:
        for s, block in _blocks([x], first, last):
            y[s] += block * scale


def norm(x: Pieces) -> float:
    """The Euclidean norm, summed in float64, so that the squares of all float32 numbers are in range.

    Where squares leave the range of float64, the largest element is taken out first. Not finite if an element is not.
    """
    pieces = _pieces(x)
    total, n = 0.0, _size(pieces)
    with np.errstate(over="ignore"):
        for _, part in _blocks(pieces, 0, n):
            block = part.astype(np.float64)
            total += float(np.dot(block, block))
    if 1e-280 < total < math.inf or not n:
        return math.sqrt(total)
    top = max(float(np.abs(piece).max(initial=0)) for piece in pieces)
    return top * norm([piece / top for piece in pieces]) if 0 < top < math.inf else top


def _pieces(x: Pieces) -> Sequence[Array]:
    return [x] if isinstance(x, np.ndarray) else x


def _size(pieces: Sequence[Array]) -> int:
    return sum(piece.size for piece in pieces)


def _blocks(pieces: Sequence[Array], start: int, end: int) -> Iterator[tuple[slice, Array]]:
    """From `start` to `end`, block by block: where it is in the vector, and what is there. Blocks end where pieces do."""
    at = 0
    for piece in pieces:
        for i in range(max(start - at, 0), min(end - at, piece.size), BLOCK):
            j = min(i + BLOCK, end - at, piece.size)
            yield slice(at + i, at + j), piece[i:j]
        at += piece.size
