"""Contestants in turn, round by round: what disturbs one disturbs all."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import NamedTuple

from contestants import Entry
from works import Work

Step = Callable[[], object]
Clock = Callable[[], float]


TURN, MOST = 50e-3, 20
"""Seconds of a turn, and its most steps. The first is not timed: as in training, steps follow their like, not the steps
of eight others, which have emptied the caches."""


class Time(NamedTuple):
    """Of one step, in milliseconds."""

    minimum: float
    median: float


def race(
    work: Work, entries: list[Entry], seconds: float, clock: Clock = time.perf_counter
) -> tuple[dict[str, Time], dict[str, str]]:
    """The times of those that ran, and why others did not."""
    steps, failed = _ready(work, entries)
    return race_steps(steps, seconds, clock), failed


def race_steps(steps: dict[str, Step], seconds: float, clock: Clock = time.perf_counter) -> dict[str, Time]:
    """The times of these steps."""
    once = {name: min(_timed(step, 1, clock) for _ in range(3)) for name, step in steps.items()}
    turns = {name: max(1, min(MOST, round(TURN / max(t, 1e-9)))) for name, t in once.items()}
    whole = sum((turns[name] + 1) * t for name, t in once.items())
    rounds = int(max(5, min(300, seconds / max(1e-9, whole)))) if seconds else 2
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            step()
            times[name].append(_timed(step, turns[name], clock))
    return {name: Time(min(t) * 1e3, median(t) * 1e3) for name, t in times.items()}


def _ready(work: Work, entries: list[Entry]) -> tuple[dict[str, Step], dict[str, str]]:
    """Steps that have been made three times: compiled, and in memory."""
    steps: dict[str, Step] = {}
    failed: dict[str, str] = {}
    for name, make in entries:
        try:
            step = make(work)
            for _ in range(3):
                step()
            steps[name] = step
        except Exception as error:  # a peer that does not run here is left out, and said to be
            failed[name] = f"{type(error).__name__}: {error}"[:80]
    return steps, failed


def _timed(step: Step, turns: int, clock: Clock) -> float:
    start = clock()
    for _ in range(turns):
        step()
    return (clock() - start) / turns


def table(times: dict[str, Time]) -> str:
    """A line for every contestant; the ratio is to the fastest peer, or to ourselves where there is no peer."""
    peers = [t for name, t in times.items() if not name.startswith("funcnn")] or list(times.values())
    best = Time(min(t.minimum for t in peers), min(t.median for t in peers))
    return "\n".join(
        f"  {name:20s} min {t.minimum:9.3f} ms  median {t.median:9.3f} ms  "
        f"ratio {t.minimum / best.minimum:6.2f} / {t.median / best.median:6.2f}"
        for name, t in times.items()
    )
