"""Laws about schedules: a rate is a plain number, and depends on the step alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

import numpy as np

from funcnn.testing.casebook.copies import copies
from funcnn.testing.casebook.of_parts import ScheduleCase
from funcnn.testing.judging.numbers import turns
from funcnn.testing.judging.left_alone import left_alone
from funcnn.testing.judging.verdicts import Law, Verdict, broken, listed
from funcnn.testing.lawbook.of_every_part import common_laws

AHEAD: Final = (0, 1, 7, 1000, 10**9)


def _a_rate(case: ScheduleCase) -> None:
    for step in {case.step, *AHEAD, *turns(case.schedule)}:
        rate = case.schedule(step)
        if type(rate) is not float:
            raise broken(f"at step {step} the rate is a {type(rate).__name__}, {rate!r}; a Python float is wanted")
        if not 0 <= rate < math.inf:
            raise broken(f"at step {step} the rate is {rate!r}; it is to be in [0, inf)")


def _pure(case: ScheduleCase) -> None:
    """Asked forwards, backwards, and from the middle, as a run that is resumed asks."""
    steps = range(case.step, case.step + 8)
    first = [case.schedule(step) for step in steps]
    back = [case.schedule(step) for step in reversed(steps)][::-1]
    middle = case.schedule(steps[5])
    if first != back or middle != first[5]:
        raise broken(f"asked again, in another order, the rates from step {case.step} on are others")
    with left_alone():
        case.schedule(case.step)


def _any_integer(case: ScheduleCase) -> None:
    step: Any
    for step in (np.int64(case.step), np.int32(case.step)):
        other = case.schedule(step)
        if not math.isclose(other, case.rate, rel_tol=1e-12):  # NumPy's powers end in other digits than Python's
            raise broken(f"at step {step!r} the rate is {other!r}, at {case.step} it is {case.rate!r}")
    with suppress(TypeError):  # as of an index: a word is no wrong rate
        step = float(case.step)
        if not math.isclose(case.schedule(step), case.rate, rel_tol=1e-12):
            raise broken(f"at step {step!r} the rate is {case.schedule(step)!r}, at {case.step} it is {case.rate!r}")


def _given(case: ScheduleCase) -> list[bytes]:
    start = case.step + 13 * case.attempt
    return [repr(case.schedule(step)).encode() for step in range(start, start + 4)]


def _is_data(case: ScheduleCase) -> Verdict | None:
    others = copies(case.schedule)
    for what, other in others.items():
        if other(case.step) != case.rate:
            raise broken(f"the schedule from {what} says {other(case.step)!r} at step {case.step}, not {case.rate!r}")
        if other != case.schedule or repr(other) != repr(case.schedule):
            raise broken(f"{what} gives another schedule, {other!r}")
    return None if others else Verdict.MOOT


EARLY: Final = 2000  # steps that are all looked at, once


def plain_rate(formula: Callable[[int], Any]) -> Law[ScheduleCase]:
    """The law that a schedule is a plain formula of the step."""

    def check(case: ScheduleCase) -> None:
        early = range(EARLY) if case.step == 0 else ()
        for step in (case.step, *turns(case.schedule), *turns(formula), *early):
            rate, wanted = case.schedule(step), float(formula(step))
            if not math.isclose(rate, wanted, rel_tol=1e-12, abs_tol=1e-300):
                raise broken(f"at step {step} the rate is {rate!r}, the plain formula says {wanted!r}")

    statement = "the rate is that of the plain formula"
    return Law("plain_value", statement, "exact", check, made_by=(plain_rate, formula))


SCHEDULE_LAWS: Final[Mapping[str, Law[Any]]] = listed(
    "SCHEDULE_LAWS",
    Law("a_rate", "every step has a rate, a Python float from 0 up that is finite", "exact", _a_rate),
    Law("pure", "a rate depends on the step alone, whichever was asked for before, and changes nothing", "exact",
        _pure),
    Law("any_integer", "NumPy's integers are steps, too, and 3.0 is no other step than 3", "exact", _any_integer),
    *common_laws(_given),
    Law("is_data", "a schedule comes back equal from pickle and deepcopy", "exact", _is_data),
)
"""Every law about schedules, by name."""
