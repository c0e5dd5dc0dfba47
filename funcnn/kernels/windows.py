"""Sliding windows over the height and width of images: where they stand, and which pixels they reach."""

from __future__ import annotations

from typing import TypeAlias

Pair: TypeAlias = "tuple[int, int]"
"""For the height and for the width."""

Pads: TypeAlias = "tuple[Pair, Pair]"
"""`((top, bottom), (left, right))`: how many pixels are missing at each border."""


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
