"""Convolution of images, (batch, height, width, channels), and its pullbacks.

    y[n, i, j, o] = b[o] + sum over p, q, c of  x[n, i s + p - top, j t + q - left, c]  w[p, q, c, o]

By Winograd's algorithm where `funcnn.kernels.choice` says so, directly elsewhere; in bands where images are large, and
on several cores.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from math import prod

import numpy as np

from funcnn.kernels import choice, direct, scratch, threads, winograd
from funcnn.kernels.choice import Piece
from funcnn.kernels.windows import Pads, Pair
from funcnn.types import Array

_WORTHWHILE = 1 << 24  # multiplications that repay another thread; four times as many by Winograd's algorithm


def convolve(x: Array, w: Array, strides: Pair, pads: Pads, b: Array | None = None, groups: int = 1) -> Array:
    """The convolution `y`; `b` is added where given. There may be groups where `choice.grouped` says so."""
    rows, columns = direct.counts(x.shape, w.shape, strides, pads)
    y: Array = scratch.array((len(x), rows, columns, w.shape[3]), np.result_type(x, w))
    if groups > 1 or choice.by_winograd(x.shape, w.shape, strides, pads, y.dtype):
        _by_winograd(x, w, pads, b, y, groups)
        return y

    def work(parts: list[Piece]) -> None:
        for images, rows, pixels, left in parts:
            direct.convolve(x[images, pixels], w, strides, left, b, y[images, rows])

    _spread(x.shape, y.shape, w.shape, strides, pads, False, work)
    return y


def _by_winograd(x: Array, w: Array, pads: Pads, b: Array | None, y: Array, groups: int) -> None:
    u = winograd.transformed(w, groups)

    def work(parts: list[Piece]) -> None:
        for images, rows, pixels, left in parts:
            winograd.convolve(x[images, pixels], w, left, b, y[images, rows], u, groups)

    _spread(x.shape, y.shape, w.shape, (1, 1), pads, True, work)


def convolve_params(
    x: Array, dy: Array, window: Pair, strides: Pair, pads: Pads, groups: int = 1
) -> tuple[Array, Array]:
    """The cotangents of `w` and `b`. The pixels are gathered once more, which costs less than keeping them."""
    shape, dtype = (*window, x.shape[3], dy.shape[3]), np.result_type(x, dy)
    fast = groups > 1 or choice.by_winograd(x.shape, shape, strides, pads, dtype)
    sums: dict[tuple[int, int], tuple[Array, Array]] = {}

    def work(parts: list[Piece]) -> None:
        found = [(x[images, pixels], dy[images, rows], left) for images, rows, pixels, left in parts]
        at = parts[0].images.start, parts[0].rows.start
        if fast:
            sums[at] = winograd.convolve_params_of(found, groups)
        else:
            each = (direct.convolve_params(image, d, shape, strides, left) for image, d, left in found)
            sums[at] = functools.reduce(_sum, each)

    _spread(x.shape, dy.shape, shape, strides, pads, fast, work)
    return functools.reduce(_sum, (sums[at] for at in sorted(sums)))  # in one order, whichever thread was first


def _sum(a: tuple[Array, Array], b: tuple[Array, Array]) -> tuple[Array, Array]:
    return np.add(a[0], b[0], out=a[0]), np.add(a[1], b[1], out=a[1])


def convolve_input(dy: Array, w: Array, shape: tuple[int, ...], strides: Pair, pads: Pads, groups: int = 1) -> Array:
    """The cotangent of an `x` of this shape: what every window sends back, added up pixel by pixel."""
    dx: Array = scratch.array(shape, np.result_type(dy, w))
    fast = groups > 1 or choice.by_winograd(shape, w.shape, strides, pads, dx.dtype)
    if fast and choice.turns(shape, dy.shape, w.shape, pads):  # a convolution of the outputs
        (top, bottom), (left, right), r = *pads, len(w) - 1
        _by_winograd(dy, winograd.turned(w, groups), ((r - top, r - bottom), (r - left, r - right)), None, dx, groups)
        return dx

    def work(i: int, j: int) -> None:
        if fast:
            winograd.convolve_input(dy[i:j], w, dx[i:j].shape, pads, dx[i:j], groups)
        else:
            direct.convolve_input(dy[i:j], w, strides, pads, dx[i:j])

    threads.spread(len(dy), _least(dy.size // max(1, len(dy)), w.shape, fast), work)
    return dx


def _spread(
    x_shape: tuple[int, ...], y_shape: tuple[int, ...], w_shape: tuple[int, ...], strides: Pair, pads: Pads, fast: bool,
    work: Callable[[list[Piece]], None],
) -> None:  # fmt: skip
    """The work for all images, or for all bands of them, on several cores if there is enough of it."""
    n, rows, columns, outputs = y_shape
    least = _least(rows * columns * outputs, w_shape, fast)
    band = choice.rows_by_winograd((rows, columns), w_shape) if fast else rows
    if n < threads.THREADS and least <= n:
        band = min(band, choice.rows_for_threads(n, rows, threads.THREADS))
    if band >= rows:
        whole = slice(0, rows), slice(0, x_shape[1]), pads
        threads.spread(n, least, lambda i, j: work([Piece(slice(i, j), *whole)]))
        return
    parts = choice.bands(n, x_shape[1], w_shape[0], strides[0], rows, pads, band)
    least = _least(band * columns * outputs, w_shape, fast)
    threads.spread(len(parts), least, lambda i, j: work(parts[i:j]))


def _least(each: int, w_shape: tuple[int, ...], fast: bool) -> int:
    """How many pieces with so many outputs repay another thread."""
    return -(-(4 if fast else 1) * _WORTHWHILE // max(1, each * prod(w_shape[:3])))
