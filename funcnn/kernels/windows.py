"""Sliding windows over the axes between batch and channels: where they stand, and which pixels they reach."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from itertools import product
from typing import NamedTuple, TypeAlias

from funcnn.kernels import scratch
from funcnn.types import Array

Pair: TypeAlias = "tuple[int, int]"
"""For the height and for the width; or before and behind."""

Pads: TypeAlias = "tuple[Pair, Pair]"
"""`((top, bottom), (left, right))`: how many pixels are missing at each border."""

Sizes: TypeAlias = "tuple[int, ...]"
"""One for every axis that windows slide along."""

Slices: TypeAlias = "tuple[slice, ...]"


class Windows(NamedTuple):
    """Windows over one, two or three axes: along each axis, window `r` has the pixels `r s + i d - before`, `i < size`.

    size       how many pixels
    strides    from one window to the next, s
    dilation   from one pixel of a window to the next, d
    pads       (before, behind): pixels that are missing at the borders; negative ones are left out there
    """

    size: Sizes
    strides: Sizes
    dilation: Sizes
    pads: tuple[Pair, ...]

    def counts(self, shape: tuple[int, ...]) -> Sizes:
        """How many windows there are along each axis of an array of this shape.

        >>> Windows((3, 3), (1, 1), (2, 1), ((0, 0), (1, 1))).counts((8, 28, 28, 3))
        (24, 28)
        """
        each = zip(shape[1:-1], self.size, self.strides, self.dilation, self.pads, strict=True)
        return tuple(positions(n, (k - 1) * d + 1, s, pad) for n, k, s, d, pad in each)

    def offsets(self, shape: tuple[int, ...], counts: Sizes) -> Offsets:
        """For every pixel of a window, row by row: which windows have a real pixel there, and which these are."""
        return _offsets(self, shape[1:-1], counts)


Offsets: TypeAlias = "tuple[tuple[Slices, Slices], ...]"


@functools.lru_cache(256)  # made once for a shape: 20 us for a window of 2 x 2
def _offsets(how: Windows, sizes: Sizes, counts: Sizes) -> Offsets:
    each = zip(sizes, counts, *how, strict=True)
    along = [[reach(i * d, s, pad[0], n, count) for i in range(k)] for n, count, k, s, d, pad in each]
    found: list[tuple[Slices, Slices]] = []
    for parts in product(*along):
        windows, pixels = zip(*parts, strict=True)
        found.append(((slice(None), *windows), (slice(None), *pixels)))
    return tuple(found)


def padded(x: Array, pads: tuple[Pair, ...], value: float = 0.0) -> Array:
    """The array with zeros, or another value, where pixels are missing, and without those that are left out."""
    if not any(map(any, pads)):
        return x
    shape, inside, real = borders(x.shape, pads)
    out: Array = scratch.array(shape, x.dtype)
    out.fill(value)
    out[inside] = x[real]
    return out


@functools.lru_cache(256)
def borders(shape: tuple[int, ...], pads: tuple[Pair, ...]) -> tuple[tuple[int, ...], Slices, Slices]:
    """The shape with padding, where the pixels are in it, and which of them.

    >>> borders((8, 5, 2), ((1, -2),))
    ((8, 4, 2), (slice(None, None, None), slice(1, 4, None)), (slice(None, None, None), slice(0, 3, None)))
    """
    sizes = shape[1:-1]
    out = shape[0], *(n + before + behind for n, (before, behind) in zip(sizes, pads, strict=True)), shape[-1]
    inside, real = [slice(None)], [slice(None)]
    for n, (before, behind) in zip(sizes, pads, strict=True):
        first, at = max(0, -before), max(0, before)
        left = max(0, n - first + min(0, behind))
        real.append(slice(first, first + left))
        inside.append(slice(at, at + left))
    return out, tuple(inside), tuple(real)


def positions(size: int, window: int, stride: int, pads: Pair) -> int:
    """How many windows fit along an axis.

    >>> positions(28, 3, 1, (0, 0)), positions(28, 3, 2, (0, 1))
    (26, 14)
    """
    return (size + pads[0] + pads[1] - window) // stride + 1


def reach(offset: int, stride: int, pad: int, size: int, count: int) -> tuple[slice, slice]:
    """Which of `count` windows have a real pixel at `offset`, and which pixels these are.

    Windows whose pixel would lie in the padding are left out. `pad` is that before the first pixel; a negative one says
    that the first window starts behind it.

    >>> reach(0, stride=1, pad=1, size=5, count=5)
    (slice(1, 5, None), slice(0, 4, 1))
    """
    first = max(0, -((offset - pad) // stride))
    last = min(count, (size - 1 - offset + pad) // stride + 1)
    if last <= first:
        return slice(0, 0), slice(0, 0)
    start = first * stride + offset - pad
    return slice(first, last), slice(start, start + (last - first - 1) * stride + 1, stride)


def a_few(x: Array, size: int, start: int = 0, end: int | None = None) -> Iterator[slice]:
    """The images of `x`, from `start` to `end`, as many at a time as have this size in bytes, but at least one."""
    many = max(1, size * len(x) // max(1, x.nbytes))
    last = len(x) if end is None else end
    for i in range(start, last, many):
        yield slice(i, min(i + many, last))
