"""Convolution over one, two or three axes, with dilation and groups, and its pullbacks.

    y[n, r, o] = b[o] + sum over i, c of  x[n, r s + i d - before, c]  w[i, c, o]      r, i, s, d: one for every axis

With groups, an output sees the channels of its own group alone: c runs over them, and the axis of w with it.

Images and sequences whose windows have neither gaps nor groups go to `funcnn.kernels.convolution`, which knows faster
algorithms, and so do large images with gaps, taken apart; volumes go to `funcnn.kernels.volumes` where it serves them,
groups of a single channel to `funcnn.kernels.depthwise`.
Here the pixels under a block of windows are gathered and multiplied, all groups in one product.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from funcnn.kernels import choice, convolution, depthwise, dilated, scratch, threads, volumes
from funcnn.kernels.sums import column_sums
from funcnn.kernels.windows import Pads, Pair, Windows, a_few, padded
from funcnn.types import Array

_BLOCK = 1 << 19  # bytes of gathered pixels, or of images, that stay in the cache
_WORTHWHILE = 1 << 22  # multiplications that repay another thread


def correlate(x: Array, w: Array, how: Windows, groups: int = 1, b: Array | None = None) -> Array:
    """The convolution `y`; `b` is added where given."""
    flat = _of_images(how, x.shape, w.shape, groups, np.result_type(x, w))
    if flat is not None:
        if x.ndim == 4:
            return convolution.convolve(x, w, flat.strides, flat.pads, b, groups)
        return convolution.convolve(x[:, None], w[None], flat.strides, flat.pads, b)[:, 0]
    dtype = np.result_type(x, w)
    if groups == 1 and dilated.suits(x.shape, w.shape, how, dtype):
        return dilated.convolve(x, w, how, b)
    if groups == 1 and volumes.suits(x.shape, w.shape, how, dtype):
        return volumes.convolve(x, w, how, b)
    y = scratch.array((len(x), *how.counts(x.shape), w.shape[-1]), dtype)
    if _depthwise(w, groups):
        _spread(y, w, lambda i: depthwise.convolve(x[i], w, how, b, y[i]))
        return y
    _spread(y, w, lambda i: _multiply(x[i], w, how, groups, y[i]))
    if b is not None:
        y += b
    return y


def correlate_params(x: Array, dy: Array, how: Windows, groups: int = 1) -> tuple[Array, Array]:
    """The cotangents of `w` and `b`."""
    shape = (*how.size, x.shape[-1] // groups, dy.shape[-1])
    flat = _of_images(how, x.shape, shape, groups, np.result_type(x, dy))
    if flat is not None:
        if x.ndim == 4:
            return convolution.convolve_params(x, dy, flat.window, flat.strides, flat.pads, groups)
        dw, db = convolution.convolve_params(x[:, None], dy[:, None], flat.window, flat.strides, flat.pads)
        return dw[0], db
    dw = np.zeros(shape, np.result_type(x, dy))
    if groups == 1 and dilated.suits(x.shape, dw.shape, how, dw.dtype):
        return dilated.convolve_params(x, dy, how)
    if groups == 1 and volumes.suits(x.shape, shape, how, dw.dtype):
        return volumes.convolve_params(x, dy, how)
    parts: dict[int, Array] = {}
    single = _depthwise(dw, groups)

    def part(i: slice) -> None:
        found = depthwise.convolve_params(x[i], dy[i], how) if single else _multiply_params(x[i], dy[i], how, groups)
        parts[i.start] = found

    _spread(dy, dw, part)
    for start in sorted(parts):  # in one order, whichever thread was first
        dw += parts[start].reshape(dw.shape)
    return dw, column_sums(dy.reshape(-1, dy.shape[-1]))


def correlate_input(dy: Array, w: Array, shape: tuple[int, ...], how: Windows, groups: int = 1) -> Array:
    """The cotangent of an `x` of this shape: what every window sends back, added up pixel by pixel."""
    flat = _of_images(how, shape, w.shape, groups, np.result_type(dy, w))
    if flat is not None:
        if dy.ndim == 4:
            return convolution.convolve_input(dy, w, shape, flat.strides, flat.pads, groups)
        image = shape[0], 1, *shape[1:]
        return convolution.convolve_input(dy[:, None], w[None], image, flat.strides, flat.pads)[:, 0]
    dx = scratch.array(shape, np.result_type(dy, w))
    if groups == 1 and dilated.suits(shape, w.shape, how, dx.dtype):
        return dilated.convolve_input(dy, w, shape, how)
    if groups == 1 and volumes.turns(how) and volumes.suits(shape, w.shape, how, dx.dtype):
        return volumes.convolve_input(dy, w, how)
    if _depthwise(w, groups):
        _spread(dy, w, lambda i: depthwise.convolve_input(dy[i], w, how, dx[i]))
    else:
        dx.fill(0)
        _spread(dy, w, lambda i: _multiply_input(dy[i], w, how, groups, dx[i]))
    return dx


class _Flat(NamedTuple):
    """Windows over images, as `convolution` takes them."""

    window: Pair
    strides: Pair
    pads: Pads


def _of_images(
    how: Windows, shape: tuple[int, ...], w_shape: tuple[int, ...], groups: int, dtype: np.dtype[Any]
) -> _Flat | None:
    """Windows over images, without gaps, and without groups unless they are convolved there; of one row for sequences.
    """
    flat = _flat(how)
    if flat is None or groups == 1:
        return flat
    of_images = len(how.size) == 2 and choice.grouped(shape, w_shape, flat.strides, flat.pads, dtype)
    return flat if of_images else None


@functools.lru_cache(256)
def _flat(how: Windows) -> _Flat | None:
    if len(how.size) > 2 or max(how.dilation) > 1 or min(map(min, how.pads)) < 0:
        return None
    size, strides, pads = (1, *how.size), (1, *how.strides), ((0, 0), *how.pads)
    return _Flat((size[-2], size[-1]), (strides[-2], strides[-1]), (pads[-2], pads[-1]))


# groups of several channels: products ---------------------------------------------------------------------------------
def _multiply(x: Array, w: Array, how: Windows, groups: int, y: Array) -> None:
    outputs = y.shape[-1]
    matrices = w.reshape(-1, groups, outputs // groups).transpose(1, 0, 2)
    for images, rows, patches in _gathered(x, how, groups, y.shape[1:-1]):
        out = y[images, rows].reshape(-1, groups, outputs // groups)
        np.matmul(patches, matrices, out=out.transpose(1, 0, 2))


def _multiply_params(x: Array, dy: Array, how: Windows, groups: int) -> Array:
    outputs = dy.shape[-1] // groups
    dw: Array = np.zeros((groups, prod(how.size) * x.shape[-1] // groups, outputs), np.result_type(x, dy))
    for images, rows, patches in _gathered(x, how, groups, dy.shape[1:-1]):
        d = dy[images, rows].reshape(-1, groups, outputs).transpose(1, 0, 2)
        dw += np.matmul(patches.transpose(0, 2, 1), d)
    return dw.transpose(1, 0, 2)


def _multiply_input(dy: Array, w: Array, how: Windows, groups: int, dx: Array) -> None:
    counts, channels, outputs = dy.shape[1:-1], dx.shape[-1] // groups, dy.shape[-1] // groups
    matrices = w.reshape(-1, channels, groups, outputs).transpose(0, 2, 3, 1)
    offsets = list(zip(how.offsets(dx.shape, counts), matrices, strict=True))
    for images in _images(dx):
        d = dy[images].reshape(-1, groups, outputs).transpose(1, 0, 2)
        target = dx[images].reshape(*dx[images].shape[:-1], groups, channels)
        for (windows, pixels), matrix in offsets:
            part = np.matmul(d, matrix).reshape(groups, len(target), *counts, channels)
            at = target[pixels]
            at += np.moveaxis(part, 0, -2)[windows]


def _gathered(x: Array, how: Windows, groups: int, counts: tuple[int, ...]) -> Iterator[tuple[slice, slice, Array]]:
    """Images, windows along the first axis, and the pixels under them: (groups, windows, pixels x channels).

    The matrices are filled anew for every block.
    """
    if 0 in counts:
        return
    pixels = padded(np.ascontiguousarray(x), how.pads)
    rank, channels, item = len(counts), x.shape[-1] // groups, x.itemsize
    steps, shape = pixels.strides[1 : 1 + rank], (groups, len(x), *counts, *how.size, channels)
    jumps = [s * n for s, n in zip(steps, how.strides, strict=True)]
    gaps = [s * n for s, n in zip(steps, how.dilation, strict=True)]
    windows = as_strided(pixels, shape, (channels * item, pixels.strides[0], *jumps, *gaps, item), writeable=False)
    size = prod(how.size) * channels
    row = groups * prod(counts[1:]) * size * item
    fit = max(1, threads.longer(_BLOCK) // row)
    images, rows = max(1, fit // counts[0]), min(fit, counts[0])
    room: Array = np.empty(0, x.dtype)
    for i in range(0, len(x), images):
        for r in range(0, counts[0], rows):
            under = windows[:, i : i + images, r : r + rows]
            if under.size > room.size:
                room = np.empty(under.size, x.dtype)
            patches = room[: under.size].reshape(under.shape)
            np.copyto(patches, under)
            yield slice(i, i + images), slice(r, r + rows), patches.reshape(groups, -1, size)


def _depthwise(w: Array, groups: int) -> bool:
    return w.shape[-2] == 1 and groups > 1


def _images(x: Array) -> Iterator[slice]:
    return a_few(x, threads.longer(_BLOCK))


def _spread(y: Array, w: Array, work: Callable[[slice], object]) -> None:
    """The work for all images, on several cores if there is enough of it."""
    each = y[:1].size * prod(w.shape[:-1])
    threads.spread(len(y), -(-_WORTHWHILE // max(1, each)), lambda i, j: work(slice(i, j)))
