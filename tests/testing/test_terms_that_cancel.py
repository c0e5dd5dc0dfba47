"""Gradients of float32 whose terms cancel: nobody is accused of the rounding of these, and what cancels without need is
found.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from funcnn import InstanceNorm, Layer, LayerNorm, Loss, ShapeError, differentiable, loss
from funcnn.testing import LAWS, LOSS_LAWS, PENALTY_LAWS, Case, LawBroken, LossCase, PenaltyCase, Verdict
from funcnn.testing.judging.cancelling import rounding
from tests.testing.escapes_losses import differing
from tests.testing.faulty_layers import pointwise
from tests.testing.sixth_right_parts import of_every_leaf, scale_blind, scale_blind_slope

LAW = "float32_tracks_float64"


@pytest.mark.parametrize(("layer", "shape", "seed"), [(InstanceNorm(), (4, 2, 2), 14293), (LayerNorm(), (4, 2), 263)])
def test_behind_a_norm_of_two_numbers_that_lie_close(layer: Layer[Any, Any], shape: Any, seed: int) -> None:
    """Gradients are what is left of terms a thousand times larger."""
    assert LAWS[LAW](Case(layer, shape, dtype="float32", seed=seed)) is Verdict.HOLDS


def _on_the_sphere(x: Any) -> Any:
    length = np.sqrt(np.einsum("bd,bd->b", x, x)[:, None] + 1e-12)
    unit = x / length
    return unit, lambda d: (d - unit * np.einsum("bd,bd->b", d, unit)[:, None]) / length


def _standardized(x: Any) -> Any:
    far = x - x.mean(-1, keepdims=True)
    deviation = np.sqrt((far * far).mean(-1, keepdims=True) + 1e-5)
    unit = far / deviation
    return unit, lambda d: (d - d.mean(-1, keepdims=True) - unit * (d * unit).mean(-1, keepdims=True)) / deviation


def _of_pictures(picture: Any) -> Loss[Any, Any]:
    """Half the squared distance of the pictures of predictions and targets."""

    @loss
    def made(prediction: Any, target: Any) -> Any:
        if prediction.shape != target.shape or prediction.ndim != 2 or not prediction.size:
            raise ShapeError("these do not fit")
        (u, back), (v, back_of_target) = picture(prediction), picture(target)

        def pullback(d: Any) -> Any:
            by = d[:, None] if isinstance(d, np.ndarray) else d
            return back(by * (u - v)), back_of_target(by * (v - u))

        return ((u - v) ** 2).sum(-1) / 2, pullback

    return made


@pytest.mark.parametrize(
    ("picture", "shape", "kind"), [(_on_the_sphere, (5, 1), "small"), (_standardized, (4, 2), "large")],
)  # fmt: skip
def test_a_loss_that_does_not_see_the_scale(picture: Any, shape: Any, kind: str) -> None:
    """On a sphere of one or two points next to nothing is left, but where numbers are as small as what is added."""
    made = _of_pictures(picture)
    said = [LOSS_LAWS[LAW](LossCase(made, shape, dtype="float32", seed=seed, kind=kind)) for seed in range(600)]
    assert said.count(Verdict.HOLDS) > 580


def test_a_penalty_that_does_not_see_the_scale() -> None:
    """Of one weight nothing is left."""
    penalty = differentiable(of_every_leaf(scale_blind, scale_blind_slope))
    cases = [PenaltyCase(penalty, {"a": (1,)}, dtype="float32", seed=seed, wide=True) for seed in range(600)]
    assert [PENALTY_LAWS[LAW](case) for case in cases].count(Verdict.HOLDS) > 590


def test_what_cancels_without_need_is_found() -> None:
    """Float64 has its rounding as well, which acquits of some times what is allowed, not of more."""
    layer = pointwise(lambda x: x * 1, lambda x, dy: (dy + 1e5) - 1e5)
    with pytest.raises(LawBroken, match="x is off by"):
        LAWS[LAW](Case(layer, (3, 4), dtype="float32", seed=1))
    squares = differing(lambda y, t: (y - t) ** 2, lambda y, t: (2 * (y - t) + 1e6) - 1e6)
    with pytest.raises(LawBroken, match="the cotangent of the prediction in float32 is off by"):
        LOSS_LAWS[LAW](LossCase(squares, (3, 4), dtype="float32", seed=1))
    ridge = differentiable(of_every_leaf(lambda w: float((w * w).sum()), lambda w: (2 * w + 1e7) - 1e7))
    with pytest.raises(LawBroken, match="the gradient of w in float32 is off by"):
        PENALTY_LAWS[LAW](PenaltyCase(ridge, {"w": (3, 4)}, dtype="float32", seed=1))


def test_rounding_is_neither_slope_nor_bend() -> None:
    """Of x^2 it is some units in the last place, however steep it is; of what passes by 1e5 as much more."""
    case = Case(LayerNorm(), (2, 3))
    x = np.linspace(1.0, 900.0, 50)
    assert rounding(case, lambda a: a * a, x) < 8 * 900**2 * 2.0**-23
    assert 1e5 * 2.0**-24 < rounding(case, lambda a: (a + 1e5) - 1e5, x) < 8e5 * 2.0**-23
