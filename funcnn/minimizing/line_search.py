"""How far to go along a direction: a search for steps that satisfy the strong Wolfe conditions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, NamedTuple

DECREASE: Final = 1e-4
"""The share of the decrease that the slope at the start promises, which a step must give."""
FLATTER: Final = 0.9
"""The share of the slope at the start that may be left."""
MOST: Final = 40
"""Evaluations of one search: enough to halve an interval down to rounding."""


class Point(NamedTuple):
    """The value and the slope so far along the line."""

    at: float
    value: float
    slope: float


def strong_wolfe(line: Callable[[float], Point], start: Point, first: float, rounding: float) -> Point | None:
    """A point where the value has fallen enough and the slope is flat enough, or None if none is found.

    `line(a)` evaluates, `start` is the point at 0, whose slope is negative, `first` where to look first. Values that
    differ by `rounding` or less count as equal: near a minimum slopes still tell where it is when values no longer do.
    A value that is not finite counts as too high.
    """

    def low_enough(point: Point) -> bool:
        return point.value <= start.value + DECREASE * point.at * start.slope + rounding

    def flat_enough(point: Point) -> bool:
        return abs(point.slope) <= -FLATTER * start.slope

    before, a = start, first
    left = MOST
    while left:  # until a minimum lies between two points
        left -= 1
        point = line(a)
        if not low_enough(point) or (before is not start and point.value > before.value + rounding):
            low, high = before, point
            break
        if flat_enough(point):
            return point
        if point.slope >= 0:
            low, high = point, before
            break
        before, a = point, 2 * a
    else:
        return None
    while left:  # `low` is the lowest of those low enough, and its slope points to `high`
        left -= 1
        point = line(_between(low, high))
        if not low_enough(point) or point.value > low.value + rounding:
            high = point
        else:
            if flat_enough(point):
                return point
            if point.slope * (high.at - low.at) >= 0:
                high = low
            low = point
        if abs(high.at - low.at) <= 1e-15 * max(abs(high.at), abs(low.at)):
            break
    return low if low.at and low.value < start.value else None


def _between(low: Point, high: Point) -> float:
    """Where the cubic through both has its minimum, if that is well inside; else the middle."""
    middle, width = (low.at + high.at) / 2, high.at - low.at
    if not (math.isfinite(high.value) and math.isfinite(high.slope)):
        return middle
    d1 = low.slope + high.slope - 3 * (low.value - high.value) / (low.at - high.at)
    square = d1 * d1 - low.slope * high.slope
    if not 0 <= square < math.inf:
        return middle
    d2 = math.copysign(math.sqrt(square), width)
    bottom = high.slope - low.slope + 2 * d2
    if not bottom:
        return middle
    found = high.at - width * (high.slope + d2 - d1) / bottom
    least, most = sorted((low.at + 0.1 * width, high.at - 0.1 * width))
    return found if least <= found <= most else middle
