"""Every layer and combinator of the catalogue is held to every law."""

from __future__ import annotations

import pytest
from catalogue import COMBINATORS, LAYERS, LayerRow, build
from hypothesis import settings

from funcnn.testing import Trial
from funcnn.testing.suites import run_in_pytest, trials

EXAMPLES = settings().max_examples // 5  # of a profile: there are thousands of tests here


def trials_of(row: LayerRow) -> dict[str, Trial]:
    """The laws of a row, with its claims."""
    return trials(
        build(row), row.shape,
        kinks=row.kinks, mixes_batch=row.mixes_batch, linear=row.linear, analytic=True, tokens=row.tokens,
        domain=row.domain, also=row.also, except_=row.except_, examples=EXAMPLES,
    )  # fmt: skip


@pytest.mark.parametrize(
    "trial",
    [
        pytest.param(trial, id=f"{row.source}-{name}", marks=pytest.mark.law(name))
        for row in (*LAYERS, *COMBINATORS)
        for name, trial in trials_of(row).items()
    ],
)
def test_law(trial: Trial, request: pytest.FixtureRequest) -> None:
    """The law holds for the layer, or fails where the row says why."""
    run_in_pytest(trial, request)
