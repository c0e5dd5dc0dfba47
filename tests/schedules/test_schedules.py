"""Schedules: values worked by hand, limits, schedules as values, messages."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import funcnn
from funcnn import (
    Dense, Params, Schedule, accuracy, adam, as_schedule, cosine_decay, exponential_decay, schedules, squared_error, warmup,
)  # fmt: skip
from funcnn.schedules import constant

SCHEDULES = [
    constant(0.1),
    exponential_decay(0.1, 10, 0.5),
    cosine_decay(0.1, 10),
    cosine_decay(0.1, 10, final=0.01),
    warmup(5, 0.1),
    warmup(5, cosine_decay(0.1, 10)),
]
every = pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)


def test_constant_stays() -> None:
    """The same rate at every step."""
    assert [constant(0.25)(step) for step in (0, 1, 10**9)] == [0.25] * 3


def test_exponential_decay_is_smooth() -> None:
    """Half as much after `decay_steps`, and the root of that half-way."""
    schedule = exponential_decay(8.0, 4, 0.25)
    assert [schedule(step) for step in (0, 2, 4, 8)] == [8.0, 4.0, 2.0, 0.5]


def test_cosine_decay_goes_half_a_cosine() -> None:
    """From the rate over the middle to the end, where it stays."""
    schedule = cosine_decay(1.0, 6, final=0.5)
    expected = [1.0, 0.5 + 0.5 * 0.75, 0.75, 0.5 + 0.5 * 0.25, 0.5, 0.5]
    assert [schedule(step) for step in (0, 2, 3, 4, 6, 1000)] == pytest.approx(expected, rel=1e-15)


def test_warmup_rises_in_equal_parts() -> None:
    """The first step is not lost to a rate of zero, and the schedule begins when the rise is over."""
    schedule = warmup(3, exponential_decay(1.0, 1, 0.5))
    assert [schedule(step) for step in range(6)] == [0.25, 0.5, 0.75, 1.0, 0.5, 0.25]


@every
def test_rates_are_python_floats(schedule: Schedule) -> None:
    """So that float32 params stay float32."""
    assert {type(schedule(step)) for step in (0, 3, 20)} == {float}


@every
def test_rates_are_never_negative_or_more_than_the_rate(schedule: Schedule) -> None:
    """All of them stay within [0, rate]."""
    assert all(0 <= schedule(step) <= 0.1 for step in range(100))


@every
def test_schedules_print_as_source(schedule: Schedule) -> None:
    """What a schedule prints evaluates to an equal one."""
    assert eval(repr(schedule), vars(schedules)) == schedule


@every
def test_schedules_pickle(schedule: Schedule) -> None:
    """A pickled schedule comes back equal and gives the same rates."""
    again = pickle.loads(pickle.dumps(schedule))
    assert again == schedule and hash(again) == hash(schedule)
    assert [again(step) for step in range(20)] == [schedule(step) for step in range(20)]


def test_schedules_compare_by_their_call() -> None:
    """Other arguments, or another constructor, make another schedule."""
    assert len({*SCHEDULES, *SCHEDULES}) == len(SCHEDULES)


def test_schedules_never_change() -> None:
    """Attributes cannot be set."""
    with pytest.raises(AttributeError, match=r"constant\(0.1\) never changes"):
        constant(0.1).function = math.sqrt  # type: ignore[attr-defined]


def test_a_number_is_a_constant_schedule() -> None:
    """`as_schedule` takes what goes anywhere a rate goes."""
    assert (as_schedule(0.5), as_schedule(1)) == (constant(0.5), constant(1.0))


def test_a_schedule_is_itself() -> None:
    """Any function of the step is a schedule."""
    assert as_schedule(math.exp) is math.exp


@pytest.mark.parametrize("rate", [None, "0.1", True, [0.1]])
def test_what_is_no_rate_is_refused(rate: Any) -> None:
    """The message says what a rate is."""
    with pytest.raises(
        TypeError, match=rf"rate must be a number or a schedule, step -> rate, got {type(rate).__name__}"
    ):
        funcnn.adam(rate)


def test_an_optimizer_is_no_rate() -> None:
    """It stands beside the other, in a chain."""
    with pytest.raises(TypeError, match=r"got Optimizer; optimizers stand in a row, chain\(adam\(1e-3\), ...\)"):
        funcnn.adam(funcnn.reduce_on_plateau(0.1))  # type: ignore[arg-type]


@pytest.mark.parametrize("rate", [0.0, -0.1, math.nan, math.inf])
@pytest.mark.parametrize(
    "make",
    [constant, lambda r: exponential_decay(r, 10, 0.5), lambda r: cosine_decay(r, 10), lambda r: warmup(2, r)],
    ids=["constant", "exponential_decay", "cosine_decay", "warmup"],
)
def test_rates_must_be_positive(make: Callable[[float], Schedule], rate: float) -> None:
    """Refused at construction, with name, range and value."""
    with pytest.raises(ValueError, match=f"rate must be a positive finite number, got {rate}"):
        make(rate)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: exponential_decay(0.1, 0, 0.5),
            "exponential_decay: decay_steps must be an integer of at least 1, got 0",
        ),
        (lambda: exponential_decay(0.1, 10, 0.0), r"exponential_decay: decay_rate must be in \(0, 1\], got 0.0"),
        (lambda: exponential_decay(0.1, 10, math.nan), r"exponential_decay: decay_rate must be in \(0, 1\], got nan"),
        (lambda: cosine_decay(0.1, 0), "cosine_decay: decay_steps must be an integer of at least 1, got 0"),
        (lambda: cosine_decay(0.1, 10, final=0.2), r"cosine_decay: final must be in \[0, rate\], got 0.2"),
        (lambda: warmup(0, 0.1), "warmup: steps must be an integer of at least 1, got 0"),
    ],
)
def test_other_arguments_are_checked(make: Callable[[], Schedule], message: str) -> None:
    """Refused at construction, with name, range and value."""
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("given", [Dense(3), Dense(3).apply, squared_error, accuracy, Params({"w": np.ones(2)})])
def test_networks_and_losses_are_no_rates(given: Any) -> None:
    """Though some of them can be called: as PyTorch's optimizers take params, first."""
    with pytest.raises(TypeError, match="got .*; params are met later, optimizer.init"):
        adam(given)
