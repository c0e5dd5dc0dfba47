"""Every layer and combinator of the catalogue is held to every law."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings

from funcnn.testing import Trial
from funcnn.testing.trials.of_layers import trials
from funcnn.testing.trials.suites import run_in_pytest
from tests.catalogue import COMBINATORS, LARGE, LAYERS, LayerRow, build

EXAMPLES = settings().max_examples // 5  # of a profile: there are thousands of tests here


AT_LARGE_SIZES = (  # what kernels could do wrong; the others are about layers, or find a kink near every point
    "declared_shape", "dtype_kept", "pure", "value_of_rule", "cotangent_kept", "fresh_gradients", "linear_pullback",
    "additive_pullback", "float32_tracks_float64", "independent_rows", "layout_blind", "finite", "true_pullback",
    "analytic",
)  # fmt: skip


def trials_of(row: LayerRow, examples: int, only: tuple[str, ...]) -> dict[str, Trial]:
    """The laws of a row, with its claims."""
    return trials(
        build(row), row.shape,
        kinks=row.kinks, mixes_batch=row.mixes_batch, linear=row.linear, analytic=True, tokens=row.tokens,
        domain=row.domain, also=row.also, except_=row.except_, examples=examples, only=only,
    )  # fmt: skip


def parameters(rows: tuple[LayerRow, ...], examples: int, only: tuple[str, ...] = ()) -> list[Any]:
    """Every law of every row."""
    return [
        pytest.param(trial, id=f"{row.source}-{name}", marks=pytest.mark.law(name))
        for row in rows
        for name, trial in trials_of(row, examples, only).items()
    ]


@pytest.mark.parametrize("trial", parameters((*LAYERS, *COMBINATORS), EXAMPLES))
def test_law(trial: Trial, request: pytest.FixtureRequest) -> None:
    """The law holds for the layer, or fails where the row says why."""
    run_in_pytest(trial, request)


@pytest.mark.parametrize("trial", parameters(LARGE, 2, AT_LARGE_SIZES))
def test_law_at_large_sizes(trial: Trial, request: pytest.FixtureRequest) -> None:
    """So it does at sizes where kernels do their work otherwise."""
    run_in_pytest(trial, request)
