"""Metrics, schedules, initializers and penalties of the catalogue are held to the laws of their kinds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import settings

import funcnn
from funcnn.testing import Trial
from funcnn.testing.trials.of_parts import (
    initializer_trials,
    metric_trials,
    penalty_trials,
    schedule_trials,
)
from funcnn.testing.trials.suites import run_in_pytest
from tests.catalogue import INITIALIZERS, METRICS, NAMESPACE, PENALTIES, SCHEDULES, PartRow

EXAMPLES = settings().max_examples // 5
TABLES: dict[str, tuple[tuple[PartRow, ...], Callable[..., dict[str, Trial]]]] = {
    "metric": (METRICS, metric_trials),
    "schedule": (SCHEDULES, schedule_trials),
    "initializer": (INITIALIZERS, initializer_trials),
    "penalty": (PENALTIES, penalty_trials),
}


def made(row: PartRow) -> Any:
    """The part of a row."""
    return eval(row.source, dict(NAMESPACE) | {"truncated_normal": funcnn.initializers.truncated_normal})


def trials() -> Iterator[tuple[str, str, Trial]]:
    """The laws of all rows."""
    for kind, (rows, tried) in TABLES.items():
        for row in rows:
            shape = {"shape": row.shape} if kind == "metric" else {}
            for name, trial in tried(made(row), **shape, **row.options, options={"examples": EXAMPLES}).items():
                yield row.source, name, trial


@pytest.mark.parametrize(
    "trial", [pytest.param(trial, id=f"{row}-{name}", marks=pytest.mark.law(name)) for row, name, trial in trials()]
)
def test_law(trial: Trial, request: pytest.FixtureRequest) -> None:
    """The law holds."""
    run_in_pytest(trial, request)
