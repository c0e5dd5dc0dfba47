"""L-BFGS: steps along directions in which the curvature of the last steps is divided out."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from funcnn.minimizing.line_search import Point, strong_wolfe

Vector: TypeAlias = npt.NDArray[np.float64]
Reason: TypeAlias = Literal["gradient", "steps", "progress", "finite"]
"""Why a search stopped: the gradient is small enough; so many steps have been made; no lower value was found; none that
is finite was."""

STALLED: Final = 50
"""Steps in a row that may leave the value as it is, but for rounding, and the gradient no smaller than it has been."""


class Found(NamedTuple):
    """Where a search has stopped, and why."""

    x: Vector
    value: float
    gradient: Vector
    steps: int
    evaluations: int
    reason: Reason


class Pair(NamedTuple):
    """A step, and by how much it changed the gradient; one over their product."""

    s: Vector
    y: Vector
    rho: float


def lbfgs(
    fun: Callable[[Vector], tuple[float, Vector]],
    rounded: Callable[[Vector], Vector],
    start: tuple[Vector, float, Vector],
    *,
    steps: int,
    tolerance: float,
    memory: int,
    precision: float,
) -> Found:
    """Algorithm 7.5 of Nocedal & Wright, from a vector with its value and gradient. `rounded` gives the vector that
    `fun` sees, `precision` is that of its values.

    >>> from funcnn.minimizing.lbfgs import lbfgs
    >>> def fun(x):
    ...     return float(((x - 3) ** 2).sum()), 2 * (x - 3)
    >>> start = np.zeros(2), *fun(np.zeros(2))
    >>> found = lbfgs(fun, lambda x: x, start, steps=9, tolerance=1e-9, memory=5, precision=1e-16)
    >>> found.x, found.reason
    (array([3., 3.]), 'gradient')
    """
    x, value, gradient = start
    evaluations = 1
    pairs: deque[Pair] = deque(maxlen=memory)
    stalled, smallest = 0, size(gradient)
    for step in range(steps):
        if size(gradient) <= tolerance:
            return Found(x, value, gradient, step, evaluations, "gradient")
        if stalled >= STALLED:
            return Found(x, value, gradient, step, evaluations, "progress")
        at = x
        tried: dict[float, tuple[Vector, float, Vector]] = {}
        finite = False

        def line(a: float, at: Vector = at, tried: Any = tried) -> Point:
            nonlocal evaluations, finite
            evaluations += 1
            with np.errstate(over="ignore", invalid="ignore"):
                there = rounded(at + a * direction)  # noqa: B023  (the search ends before it changes)
            if not np.isfinite(there).all():
                return Point(a, math.inf, math.inf)
            v, g = fun(there)
            if not (math.isfinite(v) and np.isfinite(g).all()):
                return Point(a, math.inf, math.inf)
            finite = True
            tried[a] = there, v, g
            return Point(a, v, float(g @ direction))  # noqa: B023

        point: Point | None = None
        for _ in range(2):  # a direction that leads nowhere is forgotten, and the gradient tried once
            direction = _direction(gradient, pairs)
            slope = float(gradient @ direction)
            if math.isfinite(slope) and slope < 0:
                first = 1.0 if pairs else min(1.0, 1.0 / float(np.abs(gradient).sum()))
                point = strong_wolfe(line, Point(0.0, value, slope), first, 4 * precision * abs(value))
            if point or not pairs:
                break
            pairs.clear()
        if point is None:
            return Found(x, value, gradient, step, evaluations, "progress" if finite else "finite")
        x, lower, new = tried[point.at]
        s, y = x - at, new - gradient
        curvature = float(s @ y)
        if curvature > np.finfo(np.float64).eps * float(y @ y):  # else the approximation would not be positive
            pairs.append(Pair(s, y, 1 / curvature))
        better = value - lower > 4 * precision * abs(value) or size(new) < smallest
        stalled, smallest = 0 if better else stalled + 1, min(smallest, size(new))
        value, gradient = lower, new
    reason: Reason = "gradient" if size(gradient) <= tolerance else "steps"
    return Found(x, value, gradient, steps, evaluations, reason)


def _direction(gradient: Vector, pairs: deque[Pair]) -> Vector:
    """Minus the inverse of the approximate Hessian times the gradient: the two loops of algorithm 7.4."""
    q = -gradient
    if not pairs:
        return q
    shares: list[float] = []
    for s, y, rho in reversed(pairs):
        shares.append(rho * float(s @ q))
        q = q - shares[-1] * y
    s, y, rho = pairs[-1]
    q = q / (rho * float(y @ y))
    for (s, y, rho), share in zip(pairs, reversed(shares), strict=True):
        q = q + (share - rho * float(y @ q)) * s
    return q


def size(gradient: Vector) -> float:
    """The largest entry."""
    return float(np.abs(gradient).max(initial=0.0))
