"""The law that a layer gives in float32 what it gives in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from funcnn.testing import nested
from funcnn.testing.casebook.of_layers import Case
from funcnn.testing.judging.tolerances import compare, floor, plus, wiggle
from funcnn.testing.judging.verdicts import LawBroken, Verdict

FAR_OUT: Final = ("offset", "wide")
_COARSER: Final = float(np.finfo(np.float32).eps / np.finfo(np.float64).eps) / 8


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
    high_z, high_dy = _promoted(case.z), _promoted(dy)
    unit = float(np.finfo(np.float32).eps)
    high = both(high_z, high_dy)
    if case.kind in FAR_OUT and not nested.all_finite(low):
        return Verdict.MOOT
    allowed = plus(wiggle(case, both, high_z, high_dy, unit=unit), floor(case, y, dy, unit))
    if case.kind == "offset":  # sums of gradients cancel so far out, and nothing at hand says how large their terms are
        low, high, allowed = {"y": low["y"]}, {"y": high["y"]}, {"y": allowed["y"]}
    said = "float32 strays from float64"
    try:
        compare(_promoted(low), high, allowed, said)
    except LawBroken:
        noise = wiggle(case, both, *_in_full(case, high_z, high_dy), unit=float(np.finfo(np.float64).eps))
        more = {part: _of_nothing(high[part], noise[part]) for part in high}
        gradients = [part for part in high if part != "y"]
        for part in gradients:
            more[part] = plus(more[part], _of_terms(allowed[part], noise[part]))
        if case.kind == "wide":  # where large numbers meet large ones, and cancel, as in attention
            far = max([1.0, *(nested.largest(a) for _, a in nested.leaves(case.x) if nested.is_real(a))])
            floors = floor(case, y, dy, unit)
            for part in gradients:
                more[part] = plus(more[part], nested.mapped(lambda t: far * t, floors[part]))
        compare(_promoted(low), high, plus(allowed, more), said)
    return None


def _of_nothing(high: Any, noise: Any) -> Any:
    """How far float32 may be off where float64 has rounding alone: what should be 0, as the gradient of a bias is in
    front of a norm of the batch, has terms as large as in float64, and their rounding is as much coarser as the unit.
    """
    return nested.mapped(lambda a, n: n * _COARSER if nested.largest(a) <= n else 0.0, high, noise)


def _of_terms(allowed: Any, noise: Any) -> Any:
    """How much further off gradients may be whose terms cancel, as behind a norm of two numbers that lie close: nothing
    outside tells how large they are, but float64 rounds them too. A few times what is allowed, or stable is unstable.
    """
    return nested.mapped(lambda a, n: min(n * _COARSER, 7 * a), allowed, noise)


def _in_full(case: Case, *trees: Any) -> list[Any]:
    """Numbers of float32 with all digits of float64: what has few digits, float64 often does not round at all."""
    rng = case.generator("digits")

    def full(a: Any) -> Any:
        return a * (1 + 1e-10 * rng.random(a.shape)) if nested.is_real(a) else a

    return [nested.mapped(full, tree) for tree in trees]


def _promoted(tree: Any) -> Any:
    return nested.mapped(lambda a: a.astype(np.float64) if nested.is_real(a) else a, tree)
