"""The law that float64 is float64 on all of the way."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from funcnn.testing import nested
from funcnn.testing.casebook.fields import beside
from funcnn.testing.casebook.of_layers import Case
from funcnn.testing.drawing.contents import signs
from funcnn.testing.judging.derivatives import EPS, scale_of
from funcnn.testing.judging.tolerances import wiggle
from funcnn.testing.judging.verdicts import FLOAT64, Law, LawBroken, Verdict, broken

FAR: Final = 2.0**-12
NEAR: Final = 2.0**-27  # less than float32 tells apart near 1


def full_precision(case: Case) -> Verdict | None:
    """A step that float32 does not see moves the value as the pullback says, where one that it sees does, too."""
    y, pullback = case.bare_pull(case.z)
    dy = case.cotangent(y)
    gradients, rng = pullback(dy), case.generator("fine")
    d = nested.mapped(lambda a: signs(rng, a.shape) if nested.is_real(a) else np.zeros(a.shape), case.z)
    slope, terms = float(nested.dot(gradients, d)), nested.absolute_dot(gradients, d)

    def rise(step: float) -> float:
        above, below = (
            case.bare_value(nested.mapped(lambda a, v: a + t * v if nested.is_real(a) else a, case.z, d))  # noqa: B023
            for t in (step, -step)
        )
        rises = nested.mapped(lambda a, b: a - b if nested.is_real(a) else np.zeros(a.shape), above, below)
        return float(nested.dot(dy, rises))

    rounding = 4096 * EPS * scale_of(case.z, y, dy)
    with np.errstate(all="ignore"):
        far = beside(case, lambda: rise(FAR))
        if not terms or far is None or not abs(far - 2 * FAR * slope) <= 1e-2 * FAR * terms + rounding:
            return Verdict.MOOT  # there is a kink, or it is steep, or the pullback is wrong
        near = rise(NEAR)
    off = abs(near - 2 * NEAR * slope)
    if off <= 1e-2 * NEAR * terms + rounding:
        return None
    moves = wiggle(case, case.bare_value, case.z)
    if off <= rounding + float(sum(m * np.abs(w).sum() for m, w in _leafwise(moves, dy))):
        return Verdict.NONE
    raise broken(
        f"a step of {NEAR:.2g} moves <dy, y> by {near:.3g}, the pullback says {2 * NEAR * slope:.3g}, though at one of "
        f"{FAR:.2g} both agree: something on the way is rounded to float32; write .astype(x.dtype)"
    )


def of_rounding(case: Case) -> str:
    """Why differences may say something else than a pullback that is right: the end of a message, "" if it is not so.

    Far out, where a step of float32 is more than the value moves, `full_precision` says nothing, but it does elsewhere.
    """
    for one in (case, case.like(kind="normal"), case.like(kind="normal").again(1)):
        try:
            full_precision(one)
        except LawBroken:
            return "; the value is rounded to float32 on its way, so that it is a staircase: see full_precision first"
        except Exception:  # these values were not asked for
            continue
    return ""


def _leafwise(*trees: Any) -> Any:
    return zip(*([a for _, a in nested.leaves(tree)] for tree in trees), strict=True)


PRECISION_LAWS = (
    Law(
        "full_precision",
        "in float64 the value follows steps that float32 does not see: nothing on the way is rounded to float32",
        "numeric", full_precision, dtypes=FLOAT64, kinds=("normal",), large=True,
    ),
)  # fmt: skip
