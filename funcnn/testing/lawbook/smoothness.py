"""The law that neither a value nor its derivative jumps, where a layer says that it has no kinks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from funcnn.testing import nested
from funcnn.testing.casebook.fields import beside
from funcnn.testing.casebook.of_layers import Case
from funcnn.testing.drawing.contents import signs
from funcnn.testing.judging.derivatives import SMALLEST, Finding, jump, ladder, leap, scale_of
from funcnn.testing.judging.verdicts import FLOAT64, Law, Verdict, broken

APART: Final = (2.0**-20, 2.0**-44)  # how far away a value is looked for beside a point
ALONE: Final = 1e-4  # of its size that a value is off there
FAR: Final = (6, 60, 600)  # how far lines go that look for kinks, one a case


def _smooth(case: Case) -> Verdict | None:
    """The derivative along a segment through the inputs has no jump."""
    z = case.z
    y, _ = case.bare_pull(z)
    if case.kind == "ties":
        return _is_between(case, y)
    dy = case.cotangent(y)
    if case.domain is None:
        d = _direction(case)
        far = FAR[case.seed % len(FAR)]
        start, end = (
            nested.mapped(lambda a, v: a + reach * v if nested.is_real(a) else a, case.x, d)  # noqa: B023
            for reach in (-far, far)
        )  # masks stay booleans
    else:
        far, start, end = 0, case.again(1).x, case.again(2).x
    way = nested.mapped(lambda a, b: b - a if nested.is_real(a) else 0 * a, start, end)
    if not any(nested.largest(v) for _, v in nested.leaves(way)):
        return Verdict.MOOT

    def there(t: float) -> Any:
        return {**z, "x": nested.mapped(lambda a, v: a + t * v if nested.is_real(a) else a, start, way)}

    def slope(t: float) -> float:
        return float(nested.dot(case.bare_pull(there(t))[1](dy)["x"], way))

    def value(t: float) -> float:
        return float(nested.dot(dy, case.bare_value(there(t))))

    with np.errstate(all="ignore"):
        found = beside(case, lambda: jump(slope))
        if found is None or not np.isfinite(found.size):
            return Verdict.MOOT  # it overflows on the way, or leaves the domain
        if found.size <= SMALLEST:
            if case.domain is None and far == FAR[0] and (edge := leap(value, slope)):
                raise broken(f"the value jumps along a line, from {edge.low:.9g} to {edge.high:.9g}: say kinks=True")
            return None
        scale = scale_of({"z": z, "start": start, "end": end}, y, dy)
        off = _untrue_beside(found.at, value, slope, scale)
    jumps = f"the pullback by x jumps by {found.size:.2g} of its size along a line"
    if off is None:
        raise broken(f"{jumps}: say kinks=True")
    raise broken(f"{jumps}, but beside the jump it is not the derivative: {off}; first mend what true_pullback finds")


def _direction(case: Case) -> Any:
    """Of every input another one."""
    rng = case.generator("line")
    return nested.mapped(lambda a: signs(rng, a.shape) if nested.is_real(a) else 0, case.x)


def _is_between(case: Case, y: Any) -> Verdict | None:
    """Where entries are whole numbers, and tied, the value is what it is on both sides: it stands alone nowhere."""
    if case.domain is not None or not nested.all_finite(y):
        return Verdict.MOOT
    d = _direction(case)

    def value(t: float) -> Any:
        x = nested.mapped(lambda a, v: a + t * v if nested.is_real(a) else a, case.x, d)
        return case.bare_value({**case.z, "x": x})

    def apart(low: Any, high: Any, middle: Any) -> Any:
        if not nested.is_real(middle):
            return np.zeros(())
        return np.abs(middle - (low + high) / 2) / (1 + np.abs(low) + np.abs(high))

    def off(step: float) -> Any:
        return nested.mapped(apart, value(-step), value(step), y)

    with np.errstate(all="ignore"):
        alone = nested.mapped(lambda a, b: np.fmin(a, b), *map(off, APART))
    by = max([nested.largest(a) for _, a in nested.leaves(alone)], default=0.0)
    if by > ALONE:
        raise broken(
            f"the value at a point of whole numbers is none of those beside it, be they {APART[1]:.1g} away: it is off "
            f"by {by:.3g} of their size; mend it, or say kinks=True"
        )
    return None


def _untrue_beside(
    place: float, value: Callable[[float], float], slope: Callable[[float], float], scale: float
) -> Finding | None:
    """What differences say against a slope a little before or behind a place; None where they agree or say nothing."""
    for away in (2.0**-5, 2.0**-7, 2.0**-9):
        for t in (place - away, place + away):
            found, claimed = ladder(lambda h: value(t + h), scale, away / 4), slope(t)  # noqa: B023
            sure = not found.kink and found.error <= 1e-4 * (abs(found.value) + abs(claimed))
            if sure and abs(found.value - claimed) > 1e-3 * (abs(found.value) + abs(claimed)):
                return Finding(False, claimed, found.value, found.error, "differences say")
    return None


SMOOTHNESS_LAWS = (
    Law(
        "smooth",
        "neither the value nor the derivative by the input has a jump (where kinks are not declared)",
        "numeric", _smooth, dtypes=FLOAT64, kinds=("normal", "mixed"), wants="smooth", rare=("ties",),
    ),
)  # fmt: skip
