"""Pools of real arrays with windows that overlap, along one axis after the other: 3 + 3 offsets in the place of 3 x 3.

A few images at a time, which stay in the cache; padding is made there, so that all windows have all of their pixels.
32 images of 28 x 28 x 64, stride 1, there and back: sums of 3 x 3 1.6 and 2.4 ms, of 5 x 5 2.4 and 3.4; axes together
3.2 and 3.2, 8.3 and 8.5. Maxima of 3 x 3 1.3 ms there, of 5 x 5 2.0; 2.6 and 7.9. Their way back takes two thirds of
the time for 3 x 3, and a little more than a third for 5 x 5.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from math import prod
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from funcnn.kernels import scratch
from funcnn.kernels.threads import longer, spread
from funcnn.kernels.windows import Offsets, Slices, Windows, a_few, borders, padded
from funcnn.types import Array

Mask: TypeAlias = "npt.NDArray[np.bool_]"

_BLOCK: Final = 1 << 19  # bytes of an input that is worked on at a time
_WORTHWHILE: Final = 1 << 20  # elements that repay another thread
_RUN: Final = 1 << 8  # numbers that are added up one after the other


def suits(how: Windows, *arrays: Array) -> bool:
    """Are these real arrays, and windows that make fewer steps so, whose sums lose no digits?"""
    plain = all(isinstance(a, np.ndarray) and a.dtype.kind == "f" for a in arrays)
    return plain and max(how.size) <= _RUN and len(_steps(how)) > 1


def fold(x: Array, how: Windows, outside: float, ufunc: Callable[..., Array]) -> Array:
    """The fold of every window by `ufunc`, with this value where pixels are missing."""
    y = scratch.room(x, (len(x), *how.counts(x.shape), x.shape[-1]))
    steps = _steps(how)

    def part(start: int, end: int) -> None:
        for images in a_few(x, longer(_BLOCK), start, end):
            found = padded(x[images], how.pads, outside)
            for step in steps:
                counts = step.counts(found.shape)
                out = y[images] if step is steps[-1] else np.empty((len(found), *counts, x.shape[-1]), x.dtype)
                (_, first), *others = step.offsets(found.shape, counts)
                total = found[first]
                if not others:
                    np.copyto(out, total)
                for _, pixels in others:
                    total = ufunc(total, found[pixels], out=out)
                found = out

    spread(len(x), _least(x), part)
    return y


def sums_input(dy: Array, shape: tuple[int, ...], how: Windows) -> Array:
    """The cotangent of an input of this shape of sums: every pixel of a window gets `dy`."""
    dx = scratch.room(dy, shape)
    steps = _steps(how)

    def part(start: int, end: int) -> None:
        for images in a_few(dx, longer(_BLOCK), start, end):
            whole, inside, real = borders(dx[images].shape, how.pads)
            shapes = [whole]
            for step in steps[:-1]:
                shapes.append((whole[0], *step.counts(shapes[-1]), whole[-1]))
            found = dy[images]
            for step, before in zip(reversed(steps), reversed(shapes), strict=True):
                out: Array = np.zeros(before, dy.dtype)
                for _, pixels in step.offsets(before, found.shape[1:-1]):
                    at = out[pixels]
                    at += found
                found = out
            _put(dx[images], found, inside, real)

    spread(len(dx), _least(dx), part)
    return dx


def first_largest(x: Array, y: Array, offsets: Offsets) -> Iterator[tuple[Slices, Slices, Mask]]:
    """Offset by offset: for which windows, which pixels these are, and are they the first that is not smaller than y?

    A window is open until its pixel is found. Masks are bytes, a quarter of the memory of what they stand for.
    """
    opened = np.ones(y.shape, np.bool_)
    for windows, pixels in offsets[:-1]:
        smaller, still = np.less(x[pixels], y[windows]), opened[windows]
        yield windows, pixels, np.greater(still, smaller)
        np.logical_and(still, smaller, out=still)
    windows, pixels = offsets[-1]
    yield windows, pixels, opened[windows]


def maxima_input(x: Array, y: Array, dy: Array, how: Windows) -> Array:
    """The cotangent of an input of maxima: along the first axis to the first of the largest rows, and so on in these.

    Whatever is between is made anew: the maxima along the last axis, those of these along the one before, ... No y is
    NaN, or as small as the padding.
    """
    dx = scratch.room(dy, x.shape)
    steps = _steps(how)

    def part(start: int, end: int) -> None:
        for images in a_few(x, longer(_BLOCK), start, end):
            _, inside, real = borders(x[images].shape, how.pads)
            found = [padded(x[images], how.pads, -np.inf)]
            for step in reversed(steps[1:]):
                found.append(_maxima(found[-1], step))
            top, back = y[images], dy[images]
            for step, below in zip(steps, reversed(found), strict=True):
                given: Array = np.zeros(below.shape, dy.dtype)
                for windows, pixels, first in first_largest(below, top, step.offsets(below.shape, top.shape[1:-1])):
                    share = first.astype(dy.dtype)
                    np.multiply(share, back[windows], out=share)
                    at = given[pixels]
                    at += share
                top, back = below, given
            _put(dx[images], back, inside, real)

    spread(len(x), _least(x), part)
    return dx


def _maxima(x: Array, step: Windows) -> Array:
    counts = step.counts(x.shape)
    (_, first), *others = step.offsets(x.shape, counts)
    found = x[first].copy()
    for _, pixels in others:
        np.maximum(found, x[pixels], out=found)
    return found


def _put(dx: Array, found: Array, inside: tuple[slice, ...], real: tuple[slice, ...]) -> None:
    """What was found without its padding, and zero where pixels are left out."""
    part = found[inside]
    if part.shape != dx.shape:
        dx.fill(0)
    np.copyto(dx[real], part)


@functools.lru_cache(256)
def _steps(how: Windows) -> tuple[Windows, ...]:
    """The windows without padding; or along one axis after the other, where that makes fewer steps."""
    rank = len(how.size)
    together = prod(how.size) / prod(how.strides)
    apart = sum(k / prod(how.strides[: axis + 1]) for axis, k in enumerate(how.size))
    if rank == 1 or apart > 0.8 * together:
        return (_bare(how),)

    def alone(values: tuple[int, ...], axis: int) -> tuple[int, ...]:
        return tuple(value if i == axis else 1 for i, value in enumerate(values))

    size, strides, dilation, pads = _bare(how)
    return tuple(Windows(alone(size, i), alone(strides, i), alone(dilation, i), pads) for i in range(rank))


def _bare(how: Windows) -> Windows:
    """The windows over images that have their padding."""
    return how._replace(pads=((0, 0),) * len(how.size))


def _least(x: Array) -> int:
    """How many images repay another thread."""
    return -(-_WORTHWHILE // max(1, x[:1].size))
