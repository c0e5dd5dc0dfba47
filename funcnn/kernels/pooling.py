"""Pools of images, (batch, height, width, channels), and their pullbacks.

The pixels at one offset of all windows are a strided slice of the image: a pool is a fold over the offsets, of a few
images at a time, which stay in the cache. Padding is never made: windows at a border have fewer pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from funcnn.kernels import scratch
from funcnn.kernels.threads import longer, spread
from funcnn.kernels.windows import Pads, Pair, positions, reach
from funcnn.types import Array

_BLOCK = 1 << 19  # bytes of an input that is worked on at a time: it is read once for every offset
_WORTHWHILE = 1 << 20  # elements that repay another thread


def max_pool(x: Array, window: Pair, strides: Pair, pads: Pads) -> Array:
    """The largest pixel of every window; NaN if there is one. Complex numbers are ordered by their real part."""
    y = _empty(x, window, strides, pads)
    larger = _larger_real if x.dtype.kind == "c" else np.maximum
    offsets = list(_offsets(x.shape, y.shape, window, strides, pads))

    def part(start: int, end: int) -> None:
        for images in _images(x, start, end):
            if _padded(pads):
                y[images].fill(-np.inf)
                for windows, pixels in offsets:
                    out = y[images][windows]
                    larger(out, x[images][pixels], out=out)
                continue
            found = x[images][offsets[0][1]]
            for _, pixels in offsets[1:] or offsets:  # a single offset meets itself
                found = larger(found, x[images][pixels], out=y[images])

    spread(len(x), _least(x), part)
    return y


def max_pool_input(x: Array, y: Array, dy: Array, window: Pair, strides: Pair, pads: Pads) -> Array:
    """The cotangent of `x`: all of `dy` goes to the first of the largest pixels; to the first pixel, if one is NaN.

    What is left of `dy` goes on from every pixel that is smaller than `y`, and stays with the first that is not.
    """
    dx, give = _input_like(x.shape, dy, window, strides, pads)
    *offsets, (ends, last) = _offsets(x.shape, y.shape, window, strides, pads)

    def part(start: int, end: int) -> None:
        for images in _images(x, start, end):
            left, large = dy[images], y[images].real
            for windows, pixels in offsets:
                smaller = np.less(x[images][pixels].real, large[windows])
                rest = smaller.astype(dy.dtype)
                if rest.shape != left.shape:  # windows at a border, which have no pixel here
                    rest = np.ones(left.shape, dy.dtype)
                    rest[windows] = smaller
                rest *= left
                give(dx[images][pixels], np.subtract(left, rest)[windows])
                left = rest
            give(dx[images][last], left[ends])  # nobody took it before

    spread(len(x), _least(x), part)
    return dx


def average_pool(x: Array, window: Pair, strides: Pair, pads: Pads) -> Array:
    """The mean of the pixels of every window; what lies in the padding does not count."""
    y = _empty(x, window, strides, pads)
    y.fill(0)
    divisor = _pixels(x, y, window, strides, pads)
    for images in _images(x):
        for windows, pixels in _offsets(x.shape, y.shape, window, strides, pads):
            out = y[images][windows]
            out += x[images][pixels]
        out = y[images]
        out /= divisor
    return y


def average_pool_input(dy: Array, shape: tuple[int, ...], window: Pair, strides: Pair, pads: Pads) -> Array:
    """The cotangent of an `x` of this shape: every pixel of a window gets its share of `dy`."""
    dx, give = _input_like(shape, dy, window, strides, pads)
    share = dy / _pixels(dx, dy, window, strides, pads)
    for images in _images(dx):
        for windows, pixels in _offsets(shape, dy.shape, window, strides, pads):
            give(dx[images][pixels], share[images][windows])
    return dx


def _empty(x: Array, window: Pair, strides: Pair, pads: Pads) -> Array:
    n, height, width, channels = x.shape
    down = positions(height, window[0], strides[0], pads[0])
    across = positions(width, window[1], strides[1], pads[1])
    y: Array = scratch.array((n, down, across, channels), x.dtype)
    return y


def _input_like(
    shape: tuple[int, ...], dy: Array, window: Pair, strides: Pair, pads: Pads
) -> tuple[Array, Callable[[Array, Array], None]]:
    """Room for the cotangent of the input, and how it is filled: where no pixel is in two windows, without adding."""
    tiles = window == strides and (dy.shape[1] * window[0], dy.shape[2] * window[1]) == shape[1:3] and not _padded(pads)
    dx: Array = scratch.array(shape, dy.dtype)
    if not tiles:
        dx.fill(0)
    apart = strides[0] >= window[0] and strides[1] >= window[1]
    return dx, np.copyto if apart else _add


def _padded(pads: Pads) -> bool:
    return pads != ((0, 0), (0, 0))


def _add(a: Array, b: Array) -> None:
    a += b


def _pixels(x: Array, y: Array, window: Pair, strides: Pair, pads: Pads) -> float | Array:
    """How many pixels the windows have, padding apart."""
    if not _padded(pads):
        return float(window[0] * window[1])
    down, across = (
        np.array([min(r * s + k - pad[0], n) - max(r * s - pad[0], 0) for r in range(count)], x.real.dtype)
        for n, count, k, s, pad in zip(x.shape[1:3], y.shape[1:3], window, strides, pads, strict=True)
    )
    counts: Array = down[:, None, None] * across[:, None]
    return counts


def _offsets(
    shape: tuple[int, ...], y_shape: tuple[int, ...], window: Pair, strides: Pair, pads: Pads
) -> Iterator[tuple[tuple[slice, ...], tuple[slice, ...]]]:
    """For every offset in a window, row by row: which windows have a pixel there, and which pixels these are."""
    across = [reach(q, strides[1], pads[1][0], shape[2], y_shape[2]) for q in range(window[1])]
    for p in range(window[0]):
        rows, lines = reach(p, strides[0], pads[0][0], shape[1], y_shape[1])
        for columns, pixels in across:
            yield (slice(None), rows, columns), (slice(None), lines, pixels)


def _images(x: Array, start: int = 0, end: int | None = None) -> Iterator[slice]:
    many = max(1, longer(_BLOCK) * len(x) // max(1, x.nbytes))
    last = len(x) if end is None else end
    for i in range(start, last, many):
        yield slice(i, min(i + many, last))


def _least(x: Array) -> int:
    """How many images repay another thread."""
    return -(-_WORTHWHILE // max(1, x[:1].size))


def _larger_real(a: Array, b: Array, out: Array) -> Array:
    """By the real part; the first of equals, and NaN before all."""
    out[...] = np.where((b.real > a.real) | (np.isnan(b.real) & ~np.isnan(a.real)), b, a)
    return out
