"""How a depthwise convolution lays images out, so that it adds up products of whole lines of pixels.

A line of pixels, along the last axis with all channels, is one piece of memory, and so is what any one pixel of the
windows of such a line meets. Strides along other axes skip lines. With strides along the last axis, what each pixel of
the windows meets is copied together. Backwards, pixels are taken by the remainders of their places on division by the
strides, for each of which some pixels of the windows send something back.
Source: the polyphase form, Vaidyanathan, Multirate Systems and Filter Banks (1993), section 4.3.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from itertools import product
from math import gcd, prod
from typing import Final, NamedTuple, TypeAlias

from numpy.lib.stride_tricks import as_strided

from funcnn.kernels import threads
from funcnn.kernels.windows import Sizes, Slices, Windows, reach
from funcnn.types import Array

BLOCK: Final = 1 << 20  # bytes of images that stay in the cache

Pieces: TypeAlias = "Iterator[tuple[Windows, Slices, Slices]]"
"""Some images, or some rows of one: windows as they lie over these, the pixels, and the windows' places."""

Copy: TypeAlias = "tuple[tuple[slice | int, ...], Slices]"
"""Where to, and what."""


class View(NamedTuple):
    """Lines for every pixel of the windows.

    start     their first element
    shape     (*taps, images, *lines, elements)
    strides   in elements
    taps      which pixels of the windows
    pixels    which ones of the images get the sums, if pixels do
    """

    start: int
    shape: Sizes
    strides: Sizes
    taps: Slices
    pixels: Slices


class Lines:
    """How images are laid out: the shape of the room for them, what goes where in it, and what is multiplied."""

    def __init__(self, shape: Sizes, copies: list[Copy], views: list[View]) -> None:
        self.shape, self.copies, self.views = shape, copies, views

    def seen(self, room: Array) -> list[Array]:
        """The views of a room."""
        flat, item = room.reshape(-1), room.itemsize
        found: list[Array] = []
        for start, shape, strides, _, _ in self.views:
            found.append(as_strided(flat[start:], shape, [n * item for n in strides], writeable=False))
        return found


@functools.lru_cache(256)
def gathered(how: Windows, shape: Sizes, counts: Sizes) -> Lines:
    """Images of this shape, for so many windows."""
    images, *sizes, channels = shape
    befores = [pad[0] for pad in how.pads]
    extents = [(n - 1) * s + (k - 1) * d + 1 for n, k, s, d in zip(counts, *how[:3], strict=True)]
    axes = [reach(0, 1, *each) for each in zip(befores, sizes, extents, strict=True)]
    inside, pixels = ((slice(None), *parts) for parts in zip(*axes, strict=True))
    copies: list[Copy] = []
    if how.strides[-1] == 1:
        room, tap = (images, *extents, channels), how.dilation[-1] * channels
        copies.append((inside, pixels))
    else:
        room, tap = (images, *extents[:-1], how.size[-1], counts[-1], channels), counts[-1] * channels
        for i in range(how.size[-1]):
            there, here = reach(i * how.dilation[-1], how.strides[-1], befores[-1], sizes[-1], counts[-1])
            copies.append(((*inside[:-1], i, there), (*pixels[:-1], here)))
    image, *lines = _strides(room)[: len(counts)]
    taps = [d * line for d, line in zip(how.dilation, lines, strict=False)]
    moves = [s * line for s, line in zip(how.strides, lines, strict=False)]
    view = (*how.size, images, *counts[:-1], counts[-1] * channels)
    return Lines(room, copies, [View(0, view, (*taps, tap, image, *moves, 1), (), ())])


@functools.lru_cache(256)
def turned(how: Windows, shape: Sizes, counts: Sizes) -> Lines:
    """What comes to so many windows, for images of this shape."""
    images, *sizes, channels = shape
    axes = [_phases(*each) for each in zip(*how[:3], (pad[0] for pad in how.pads), sizes, strict=True)]
    befores = [max(0, *(phase.last for phase in axis)) for axis in axes]
    room = [images]
    for axis, count, before in zip(axes, counts, befores, strict=True):
        room.append(before + max(count, *(phase.pixels - phase.first for phase in axis)))
    room.append(channels)
    image, *steps = _strides(tuple(room))[:-1]
    views: list[View] = []
    for phases in product(*axes):
        numbers = [phase.pixels for phase in phases]
        start = sum((n - phase.first) * step for n, phase, step in zip(befores, phases, steps, strict=True))
        taps = [-phase.step * step for phase, step in zip(phases, steps, strict=True)]
        view = (*(len(phase.taps) for phase in phases), images, *numbers[:-1], numbers[-1] * channels)
        if prod(numbers):
            places = [slice(phase.remainder, None, s) for phase, s in zip(phases, how.strides, strict=True)]
            chosen = tuple([slice(phase.taps.start, phase.taps.stop, phase.taps.step) for phase in phases])
            views.append(View(start, view, (*taps, image, *steps[:-1], 1), chosen, (slice(None), *places)))
    inside = [slice(n, n + count) for n, count in zip(befores, counts, strict=True)]
    return Lines(tuple(room), [((slice(None), *inside), ())], views)


