"""Pools of sequences, images and volumes, (batch, ..., channels), and their pullbacks.

The pixels at one offset of all windows are a strided slice of the image: a pool is a fold over the offsets, of a few
images at a time, which stay in the cache. Padding is never made: windows at a border have fewer pixels. Those that
overlap much go to `funcnn.kernels.pooled_blocks`, but for complex numbers and jets.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from math import prod

import numpy as np

from funcnn.kernels import pooled_blocks, scratch
from funcnn.kernels.activations import times
from funcnn.kernels.threads import longer, spread
from funcnn.kernels.windows import Offsets, Windows, a_few
from funcnn.types import Array

_BLOCK = 1 << 19  # bytes of an input that is worked on at a time: it is read once for every offset
_RUN = 1 << 8  # numbers that are added up one after the other
_WORTHWHILE = 1 << 20  # elements that repay another thread


def max_pool(x: Array, how: Windows) -> Array:
    """The largest pixel of every window; NaN if there is one. Complex numbers are ordered by their real part."""
    if pooled_blocks.suits(how, x):
        return pooled_blocks.fold(x, how, -np.inf, np.maximum)
    y = _empty(x, how)
    larger = _larger_real if x.dtype.kind == "c" else np.maximum
    offsets = how.offsets(x.shape, y.shape[1:-1])

    def part(start: int, end: int) -> None:
        for images in _images(x, start, end):
            if _padded(how):
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


def max_pool_input(x: Array, y: Array, dy: Array, how: Windows) -> Array:
    """The cotangent of `x`: all of `dy` goes to the first of the largest pixels; to the first pixel, if one is NaN."""
    if pooled_blocks.suits(how, x, y, dy) and np.min(y, initial=0.0) > -np.inf:  # no NaN
        return pooled_blocks.maxima_input(x, y, dy, how)
    dx, give = _input_like(x.shape, dy, how)
    offsets = how.offsets(x.shape, y.shape[1:-1])

    def part(start: int, end: int) -> None:
        for images in _images(x, start, end):
            for windows, pixels, first in pooled_blocks.first_largest(x[images].real, y[images].real, offsets):
                give(dx[images][pixels], times(first.astype(dy.real.dtype), dy[images][windows]))

    spread(len(x), _least(x), part)
    return dx


def sum_pool(x: Array, how: Windows) -> Array:
    """The sum of the pixels of every window."""
    if pooled_blocks.suits(how, x):
        return pooled_blocks.fold(x, how, 0.0, np.add)
    y = _empty(x, how)
    y.fill(0)
    offsets = how.offsets(x.shape, y.shape[1:-1])
    for images in _images(x):
        _in_runs(y[images], offsets, functools.partial(_gather, x[images]))
    return y


def sum_pool_input(dy: Array, shape: tuple[int, ...], how: Windows) -> Array:
    """The cotangent of an `x` of this shape: every pixel of a window gets `dy`."""
    if pooled_blocks.suits(how, dy):
        return pooled_blocks.sums_input(dy, shape, how)
    dx, give = _input_like(shape, dy, how)
    offsets = how.offsets(shape, dy.shape[1:-1])
    for images in _images(dx):
        add = functools.partial(_scatter, give, dy[images])
        if give is _add:
            _in_runs(dx[images], offsets, add)
        else:
            add(dx[images], offsets)
    return dx


def average_pool(x: Array, how: Windows) -> Array:
    """The mean of the pixels of every window; what lies in the padding does not count."""
    y = sum_pool(x, how)
    y /= _pixels(x.shape, y, how)
    return y


def average_pool_input(dy: Array, shape: tuple[int, ...], how: Windows) -> Array:
    """The cotangent of an `x` of this shape: every pixel of a window gets its share of `dy`."""
    return sum_pool_input(dy / _pixels(shape, dy, how), shape, how)


def _empty(x: Array, how: Windows) -> Array:
    return scratch.room(x, (len(x), *how.counts(x.shape), x.shape[-1]))


def _input_like(shape: tuple[int, ...], dy: Array, how: Windows) -> tuple[Array, Callable[[Array, Array], None]]:
    """Room for the cotangent of the input, and how it is filled: where no pixel is in two windows, without adding."""
    covered = tuple(n * k for n, k in zip(dy.shape[1:-1], how.size, strict=True))
    apart = all(s >= (k - 1) * d + 1 for k, s, d in zip(how.size, how.strides, how.dilation, strict=True))
    dx = scratch.room(dy, shape)
    if not apart or how.size != how.strides or covered != shape[1:-1] or _padded(how):
        dx.fill(0)
    return dx, np.copyto if apart else _add


def _gather(x: Array, into: Array, offsets: Offsets) -> None:
    for windows, pixels in offsets:
        out = into[windows]
        out += x[pixels]


def _scatter(give: Callable[[Array, Array], None], dy: Array, into: Array, offsets: Offsets) -> None:
    for windows, pixels in offsets:
        give(into[pixels], dy[windows])


def _in_runs(total: Array, offsets: Offsets, add: Callable[[Array, Offsets], None]) -> None:
    """What `add(into, some offsets)` adds, run by run where there are many: one after the other, 90,000 float32 numbers
    of 1.1 lose the fourth digit.
    """
    if len(offsets) <= _RUN:
        add(total, offsets)
        return
    for i in range(0, len(offsets), _RUN):
        run = np.zeros_like(total)
        add(run, offsets[i : i + _RUN])
        total += run


def _padded(how: Windows) -> bool:
    return any(map(any, how.pads))


def _add(a: Array, b: Array) -> None:
    a += b


def _pixels(shape: tuple[int, ...], y: Array, how: Windows) -> float | Array:
    """How many pixels the windows have, padding apart."""
    if not _padded(how):
        return float(prod(how.size))
    counts: Array = np.zeros((1, *y.shape[1:-1], 1), y.real.dtype)
    for windows, _ in how.offsets(shape, y.shape[1:-1]):
        counts[windows] += 1
    return counts


def _images(x: Array, start: int = 0, end: int | None = None) -> Iterator[slice]:
    return a_few(x, longer(_BLOCK), start, end)


def _least(x: Array) -> int:
    """How many images repay another thread."""
    return -(-_WORTHWHILE // max(1, x[:1].size))


def _larger_real(a: Array, b: Array, out: Array) -> Array:
    """By the real part; the first of equals, and NaN before all."""
    out[...] = np.where((b.real > a.real) | (np.isnan(b.real) & ~np.isnan(a.real)), b, a)
    return out
