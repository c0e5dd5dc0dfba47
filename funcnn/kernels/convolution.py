"""Convolution of images, (batch, height, width, channels), and its pullbacks.

    y[n, i, j, o] = b[o] + sum over p, q, c of  x[n, i s + p - top, j t + q - left, c]  w[p, q, c, o]

The pixels under the windows are gathered as the rows of a matrix and multiplied: one matrix product for a block of
windows that is small enough to stay in the cache. 64 images of 26 x 26 x 32 to 64 channels, 3 x 3, take 14 ms so, and
21 ms where all are gathered at once.
Source: Chellapilla, Puri & Simard, High performance convolutional neural networks for document processing (2006).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from math import prod
from typing import TypeAlias

import numpy as np
from numpy.lib.stride_tricks import as_strided

from funcnn.kernels import choice, scratch, threads, winograd
from funcnn.kernels.choice import Piece
from funcnn.kernels.sums import column_sums
from funcnn.kernels.windows import Pads, Pair, positions, reach
from funcnn.types import Array

Block: TypeAlias = "tuple[slice, slice]"
"""Some images, and some rows of their outputs."""

_BLOCK = 1 << 19  # bytes of gathered pixels; the second-level cache has room for them and for the weights
_WINDOWS = 256  # but at least so many windows: a product of fewer rows does not repay the reading of the weights
_WORTHWHILE = 1 << 24  # multiplications that repay another thread; four times as many by Winograd's algorithm
_FEW = 4  # channels; below, pixels are gathered with the windows last, in longer runs


def convolve(x: Array, w: Array, strides: Pair, pads: Pads, b: Array | None = None, groups: int = 1) -> Array:
    """The convolution `y`; `b` is added where given. There may be groups where `choice.grouped` says so."""
    rows, columns = _counts(x.shape, w.shape, strides, pads)
    y: Array = scratch.array((len(x), rows, columns, w.shape[3]), np.result_type(x, w))
    if groups > 1 or choice.by_winograd(x.shape, w.shape, strides, pads, y.dtype):
        _by_winograd(x, w, pads, b, y, groups)
        return y

    def work(parts: list[Piece]) -> None:
        for images, rows, pixels, left in parts:
            _convolve(x[images, pixels], w, strides, left, b, y[images, rows])

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
            each = (_convolve_params(image, d, shape, strides, left) for image, d, left in found)
            sums[at] = functools.reduce(_sum, each)

    _spread(x.shape, dy.shape, shape, strides, pads, fast, work)
    return functools.reduce(_sum, (sums[at] for at in sorted(sums)))  # in one order, whichever thread was first


def _sum(a: tuple[Array, Array], b: tuple[Array, Array]) -> tuple[Array, Array]:
    return np.add(a[0], b[0], out=a[0]), np.add(a[1], b[1], out=a[1])


def convolve_input(
    dy: Array, w: Array, shape: tuple[int, ...], strides: Pair, pads: Pads, groups: int = 1
) -> Array:
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
            _convolve_input(dy[i:j], w, strides, pads, dx[i:j])

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


def _convolve(x: Array, w: Array, strides: Pair, pads: Pads, b: Array | None, y: Array) -> None:
    columns, outputs = y.shape[2:]
    matrix = w.reshape(-1, outputs)
    bias = None if b is None else np.tile(b, columns)  # a whole row of the image at a time: longer runs
    for block, patches in _gathered(x, w.shape, strides, pads):
        out = y[block]
        np.matmul(patches, matrix, out=out.reshape(-1, outputs))
        if bias is not None:
            lines = out.reshape(-1, columns * outputs)
            lines += bias


def _convolve_params(
    x: Array, dy: Array, shape: tuple[int, ...], strides: Pair, pads: Pads
) -> tuple[Array, Array]:
    dw: Array = np.zeros((prod(shape[:3]), shape[3]), np.result_type(x, dy))
    db: Array = np.zeros(shape[3], dw.dtype)
    part = np.empty_like(dw)
    for block, patches in _gathered(x, shape, strides, pads):
        d = dy[block].reshape(-1, shape[3])
        np.matmul(patches.T, d, out=part)
        dw += part
        db += column_sums(d)
    return dw.reshape(shape), db


def _convolve_input(dy: Array, w: Array, strides: Pair, pads: Pads, dx: Array) -> None:
    height, width, channels, outputs = w.shape
    if _pointwise(w.shape, strides, pads):
        np.matmul(dy.reshape(-1, outputs), w.reshape(channels, outputs).T, out=dx.reshape(-1, channels))
        return
    dx.fill(0)
    offsets = np.ascontiguousarray(w.reshape(-1, channels, outputs).transpose(0, 2, 1))
    across = [reach(q, strides[1], pads[1][0], dx.shape[2], dy.shape[2]) for q in range(width)]
    for images, rows in _blocks(dy.shape, dx.itemsize * height * width * channels):
        d = dy[images, rows]
        parts = np.matmul(d.reshape(-1, outputs), offsets).reshape(height, width, *d.shape[:3], channels)
        target, above = dx[images], pads[0][0] - rows.start * strides[0]
        for p in range(height):
            windows, pixels = reach(p, strides[0], above, dx.shape[1], d.shape[1])
            for q in range(width):
                at = target[:, pixels, across[q][1]]
                at += parts[p, q][:, windows, across[q][0]]


def _gathered(x: Array, w_shape: tuple[int, ...], strides: Pair, pads: Pads) -> Iterator[tuple[Block, Array]]:
    """The pixels under the windows, block by block, as a matrix of windows x (height, width, channels).

    The matrix is filled anew for every block.
    """
    height, width, channels, _ = w_shape
    rows, columns = _counts(x.shape, w_shape, strides, pads)
    size = height * width * channels
    blocks = list(_blocks((len(x), rows, columns), x.itemsize * size))
    if _pointwise(w_shape, strides, pads):
        for block in blocks:
            yield block, x[block].reshape(-1, channels)
        return
    pixels = _padded(np.ascontiguousarray(x), pads)
    a, b, c, d = pixels.strides
    shape, steps = (len(x), rows, columns, height, width, channels), (a, b * strides[0], c * strides[1], b, c, d)
    windows = as_strided(pixels, shape, steps, writeable=False)
    room: Array = np.empty(size * max([_windows(windows[block]) for block in blocks], default=0), x.dtype)
    for block in blocks:
        under = windows[block]
        if channels < _FEW:
            under = under.transpose(3, 4, 5, 0, 1, 2)
        patches = room[: under.size].reshape(under.shape)
        np.copyto(patches, under)
        yield block, patches.reshape(size, -1).T if channels < _FEW else patches.reshape(-1, size)


def _windows(under: Array) -> int:
    return prod(under.shape[:3])


def _padded(x: Array, pads: Pads) -> Array:
    """The images with zeros where the padding is: 3 us faster than `windows.padded`, which takes any axes."""
    (top, bottom), (left, right) = pads
    if not (top or bottom or left or right):
        return x
    n, height, width, channels = x.shape
    out: Array = scratch.array((n, top + height + bottom, left + width + right, channels), x.dtype)
    out.fill(0)
    out[:, top : top + height, left : left + width] = x
    return out


def _blocks(shape: tuple[int, ...], window_bytes: int) -> Iterator[Block]:
    """Whole images, several at a time, or rows of one: as many windows as the cache has room for."""
    batch, rows, columns, *_ = shape
    if not rows * columns:
        return
    windows = max(_WINDOWS, threads.longer(_BLOCK) // window_bytes)
    fit = -(-windows // columns) if windows < rows * columns else rows
    if fit >= rows:
        many = max(1, windows // (rows * columns))
        for i in range(0, batch, many):
            yield slice(i, min(i + many, batch)), slice(0, rows)
    else:
        for i in range(batch):
            for r in range(0, rows, fit):
                yield slice(i, i + 1), slice(r, min(r + fit, rows))


def _counts(x_shape: tuple[int, ...], w_shape: tuple[int, ...], strides: Pair, pads: Pads) -> Pair:
    return (
        positions(x_shape[1], w_shape[0], strides[0], pads[0]),
        positions(x_shape[2], w_shape[1], strides[1], pads[1]),
    )


def _pointwise(w_shape: tuple[int, ...], strides: Pair, pads: Pads) -> bool:
    """Is every window one pixel, and every pixel one window?"""
    return w_shape[:2] == (1, 1) and strides == (1, 1) and pads == ((0, 0), (0, 0))
