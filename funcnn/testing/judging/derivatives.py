"""Is a claimed derivative true? Complex step first; differences with their own estimate of the error convict."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import numpy as np

from funcnn.testing import nested

EPS: Final = float(np.finfo(np.float64).eps)
STEP: Final = 1e-30  # a complex step has no cancellation: as small as one likes
CLOSE: Final = 1e-11  # relative to the sum of the sizes of all terms
NODES: Final = tuple(zip(*np.polynomial.legendre.leggauss(4), strict=True))  # of Gauss, and their weights
FIRST: Final = (2.0**-6, 2.0**-9, 2.0**-12)  # first steps of the ladders, one an attempt
SMALLEST: Final = 1e-4  # jump of a derivative, relative to its size, that counts
CLOSER: Final = 256  # times nearer is looked, and so many times again, before anybody is convicted
LOOKS: Final = 6
BLURRED: Final = 4096  # roundings by the longest step: what is that near cannot be told from them


class Estimate(NamedTuple):
    """A derivative from differences, and how far off it may be.

    kink   the quotients from both sides keep their distance
    flat   near the point the function is the same to the last bit
    """

    value: float
    error: float
    kink: bool = False
    flat: bool = False


class Finding(NamedTuple):
    """What the judge says of one claimed directional derivative. `outcome` None is no verdict."""

    outcome: bool | None
    claimed: float
    found: float
    error: float
    by: str

    def __str__(self) -> str:
        return f"the pullback says {self.claimed:.12g}, {self.by} {self.found:.12g} ± {self.error:.1g}"


class Line(NamedTuple):
    """A function along a line, phi(t) = <w, f(z + t d)>, and what is claimed about it.

    at       phi, of real t and, if the function is analytic, of complex t
    claimed  the derivative at 0 according to the pullback, <pullback(w), d>
    value    phi(0)
    terms    the sum of the sizes of the terms of `claimed`
    scale    phi is rounded to this times the unit in the last place, see `scale_of`
    noise    how far rounding moves `claimed`; asked before anybody is convicted
    """

    at: Callable[[Any], Any]
    claimed: float
    value: float
    terms: float
    scale: float
    noise: Callable[[], float] = lambda: 0.0


def complex_step(at: Callable[[Any], Any], value: float | None = None, room: float = 0.0) -> float:
    """The derivative at 0 of an analytic function: exact to rounding, in one evaluation.

    NaN where the function at complex numbers is not the one at real numbers: where `value`, its value at 0, is given
    and the real part is further than `room` from it.

    Source: Squire & Trapp, Using Complex Variables to Estimate Derivatives of Real Functions (1998).

    >>> complex_step(lambda t: np.sin(1 + t)) - float(np.cos(1))
    0.0
    """
    there = complex(at(1j * STEP))
    if value is not None and not abs(there.real - value) <= room:
        return float("nan")
    return there.imag / STEP


@contextmanager
def complex_numbers() -> Generator[None, None, None]:
    """Where rules meet complex numbers: their flags and warnings are noise, but one of a lost imaginary part is proof.

    Errors
        ComplexWarning   an imaginary part was thrown away, as in an array made for real numbers
    """
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", np.exceptions.ComplexWarning)
        yield


def ladder(
    at: Callable[[Any], Any], scale: float, first: float = FIRST[0], rungs: int = 5, terms: float = float("inf")
) -> Estimate:
    """The derivative at 0 from central differences with ever smaller steps, extrapolated.

    Of all entries of the table the one with the smallest estimate of its own error is taken: what its neighbours differ
    by, and what rounding does at its step. At a kink the quotients from both sides keep their distance however small
    the step is; where the function is smooth it shrinks with the step. What distance counts is relative to `scale`, or
    to the `terms` that the derivative is the sum of, where they are known to be smaller: few entries may move of many.

    Source: Ridders, Accurate computation of F'(x) and F'(x)F''(x) (1982).
    """
    middle = float(at(0.0))
    table: list[list[float]] = []
    gaps: list[float] = []
    still = 0
    best, h = Estimate(float("nan"), float("inf")), first
    for i in range(rungs):
        h = first / 4**i
        above, below = float(at(h)), float(at(-h))
        row = [(above - below) / (2 * h)]
        still = still + 1 if above == middle == below else 0
        gaps.append(abs((above - middle) - (middle - below)) / h)
        rounding = 4 * EPS * max(scale, abs(above), abs(below)) / h
        for j in range(1, i + 1):
            row.append(row[j - 1] + (row[j - 1] - table[-1][j - 1]) / (16.0**j - 1))
            error = max(abs(row[j] - row[j - 1]), abs(row[j] - table[-1][j - 1])) + rounding
            if error < best.error:
                best = Estimate(row[j], error)
        table.append(row)
    kink = gaps[-1] > 0.25 * gaps[0] + 8 * EPS * scale / h and gaps[-1] > 1e-6 * (abs(best.value) + min(scale, terms))
    return Estimate(best.value, best.error, kink, still > 1)


def judge(line: Callable[[int], Line], *, doubt: bool = False) -> Finding:
    """Is the claimed derivative true? `line(attempt)` gives the function along another line for every attempt.

    Agreement with the complex step is as good as proof: it is exact. Disagreement is none, for not every function is
    analytic: then differences decide, and convict only if two of three attempts, with ever smaller steps, disagree by
    more than ten times their own error and what rounding does to the claim, and say the same from nearby. With `doubt`
    they are heard even where the complex step agrees: a function that drops imaginary parts on one of its ways agrees
    with a pullback that has forgotten that way. So they are where both say 0.
    """
    agreed: Finding | None = None
    against = 0
    for attempt, first in enumerate(FIRST):
        at, claimed, value, terms, scale, noise = line(attempt)
        if attempt == 0:
            exact = _exactly(at, value, scale)
            if abs(exact - claimed) <= CLOSE * terms + 1e-13 * scale:
                agreed = Finding(True, claimed, exact, CLOSE * terms, "the complex step says")
                if not doubt and exact:
                    return agreed
        with np.errstate(all="ignore"):
            found = ladder(at, scale, first, terms=terms)
        if found.flat and not claimed and not terms:
            return Finding(True, 0.0, 0.0, 0.0, "differences say")
        if found.kink or not found.error <= 1e-4 * (abs(found.value) + terms):
            continue
        off, allowed = abs(claimed - found.value), 10 * found.error + 1e-9 * terms
        agrees = off <= allowed
        if not agrees and off <= allowed + 64 * noise():
            continue
        finding = Finding(agrees, claimed, found.value, found.error, "differences say")
        if not agrees and not _persists(at, claimed, found, scale, first, terms):
            continue
        against += not agrees
        if agrees or against == 2:
            return finding
    return agreed or Finding(None, float("nan"), float("nan"), float("inf"), "differences say")


def _persists(
    at: Callable[[Any], Any], claimed: float, found: Estimate, scale: float, first: float, terms: float
) -> bool:
    """Do differences say the same with steps that are far smaller, as far as rounding lets them see?

    Where there is a kink at every turn a function looks smooth from afar, with another slope, and so does one that is
    steep within a hair's breadth; from nearby it has the one that was claimed. What is wrong stays wrong.
    """
    off, near = abs(claimed - found.value), first
    for times in range(LOOKS):
        near /= CLOSER
        if times and BLURRED * EPS * scale > near * off:
            break
        with np.errstate(all="ignore"):
            closer = ladder(at, scale, near, terms=terms)
        if closer.kink or not closer.error <= 0.1 * off or not abs(closer.value - found.value) <= 0.5 * off:
            return False
    return True


def _exactly(at: Callable[[Any], Any], value: float, scale: float) -> float:
    try:
        with complex_numbers():
            return complex_step(at, value, 1e-10 * scale)
    except Exception:  # not for complex numbers
        return float("nan")


def scale_of(z: Any, y: Any, w: Any) -> float:
    """What the rounding of <w, y> is relative to: the weights times the largest number in sight, in z or in y.

    Not the size of the terms: a value that is all but zero may come from a difference of numbers near one, and then it
    is a staircase, whose differences are exact and wrong.
    """
    big = max([nested.largest(a) for _, a in nested.leaves((z, y)) if nested.is_real(a)], default=1.0)
    return big * float(sum(np.abs(a).sum(dtype=np.float64) for _, a in nested.leaves(w)))


def moved(z: Any, path: str, direction: Any, t: Any) -> Any:
    """z + t d for a direction on one leaf; other real leaves become complex where t is, all others stay.

    A rule is handed params and features of one dtype, as at the public door.
    """
    wide = isinstance(t, complex)

    def to(at: str, leaf: Any) -> Any:
        if at == path:
            return leaf + t * direction
        return leaf.astype(np.complex128) if wide and nested.is_real(leaf) else leaf

    return nested.located(to, z)


class Jump(NamedTuple):
    """The largest jump of a derivative, relative to its size, and where it is."""

    size: float
    at: float


def jump(slope: Callable[[float], float], samples: int = 24, halvings: int = 44) -> Jump:
    """The largest jump of a derivative between 0 and 1; less than `SMALLEST` where it has none that counts.

    The interval in which the derivative changes most is halved until it is as narrow as numbers allow: a change that is
    still there is a jump.
    """
    points = np.linspace(0, 1, samples + 1).tolist()
    slopes = [slope(t) for t in points]
    size = max(map(abs, slopes)) or 1.0
    steps = [abs(b - a) for a, b in zip(slopes[:-1], slopes[1:], strict=True)]
    largest = Jump(0.0, 0.0)
    for i in sorted(range(samples), key=lambda i: -steps[i])[:3]:
        low, high, at_low, at_high = points[i], points[i + 1], slopes[i], slopes[i + 1]
        for _ in range(halvings):
            middle = (low + high) / 2
            at_middle = slope(middle)
            size = max(size, abs(at_middle))  # steep is not kinked, where it is steepest between two samples
            if abs(at_middle - at_low) >= abs(at_high - at_middle):
                high, at_high = middle, at_middle
            else:
                low, at_low = middle, at_middle
            if abs(at_high - at_low) < SMALLEST * size:
                break
        largest = max(largest, Jump(abs(at_high - at_low) / size, (low + high) / 2))
    return largest


class Edge(NamedTuple):
    """The values on both sides of a place where a function jumps."""

    low: float
    high: float


def leap(value: Callable[[float], float], slope: Callable[[float], float]) -> Edge | None:
    """Where a function between 0 and 1 rises by another amount than the integral of its slope; None if it does not.

    The piece that fails is halved and halved. At a kink what is missing shrinks with the piece, at a jump it does not.
    """

    def gap(low: float, high: float, rise: float) -> float:
        half, middle = (high - low) / 2, (high + low) / 2
        return rise - half * sum(weight * slope(middle + half * node) for node, weight in NODES)

    points = np.linspace(0, 1, 17).tolist()
    values = [value(t) for t in points]
    size = max(map(abs, values)) + 1e-3
    if not np.isfinite(size):
        return None
    pieces = [
        (gap(low, high, b - a), low, high, a, b)
        for low, high, a, b in zip(points[:-1], points[1:], values[:-1], values[1:], strict=True)
    ]
    missing, low, high, a, b = max(pieces, key=lambda piece: abs(piece[0]))
    for _ in range(30):
        if not abs(missing) > 1e-7 * size:
            return None
        middle = (low + high) / 2
        there = value(middle)
        left = (gap(low, middle, there - a), low, middle, a, there)
        right = (gap(middle, high, b - there), middle, high, there, b)
        missing, low, high, a, b = max(left, right, key=lambda piece: abs(piece[0]))
    return Edge(a, b)
