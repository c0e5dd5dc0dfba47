"""The law that a layer gives in float32 what it gives in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from funcnn.testing import nested
from funcnn.testing.casebook.of_layers import Case
from funcnn.testing.judging.cancelling import SINGLE, excused, promoted, rounding
from funcnn.testing.judging.tolerances import compare, floor, plus, wiggle
from funcnn.testing.judging.verdicts import LawBroken, Verdict

FAR_OUT: Final = ("offset", "wide")


def float32_tracks_float64(case: Case) -> Verdict | None:
    """Value and gradients, up to rounding: of what goes in, and of terms that cancel."""

    def both(z: Any, dy: Any) -> Any:
        y, pullback = case.pull(z["params"], z["x"])
        return {"y": y, **pullback(dy)}

    if case.kind in FAR_OUT:  # so far out a layer may overflow, which is for the law about finite values to say
        with np.errstate(all="ignore"):
            return _same_in_both(case, both)
    return _same_in_both(case, both)


def _same_in_both(case: Case, both: Callable[[Any, Any], Any]) -> Verdict | None:
    y, _ = case.pull()
    dy = case.cotangent(y)
    low = both(case.z, dy)
    high_z, high_dy = promoted(case.z), promoted(dy)
    high = both(high_z, high_dy)
    if case.kind in FAR_OUT and not nested.all_finite(low):
        return Verdict.MOOT
    allowed = plus(wiggle(case, both, high_z, high_dy, unit=SINGLE), floor(case, y, dy, SINGLE))
    if case.kind == "offset":  # sums of gradients cancel so far out, and nothing at hand says how large their terms are
        low, high, allowed = {"y": low["y"]}, {"y": high["y"]}, {"y": allowed["y"]}
    said = "float32 strays from float64"
    try:
        compare(promoted(low), high, allowed, said)
    except LawBroken:
        more = excused(high, allowed, rounding(case, both, high_z, high_dy), values="y")
        if case.kind == "wide":  # where large numbers meet large ones, and cancel, as in attention
            far = max([1.0, *(nested.largest(a) for _, a in nested.leaves(case.x) if nested.is_real(a))])
            floors = floor(case, y, dy, SINGLE)
            for part in more.keys() - {"y"}:
                more[part] = plus(more[part], nested.mapped(lambda t: far * t, floors[part]))
        compare(promoted(low), high, plus(allowed, more), said)
    return None
