"""Rows made to have mean 0 and variance 1, scaled and moved, and the pullbacks: the arithmetic of `LayerNorm`.

Long arrays go by blocks of rows, which stay in the cache from one step to the next, into scratch memory; where a step
has a number for every column, several short rows are taken as one line. Short arrays, complex numbers, and jets
(`funcnn.derivatives.jets`) go as a whole. 2048 rows of 128, float32: value and both pullbacks take 0.56 ms, by whole
arrays, which are fresh memory, four times as much. What counts is how often a row is read or written: d is kept, not h,
and a number for every row comes by a product of matrices, which writes and reads nothing.
Source: Ba, Kiros & Hinton, Layer Normalization (2016), equation 3.
"""

from __future__ import annotations

from math import gcd, prod
from typing import Any, Final, NamedTuple

import numpy as np

from funcnn.kernels import threads
from funcnn.kernels.normalization import standardize, standardize_input
from funcnn.kernels.rows import Outer, plain
from funcnn.kernels.scratch import like
from funcnn.kernels.sums import column_sums, ones, row_products, totals, weighted_sums
from funcnn.types import Array

_BLOCK: Final = 1 << 16  # elements that stay in the cache between two steps
_LINE: Final = 1 << 13  # elements of a line that NumPy takes at full speed
_LONG: Final = 1 << 17  # elements; shorter arrays stay in the cache as they are
_WORTHWHILE: Final = 1 << 17  # elements that repay another thread


class Normal(NamedTuple):
    """The value `y = scale h + offset`, `d = x - mean`, and the factor `1 / sqrt(var + epsilon)` of every row; short
    arrays keep `h = d / sqrt(var + epsilon)` in place of d."""

    y: Array
    d: Array
    inverse: Array
    long: bool

    @property
    def h(self) -> Array:
        """Rows with mean 0 and variance 1."""
        return self.d * self.inverse if self.long else self.d


def normalized(x: Array, scale: Array, offset: Array, epsilon: float) -> Normal:
    """Every row with mean 0 and variance 1; then scaled and moved."""
    if not plain(_LONG, x, scale, offset):
        h, inverse = standardize(x, epsilon)
        y: Array = h * scale
        y += offset
        return Normal(y, h, inverse, False)
    made = Normal(like(x), like(x), np.empty((*x.shape[:-1], 1), x.dtype), True)
    _normalize(x, scale, offset, epsilon, made.y, made.d, made.inverse)
    return made


def value(x: Array, scale: Array, offset: Array, epsilon: float) -> Array:
    """The value alone: what is between never leaves the cache."""
    if not plain(_LONG, x, scale, offset):
        return normalized(x, scale, offset, epsilon).y
    y = like(x)
    _normalize(x, scale, offset, epsilon, y)
    return y


def _normalize(x: Array, scale: Array, offset: Array, epsilon: float, y: Array, *kept: Array) -> None:
    """Into y, and into d and the factors if these are kept."""
    n, times = x.shape[-1], _side_by_side(x)
    rows, offsets = _rows(x, y, *kept), np.tile(offset, times)

    def part(start: int, end: int) -> None:
        places = _blocks(start, end, n, times)
        most = places[0].stop - start
        room = None if kept else np.empty((most, n), x.dtype)
        even, scaled = Outer(most, ones(n, x.dtype)), Outer(most, scale)
        for s in places:
            a, into = rows[0][s], rows[1][s]
            d = rows[2][s] if room is None else room[: s.stop - s.start]
            mean = totals(a)
            mean /= n
            even(mean, d)
            np.subtract(a, d, d)
            inverse = row_products(d, d)
            inverse /= n
            inverse += epsilon
            np.sqrt(inverse, inverse)
            np.divide(1, inverse, inverse)
            if kept:
                rows[3][s, 0] = inverse
            scaled(inverse, into)
            np.multiply(into, d, into)
            line = into.reshape(-1, n * times)
            np.add(line, offsets, line)

    _spread(x, times, part)


class Cotangents(NamedTuple):
    """Those of scale and offset, and for every row the means of dh and of dh h, `dh = dy scale`, times the factor of
    the row, and the second by its square once more: what is to be taken of a row of ones, and of d."""

    scale: Array
    offset: Array
    means: tuple[Array, Array] | None


def params_cotangents(dy: Array, made: Normal, scale: Array) -> Cotangents:
    """`1^T (dy h)` and `1^T dy`; means where the pullback to x goes by blocks."""
    n = made.d.shape[-1]
    if not (made.long and plain(_LONG, dy, made.d, scale)):
        return Cotangents(column_sums((dy * made.h).reshape(-1, n)), column_sums(dy.reshape(-1, n)), None)
    count, times = prod(dy.shape[:-1]), _side_by_side(dy)
    back, rows = _rows(dy, made.d)
    factors = made.inverse.reshape(-1)
    places = _blocks(0, count, n, times)
    sums: Array = np.empty((2, len(places), n), dy.dtype)
    means: Array = np.empty((2, count), dy.dtype)
    weights = scale / n

    def part(start: int, end: int) -> None:
        room: Array = np.empty((places[0].stop, n), dy.dtype)
        for i in range(start, end):
            s = places[i]
            g, both = back[s], room[: s.stop - s.start]
            np.multiply(g, rows[s], both)
            sums[0, i], sums[1, i] = weighted_sums(factors[s], both), column_sums(g)
            np.dot(g, weights, out=means[0, s])
            np.dot(both, weights, out=means[1, s])

    threads.spread(len(places), -(-_WORTHWHILE // (places[0].stop * n)), part)
    means *= factors
    means[1] *= factors
    means[1] *= factors
    dscale, doffset = np.add.reduce(sums, 1)
    return Cotangents(dscale, doffset, (means[0], means[1]))


def input_cotangent(dy: Array, scale: Array, made: Normal, means: tuple[Array, Array] | None) -> Array:
    """`dx = inverse (dh - mean(dh) - h mean(dh h))`."""
    if means is None:
        return standardize_input(dy * scale, made.h, made.inverse)
    dx = like(made.d)
    n, times = dx.shape[-1], _side_by_side(dx)
    rows, factors = _rows(dx, dy, made.d), made.inverse.reshape(-1)

    def part(start: int, end: int) -> None:
        places = _blocks(start, end, n, times)
        most = places[0].stop - start
        room: Array = np.empty((most, n), dx.dtype)
        even, scaled = Outer(most, ones(n, dx.dtype)), Outer(most, scale)
        for s in places:
            out, back, d = (array[s] for array in rows)
            other = room[: s.stop - s.start]
            scaled(factors[s], out)
            np.multiply(out, back, out)
            even(means[1][s], other)
            np.multiply(other, d, other)
            np.subtract(out, other, out)
            even(means[0][s], other)
            np.subtract(out, other, out)

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
