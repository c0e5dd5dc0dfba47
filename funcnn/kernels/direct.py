"""Convolution of images directly, and its pullbacks: the pixels under the windows are the rows of a matrix.

They are gathered and multiplied: one matrix product for a block of windows that is small enough to stay in the cache.
64 images of 26 x 26 x 32 to 64 channels, 3 x 3, take 14 ms so, and 21 ms where all are gathered at once.
Source: Chellapilla, Puri & Simard, High performance convolutional neural networks for document processing (2006).
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import as_strided

from funcnn.kernels import scratch, threads
from funcnn.kernels.small_products import by_rows, over_rows
from funcnn.kernels.sums import column_sums
from funcnn.kernels.windows import Pads, Pair, positions, reach
from funcnn.types import Array

Block: TypeAlias = "tuple[slice, slice]"
"""Some images, and some rows of their outputs."""

_BLOCK = 1 << 19  # bytes of gathered pixels; the second-level cache has room for them and for the weights
_WINDOWS = 256  # but at least so many windows: a product of fewer rows does not repay the reading of the weights
_FEW = 4  # channels; below, pixels are gathered with the windows last, in longer runs


def convolve(x: Array, w: Array, strides: Pair, pads: Pads, b: Array | None, y: Array) -> None:
    """The convolution, written to `y`."""
    columns, outputs = y.shape[2:]
    matrix = w.reshape(-1, outputs)
    bias = None if b is None else np.tile(b, columns)  # a whole row of the image at a time: longer runs
    for block, patches in _gathered(x, w.shape, strides, pads):
        out = y[block]
        by_rows(patches, matrix, out.reshape(-1, outputs))
        if bias is not None:
            lines = out.reshape(-1, columns * outputs)
            lines += bias


def convolve_params(x: Array, dy: Array, shape: tuple[int, ...], strides: Pair, pads: Pads) -> tuple[Array, Array]:
    """The cotangents of `w`, which has this shape, and of `b`."""
    dw: Array = np.zeros((prod(shape[:3]), shape[3]), np.result_type(x, dy))
    db: Array = np.zeros(shape[3], dw.dtype)
    part = np.empty_like(dw)
    for block, patches in _gathered(x, shape, strides, pads):
        d = dy[block].reshape(-1, shape[3])
        over_rows(patches, d, part)
        dw += part
        db += column_sums(d)
    return dw.reshape(shape), db


def convolve_input(dy: Array, w: Array, strides: Pair, pads: Pads, dx: Array) -> None:
    """The cotangent of `x`, written to `dx`."""
    height, width, channels, outputs = w.shape
    if _pointwise(w.shape, strides, pads):
        np.matmul(dy.reshape(-1, outputs), w.reshape(channels, outputs).T, out=dx.reshape(-1, channels))
    elif outputs > channels * min(height // strides[0], width // strides[1]):
        _scatter(dy, w, strides, pads, dx)
    else:
        _by_phases(dy, w, strides, pads, dx)


def _by_phases(dy: Array, w: Array, strides: Pair, pads: Pads, dx: Array) -> None:
    """Pixels with one remainder on division by the strides are a convolution of `dy`, with those pixels of the windows
    that meet them, turned round.
    """
    turned = np.ascontiguousarray(w.transpose(0, 1, 3, 2))
    down, across = (
        _phases(*each)
        for each in zip(dx.shape[1:3], dy.shape[1:3], w.shape[:2], strides, [before for before, _ in pads], strict=True)
    )
    for p in down:
        for q in across:
            at = dx[:, p.pixels, q.pixels]
            if not (p.many and q.many):
                at.fill(0)
                continue
            out = dx if strides == (1, 1) else scratch.array(at.shape, dx.dtype)
            convolve(dy[:, p.windows, q.windows], turned[p.taps, q.taps], (1, 1), (p.pad, q.pad), None, out)
            if out is not dx:
                np.copyto(at, out)


class _Phase(NamedTuple):
    """Along an axis: pixels, the pixels of a window that meet them, and how many those are, last to first; the windows
    that take part, and how many are missing before the first and behind the last.
    """

    pixels: slice
    taps: slice
    many: int
    windows: slice
    pad: Pair


def _phases(size: int, count: int, window: int, stride: int, before: int) -> list[_Phase]:
    """Pixel `m s + a` meets pixel i of window r where `r s + i - before` is that: `i = i_0 + j s`, `r = m + q - j`.

    >>> _phases(5, 3, 3, 2, 1)[0]
    _Phase(pixels=slice(0, 5, 2), taps=slice(1, None, -2), many=1, windows=slice(0, 3, None), pad=(0, 0))
    """
    found: list[_Phase] = []
    for a in range(min(stride, size)):
        q, i = divmod(a + before, stride)
        many, pixels = len(range(i, window, stride)), -(-(size - a) // stride)
        front, back = many - 1 - q, pixels + q - count
        windows = slice(min(max(0, -front), count), max(0, count - max(0, -back)))
        pad = max(0, front), max(0, back)
        last = i + (many - 1) * stride
        found.append(_Phase(slice(a, size, stride), slice(last, None, -stride), many, windows, pad))
    return found


def _scatter(dy: Array, w: Array, strides: Pair, pads: Pads, dx: Array) -> None:
    """What every window sends back, added up: it is less than what is gathered where `dy` has many more channels.

    Of 7 x 7 with stride 2 on 8 images of 56 x 56 x 64 it takes 33 ms, by phases 26; of 3 x 3 from 8 to 64 channels 7.1, by
    phases 2.7; of 3 x 3 with stride 2 from 64 to 32, 6.3 and 7.4.
    """
    height, width, channels, outputs = w.shape
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
    rows, columns = counts(x.shape, w_shape, strides, pads)
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


def counts(x_shape: tuple[int, ...], w_shape: tuple[int, ...], strides: Pair, pads: Pads) -> Pair:
    """How many windows there are along both axes."""
    return (
        positions(x_shape[1], w_shape[0], strides[0], pads[0]),
        positions(x_shape[2], w_shape[1], strides[1], pads[1]),
    )


def _pointwise(w_shape: tuple[int, ...], strides: Pair, pads: Pads) -> bool:
    """Is every window one pixel, and every pixel one window?"""
    return w_shape[:2] == (1, 1) and strides == (1, 1) and pads == ((0, 0), (0, 0))