class _Phase(NamedTuple):
    """Pixels of an axis with one remainder on division by the stride, and which pixels of the windows meet these.

    In pixels of the phase: where the first of those of the first window lies, from one to the next, and how many pixels
    there are.
    """

    remainder: int
    taps: range
    first: int
    step: int
    pixels: int

    @property
    def last(self) -> int:
        return self.first + self.step * (len(self.taps) - 1)


def _phases(size: int, stride: int, dilation: int, before: int, pixels: int) -> list[_Phase]:
    """The phases that windows reach.

    >>> [(phase.remainder, phase.first, phase.taps) for phase in _phases(3, 2, 1, 1, 28)]
    [(1, -1, range(0, 3, 2)), (0, 0, range(1, 3, 2))]
    """
    every = _every(stride, dilation)
    found: list[_Phase] = []
    for i in range(min(every, size)):
        first, remainder = divmod(i * dilation - before, stride)
        taps, number = range(i, size, every), max(0, -((remainder - pixels) // stride))
        found.append(_Phase(remainder, taps, first, every * dilation // stride, number))
    return found


def _every(stride: int, dilation: int) -> int:
    """From one pixel of a window to the next with the same remainder."""
    return stride // gcd(stride, dilation)


def all_reached(how: Windows) -> bool:
    """Do the windows have a pixel for every remainder?"""
    return all(gcd(s, d) == 1 and k >= s for k, s, d in zip(*how[:3], strict=True))


def by_windows(how: Windows, x: Array, counts: Sizes) -> Pieces:
    """All windows over `x`."""
    if 0 in counts:
        return
    size, stride, dilation, before, height = *(each[0] for each in how[:3]), how.pads[0][0], x.shape[1]
    many, fit = _fits(x)
    band = counts[0] if height <= fit else max(2 * size * dilation, fit) // stride + 1
    for start in range(0, counts[0], band):
        end = min(start + band, counts[0])
        first, last = start * stride - before, (end - 1) * stride + (size - 1) * dilation + 1 - before
        pixels = slice(min(max(0, first), height), max(0, min(last, height)))
        part = how._replace(pads=((pixels.start - first, 0), *how.pads[1:]))
        for i in range(0, len(x), many):
            images = slice(i, i + many)
            yield part, (images, pixels), (images, slice(start, end))


def by_pixels(how: Windows, x: Array, counts: Sizes) -> Pieces:
    """All pixels of `x`, each once."""
    if 0 in counts:
        return
    size, stride, dilation, before, height = *(each[0] for each in how[:3]), how.pads[0][0], x.shape[1]
    many, fit = _fits(x)
    band = height if height <= fit else stride * (max(2 * size * dilation, fit) // stride + 1)
    for start in range(0, height, band):
        end = min(start + band, height)
        first = max(0, -(((size - 1) * dilation - before - start) // stride))
        last = min(counts[0], (end - 1 + before) // stride + 1)
        windows = slice(min(first, counts[0]), max(last, min(first, counts[0])))
        part = how._replace(pads=((before + start - stride * windows.start, 0), *how.pads[1:]))
        for i in range(0, len(x), many):
            images = slice(i, i + many)
            yield part, (images, slice(start, end)), (images, windows)


def _fits(x: Array) -> tuple[int, int]:
    """How many images go at a time, and how many rows of one fit."""
    fit = max(1, threads.longer(BLOCK) // max(1, x[:1, :1].nbytes))
    return max(1, fit // max(1, x.shape[1])), fit


def _strides(shape: Sizes) -> list[int]:
    """In elements."""
    return [prod(shape[i + 1 :]) for i in range(len(shape))]
