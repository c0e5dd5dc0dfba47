"""Rows made to have mean 0 and variance 1, scaled and moved, and the pullbacks: the arithmetic of `LayerNorm`.

Long arrays go by blocks of rows, which stay in the cache from one step to the next, into scratch memory; where a step
has a number for every column, several short rows are taken as one line. Short arrays, complex numbers, and jets
(`funcnn.derivatives.jets`) go as a whole. 2048 rows of 128, float32: value and both pullbacks take 0.53 ms, by whole
arrays, which are fresh memory, 2.1 ms.
Source: Ba, Kiros & Hinton, Layer Normalization (2016), equation 3.
"""

from __future__ import annotations

from math import gcd, prod
from typing import Any, Final, NamedTuple

import numpy as np

from funcnn.kernels import threads
from funcnn.kernels.normalization import standardize, standardize_input
from funcnn.kernels.rows import outer, plain
from funcnn.kernels.scratch import like
from funcnn.kernels.sums import column_sums, row_products, totals
from funcnn.types import Array

_BLOCK: Final = 1 << 15  # elements that stay in the cache between two steps
_LINE: Final = 1 << 13  # elements of a line that NumPy takes at full speed
_LONG: Final = 1 << 17  # elements; shorter arrays stay in the cache as they are
_WORTHWHILE: Final = 1 << 17  # elements that repay another thread


class Normal(NamedTuple):
    """The value `y = scale h + offset`, `h`, and the factor `1 / sqrt(var + epsilon)` of every row."""

    y: Array
    h: Array
    inverse: Array


def normalized(x: Array, scale: Array, offset: Array, epsilon: float) -> Normal:
    """Every row with mean 0 and variance 1; then scaled and moved."""
    if not plain(_LONG, x, scale, offset):
        h, inverse = standardize(x, epsilon)
        y: Array = h * scale
        y += offset
        return Normal(y, h, inverse)
    made = Normal(like(x), like(x), np.empty((*x.shape[:-1], 1), x.dtype))
    _normalize(x, scale, offset, epsilon, *made)
    return made


def value(x: Array, scale: Array, offset: Array, epsilon: float) -> Array:
    """The value alone: what is between never leaves the cache."""
    if not plain(_LONG, x, scale, offset):
        return normalized(x, scale, offset, epsilon).y
    y = like(x)
    _normalize(x, scale, offset, epsilon, y)
    return y


def _normalize(x: Array, scale: Array, offset: Array, epsilon: float, y: Array, *kept: Array) -> None:
    """Into y, and into `h` and the factors if these are kept."""
    n, times = x.shape[-1], _side_by_side(x)
    rows, scales, offsets = _rows(x, y, *kept), np.tile(scale, times), np.tile(offset, times)

    def part(start: int, end: int) -> None:
        places = _blocks(start, end, n, times)
        room = None if kept else np.empty((places[0].stop - start, n), x.dtype)
        for s in places:
            a, into = rows[0][s], rows[1][s]
            h = rows[2][s] if room is None else room[: s.stop - s.start]
            mean = totals(a)
            mean /= n
            np.copyto(h, mean[:, None])
            np.subtract(a, h, h)
            inverse = row_products(h, h)
            inverse /= n
            inverse += epsilon
            np.sqrt(inverse, inverse)
            np.divide(1, inverse, inverse)
            if kept:
                rows[3][s, 0] = inverse
            np.copyto(into, inverse[:, None])
            np.multiply(h, into, h)
            line = into.reshape(-1, n * times)
            np.multiply(h.reshape(-1, n * times), scales, line)
            np.add(line, offsets, line)

    _spread(x, times, part)


class Cotangents(NamedTuple):
    """Those of scale and offset, and for every row the means of dh and of dh h, `dh = dy scale`."""

    scale: Array
    offset: Array
    means: tuple[Array, Array] | None


def params_cotangents(dy: Array, h: Array, scale: Array) -> Cotangents:
    """`1^T (dy h)` and `1^T dy`; means where the pullback to x goes by blocks."""
    n = h.shape[-1]
    if not plain(_LONG, dy, h, scale):
        return Cotangents(column_sums((dy * h).reshape(-1, n)), column_sums(dy.reshape(-1, n)), None)
    count, times = prod(h.shape[:-1]), _side_by_side(h)
    back, rows = _rows(dy, h)
    places = _blocks(0, count, n, times)
    sums: Array = np.empty((2, len(places), n), h.dtype)
    means: Array = np.empty((2, count), h.dtype)
    weights = scale / n

    def part(start: int, end: int) -> None:
        room: Array = np.empty((places[0].stop, n), h.dtype)
        for i in range(start, end):
            s = places[i]
            d, both = back[s], room[: s.stop - s.start]
            np.multiply(d, rows[s], both)
            sums[0, i], sums[1, i] = column_sums(both), column_sums(d)
            np.dot(d, weights, out=means[0, s])
            np.dot(both, weights, out=means[1, s])

    threads.spread(len(places), -(-_WORTHWHILE // (places[0].stop * n)), part)
    dscale, doffset = np.add.reduce(sums, 1)
    shape = (*h.shape[:-1], 1)
    return Cotangents(dscale, doffset, (means[0].reshape(shape), means[1].reshape(shape)))


def input_cotangent(dy: Array, scale: Array, made: Normal, means: tuple[Array, Array] | None) -> Array:
    """`dx = inverse (dh - mean(dh) - h mean(dh h))`."""
    if means is None:
        return standardize_input(dy * scale, made.h, made.inverse)
    dx = like(made.h)
    n, times = dx.shape[-1], _side_by_side(dx)
    rows = _rows(dx, dy, made.h, made.inverse, *means)

    def part(start: int, end: int) -> None:
        room: Array = np.empty((_blocks(start, end, n, times)[0].stop - start, n), dx.dtype)
        for s in _blocks(start, end, n, times):
            out, back, h, inverse, first, second = (array[s] for array in rows)
            both = room[: s.stop - s.start]
            outer(inverse[:, 0], scale, out)
            np.multiply(out, back, out)
            np.copyto(both, second * inverse)
            np.multiply(both, h, both)
            np.subtract(out, both, out)
            np.copyto(both, first * inverse)
            np.subtract(out, both, out)

    _spread(dx, times, part)
    return dx


def _rows(*arrays: Array) -> list[Array]:
    return [a.reshape(-1, a.shape[-1]) for a in arrays]


def _side_by_side(x: Array) -> int:
    """How many rows are one line: a power of two that divides their number."""
    return gcd(prod(x.shape[:-1]), 1 << max(0, (_LINE // x.shape[-1]).bit_length() - 1))


def _blocks(start: int, end: int, n: int, times: int) -> list[slice]:
    """Of rows, each of whole lines."""
    size = max(1, threads.longer(_BLOCK) // (n * times)) * times
    return [slice(i, min(i + size, end)) for i in range(start, end, size)]


def _spread(x: Array, times: int, part: Any) -> None:
    """`part(start, end)` of rows, on several cores; whole lines each."""
    lines, n = prod(x.shape[:-1]) // times, x.shape[-1]
    threads.spread(lines, -(-_WORTHWHILE // (times * n)), lambda i, j: part(i * times, j * times))
