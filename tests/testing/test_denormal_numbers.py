"""Losses and penalties whose gradients come by denormal numbers: what scaling loses of these accuses nobody."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from funcnn import ShapeError, differentiable, loss, mixture_nll
from funcnn.testing import LOSS_LAWS, PENALTY_LAWS, LawBroken, LossCase, PenaltyCase, Verdict

LAW = "linear_pullback"


def _numbers(rng: np.random.Generator, shape: Any, dtype: Any) -> Any:
    return rng.standard_normal(shape[1][:1] + shape[1][2:]).astype(dtype)


def test_weights_of_a_mixture() -> None:
    """Components that are far away have weights of 1e-40."""
    for seed in range(400):
        case = LossCase(mixture_nll, ((4, 2), (4, 2, 5), (4, 2, 5)), target=_numbers, dtype="float32", seed=seed,
                        weighted=True, domain=(-6, 6))  # fmt: skip
        assert LOSS_LAWS[LAW](case) is Verdict.HOLDS


def test_a_bell() -> None:
    """Its slope far out is 1e-40, and loses bits where it is doubled, or divided by a million."""

    def rule(params: Any) -> Any:
        w = params.at("w")
        bell = np.exp(-w * w)
        return float(bell.sum()), lambda d: ({"w": d * bell * (-2 * w)},)

    for seed in range(400):
        case = PenaltyCase(differentiable(rule), {"w": (3, 4)}, dtype="float32", seed=seed, wide=True)
        assert PENALTY_LAWS[LAW](case) is Verdict.HOLDS


@loss
def crooked(prediction: Any, target: Any) -> Any:
    """Squares, whose pullback is a millionth more of what is twice as large."""
    if prediction.shape != target.shape or not prediction.size:
        raise ShapeError("these do not fit")
    e = prediction - target

    def pullback(d: Any) -> Any:
        slope = 2 * d * (1 + 1e-6 * float(np.max(d))) * e
        return slope, -slope

    return e * e, pullback


def test_a_pullback_that_is_not_linear_is_found() -> None:
    """By a millionth, where nothing is denormal; of penalties, too."""
    with pytest.raises(LawBroken, match=r"pullback\(2\) is not 2 pullback\(1\): prediction"):
        LOSS_LAWS[LAW](LossCase(crooked, (3, 4), seed=1))

    def rule(params: Any) -> Any:
        return float((params.at("w") ** 2).sum()), lambda d: ({"w": 2 * d * (1 + 1e-6 * d) * params.at("w")},)

    with pytest.raises(LawBroken, match=r"pullback\(2\) is not 2 pullback\(1\): w"):
        PENALTY_LAWS[LAW](PenaltyCase(differentiable(rule), {"w": (3, 4)}, seed=1))
