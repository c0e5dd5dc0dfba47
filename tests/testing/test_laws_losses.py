"""Every loss and optimizer of the catalogue is held to every law of its kind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from funcnn.testing.trials.of_losses import loss_trials
from funcnn.testing.trials.of_optimizers import optimizer_trials
from funcnn.testing.trials.running import Trial
from funcnn.testing.trials.suites import run_in_pytest
from tests import closed_forms
from tests.catalogue import LOSSES, OPTIMIZERS, build

EXAMPLES = settings().max_examples // 5


def trials() -> Iterator[tuple[str, str, Trial]]:
    """The laws of all rows, with their claims."""
    for row in LOSSES:
        found = loss_trials(
            build(row), row.prediction,
            target=row.target, domain=row.domain, weighted=row.weighted, except_=row.except_, examples=EXAMPLES,
        )  # fmt: skip
        yield from ((row.source, name, trial) for name, trial in found.items())
    for one in OPTIMIZERS:
        steps = closed_forms.of if one.steps else None
        found = optimizer_trials(build(one), steps=steps, part=one.part, except_=one.except_, examples=EXAMPLES)
        yield from ((one.source, name, trial) for name, trial in found.items())


@pytest.mark.parametrize(
    "trial", [pytest.param(trial, id=f"{row}-{name}", marks=pytest.mark.law(name)) for row, name, trial in trials()]
)
def test_law(trial: Trial, request: pytest.FixtureRequest) -> None:
    """The law holds, or fails where the row says why."""
    run_in_pytest(trial, request)
