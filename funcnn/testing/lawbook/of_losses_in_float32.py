"""The law that a loss gives in float32 what it gives in float64."""

from __future__ import annotations

from typing import Any

import numpy as np

from funcnn.testing import nested
from funcnn.testing.casebook.of_losses import LossCase
from funcnn.testing.judging.cancelling import SINGLE, promoted, tracked
from funcnn.testing.judging.verdicts import Verdict


def float32_tracks_float64(case: LossCase) -> Verdict | None:
    """Value and cotangents, up to rounding: of predictions, of numbers as large as any, of terms that cancel."""
    with np.errstate(all="ignore"):  # far out float32 may overflow, which is for the law about finite values to say
        return _same_in_both(case)


def _same_in_both(case: LossCase) -> Verdict | None:
    high = promoted(case.z)
    reach = max(1.0, *(nested.largest(a) for _, a in nested.leaves(high) if nested.is_real(a)))
    units = SINGLE * max(256, 8 * reach)  # what is large in an exponent, its rounding moves the power by as much

    def both(z: Any) -> Any:
        value, pullback = case.pull(z)
        return {"value": np.asarray(value), "gradients": pullback(1.0)}

    def of_prediction(prediction: Any) -> Any:
        return both({**high, "prediction": prediction})

    def floor(path: str, b: Any) -> float:
        return units * (nested.largest(b) + (reach if path == "value" else 1 / max(b.size, 1)))

    def spoken(path: str) -> str:
        return "loss" if path == "value" else f"cotangent of the {path.removeprefix('gradients/')}"

    low = both(case.z)
    if case.kind == "wide" and not nested.all_finite(low):
        return Verdict.MOOT
    tracked(case, of_prediction, low, high["prediction"], floor, spoken)
    return None
