"""Schedules against the numbers of optax 0.2 and `jax.example_libraries.optimizers`, recorded in float64."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from typing import Any

import pytest

from funcnn import Schedule, schedules, sgd
from funcnn.schedules import (
    cyclic,
    inverse_time_decay,
    join,
    linear,
    one_cycle,
    piecewise_constant,
    polynomial_decay,
    warmup_cosine,
    warmup_linear,
)

STEPS = (0, 3, 7, 12, 20, 31, 40)
RECORDED: dict[str, list[float]] = {
    "inverse_time_decay(0.5, 8, 2.0)": [
        0.5, 0.2857142857142857, 0.18181818181818182, 0.125, 0.08333333333333333, 0.05714285714285714, 0.045454545454545456,
    ],
    "inverse_time_decay(0.5, 8, 2.0, staircase=True)": [
        0.5, 0.5, 0.5, 0.16666666666666666, 0.1, 0.07142857142857142, 0.045454545454545456,
    ],
    "polynomial_decay(0.5, 20, 0.1, power=3.0)": [0.5, 0.34565, 0.20985, 0.1256, 0.1, 0.1, 0.1],
    "linear(0.1, 0.5, 20)": [0.1, 0.16, 0.24, 0.34, 0.5, 0.5, 0.5],
    "piecewise_constant(0.5, {7: 0.5, 20: 0.1})": [0.5, 0.5, 0.25, 0.25, 0.025, 0.025, 0.025],
    "join([0.25, polynomial_decay(0.5, 20, 0.1, power=3.0)], [12])": [0.25, 0.25, 0.25, 0.5, 0.1864, 0.10005, 0.1],
    "one_cycle(0.5, 40)": [
        0.02, 0.09029437251522865, 0.322116570824605, 0.5, 0.40587282697488153, 0.1169935129032424, 2e-06,
    ],
}  # fmt: skip
OTHERS = ("warmup_linear(0.1, 4, 14)", "warmup_cosine(0.1, 4, 14, final=0.01)", "cyclic(0.1, 0.5, 3, mode='halving')")


def made(source: str) -> Schedule:
    """The schedule of a source."""
    found: Schedule = eval(source, {name: getattr(schedules, name) for name in schedules.__all__})
    return found


@pytest.mark.parametrize("source", RECORDED)
def test_rates_are_those_of_the_peer(source: str) -> None:
    """At the start, on the way, at the turns, and after the end."""
    assert [made(source)(step) for step in STEPS] == pytest.approx(RECORDED[source], rel=1e-12)


@pytest.mark.parametrize("source", [*RECORDED, *OTHERS])
def test_schedules_are_values(source: str) -> None:
    """They print as source, compare, pickle, give Python's floats, and go where a rate goes."""
    schedule = made(source)
    assert made(repr(schedule)) == schedule == pickle.loads(pickle.dumps(schedule))
    assert {type(schedule(step)) for step in range(50)} == {float}
    assert repr(sgd(schedule)) == f"sgd({schedule!r})"


def test_cycles_by_hand() -> None:
    """Up and down for ever; half as high each time, where that is asked for."""
    rates = [cyclic(1.0, 5.0, 2)(step) for step in range(9)]
    assert rates == [1, 3, 5, 3, 1, 3, 5, 3, 1]
    assert [cyclic(1.0, 5.0, 2, mode="halving")(step) for step in range(9)] == [1, 3, 5, 3, 1, 2, 3, 2, 1]


def test_warmups_by_hand() -> None:
    """Four steps up, four down."""
    assert [warmup_linear(1.0, 4, 8)(step) for step in range(10)] == pytest.approx(
        [0.2, 0.4, 0.6, 0.8, 1.0, 0.75, 0.5, 0.25, 0.0, 0.0]
    )
    assert [warmup_cosine(1.0, 4, 8)(step) for step in (4, 6, 8)] == pytest.approx([1.0, 0.5, 0.0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: inverse_time_decay(0.1, 0, 1.0), "inverse_time_decay: decay_steps must be an integer of at least 1"),
        (lambda: polynomial_decay(0.1, 5, 0.2), "polynomial_decay: final must be in [0, rate], got 0.2"),
        (lambda: linear(0.0, 0.0, 3), "linear: rates must be finite, not negative, and not both zero"),
        (lambda: piecewise_constant(0.1, {0: 0.5}), "piecewise_constant: a step must be an integer of at least 1, got 0"),
        (lambda: join([0.1, 0.2], []), "join takes 2 schedules with 1 boundaries that rise, got []"),
        (lambda: join([0.1, 0.2, 0.3], [5, 5]), "join takes 3 schedules with 2 boundaries that rise"),
        (lambda: warmup_linear(0.1, 5, 5), "warmup_linear: steps counts the warmup too, and must be above 5, got 5"),
        (lambda: warmup_cosine(0.1, 5, 9, final=1.0), "warmup_cosine: final must be in [0, rate], got 1.0"),
        (lambda: one_cycle(0.1, 2), "one_cycle: rise must be in (0, 1), and leave steps on both sides"),
        (lambda: cyclic(0.5, 0.1, 4), "cyclic: low must be below high, got 0.5 and 0.1"),
    ],
)
def test_a_word_for_it(call: Callable[[], Any], message: str) -> None:
    """By name."""
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
