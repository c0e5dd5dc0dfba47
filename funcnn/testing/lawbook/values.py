"""Laws about values: what a plain formula says, and what the pullback adds up to along a line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from funcnn.testing import nested
from funcnn.testing.casebook.of_layers import Case
from funcnn.testing.casebook.of_losses import LossCase
from funcnn.testing.drawing.contents import KINDS
from funcnn.testing.judging.derivatives import leap
from funcnn.testing.judging.tolerances import compare, floor, shaken, wiggle
from funcnn.testing.judging.verdicts import Law, Verdict, broken

FAR: Final = (4, 4, 60)  # times as far as another prediction lines go that look for jumps, one a case


def plain_value(formula: Callable[[Any, Any], Any]) -> Law[Case]:
    """The law that the value is that of a plain formula, `formula(params, x) -> y`, of dicts and arrays in float64."""

    def check(case: Case) -> Verdict | None:
        with np.errstate(all="ignore"):
            try:
                y = case.layer.apply(case.params, case.x)
            except np.linalg.LinAlgError:
                if case.kind == "heavy":  # a matrix is no longer what it was
                    return Verdict.MOOT
                raise
            wanted = formula(nested.mapped(_wide, case.params), nested.mapped(_wide, case.x))
            if not nested.all_finite(y):
                return Verdict.MOOT
            unit = float(np.finfo(case.dtype).eps)
            moves = wiggle(case, formula, *(nested.mapped(_wide, case.z)[name] for name in ("params", "x")), unit=unit)
            allowed = nested.mapped(lambda a, b: a + b, moves, floor(case, y, y)["y"])
            compare({"y": nested.mapped(_wide, y)}, {"y": wanted}, {"y": allowed}, "the plain formula says otherwise")
        return None

    statement = "the value is that of the plain formula"
    return Law(
        "plain_value", statement, "numeric", check, kinds=(*KINDS, "ties"), passes="inference",
        made_by=(plain_value, formula), large=True, rare=("wide", "heavy", "negative", "edges"),
    )  # fmt: skip


def _wide(a: Any) -> Any:
    return a.astype(np.float64) if nested.is_real(a) else a


def plain_loss(formula: Callable[[Any, Any], Any]) -> Law[LossCase]:
    """The law that a loss is a plain formula, `formula(prediction, target)`: its terms, or their mean, a number."""

    def check(case: LossCase) -> None:
        plain = case.like(weighted=False)
        z = nested.mapped(_wide, plain.z)
        with np.errstate(all="ignore"):
            wanted = np.asarray(formula(z["prediction"], z["target"]))
            got = np.asarray(plain.value(reduce="none" if wanted.ndim else "mean"))
            if got.shape != wanted.shape:
                raise broken(f"the terms have shape {got.shape}, those of the plain formula {wanted.shape}")
            unit, rng = float(np.finfo(case.dtype).eps), case.generator("wiggle")
            moves = np.zeros(wanted.shape)
            for _ in range(3):
                there = formula(nested.mapped(lambda a: shaken(rng, a, unit), z["prediction"]), z["target"])
                moves = np.fmax(moves, np.abs(there - wanted))
        reach = max([1.0, *(nested.largest(a) for _, a in nested.leaves(z) if nested.is_real(a))])
        off, allowed = np.abs(got - wanted), 256 * moves + 64 * unit * (np.abs(wanted) + reach)
        if (off > allowed).any():
            at = np.unravel_index(int(np.argmax(off - allowed)), off.shape)
            raise broken(f"the loss is {got[at]:.12g}, the plain formula says {wanted[at]:.12g}")

    statement = "the loss is that of the plain formula"
    rare = ("wide", "ties", "negative", "edges")
    return Law("plain_value", statement, "exact", check, made_by=(plain_loss, formula), large=True, rare=rare)


def _adds_up(case: LossCase) -> Verdict | None:
    """The value between two predictions rises by the integral of the slope: a piece that fails is halved and halved."""
    if case.seed % 2 or not all(nested.is_real(a) for _, a in nested.leaves(case.prediction)):
        return Verdict.MOOT
    start, end = case.prediction, case.again(1).prediction
    far = FAR[case.seed // 2 % len(FAR)] if case.domain is None else 1
    way = nested.mapped(lambda a, b: far * (b - a), start, end)

    def at(t: float) -> dict[str, Any]:
        return {**case.z, "prediction": nested.mapped(lambda a, v: a + t * v, start, way)}

    def value(t: float) -> float:
        return float(case.bare(at(t))[0])

    def slope(t: float) -> float:
        return float(nested.dot(case.bare(at(t))[1](1.0)["prediction"], way))

    edge = leap(value, slope)
    if edge is None:
        return None
    raise broken(
        f"along a line the value goes from {edge.low:.9g} to {edge.high:.9g} within a hair, and the pullback knows "
        f"nothing of that: it jumps"
    )


ADDS_UP = Law(
    "adds_up", "the loss has no jumps: between two predictions it rises by the integral of its derivative",
    "numeric", _adds_up, dtypes=("float64",), kinds=("normal", "separated"), shrinks=False,
)  # fmt: skip
