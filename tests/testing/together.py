"""Several laws on the same cases: drawing a case takes as long as a law does."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from hypothesis import HealthCheck, given, settings

from funcnn.testing import LawBroken, Trial, Verdict
from funcnn.testing.drawing.turns import Deal

LEAST = 4
"""Of large and of rare cases."""


class Found(NamedTuple):
    """What came of one law: for how many cases it held, said nothing, had nothing to say; the time; what broke it."""

    holds: int
    none: int
    moot: int
    seconds: float
    broken: str = ""


def tried_together(laws: Mapping[str, Trial], many: int) -> Iterator[tuple[str, Found]]:
    """Try laws of one row, by name: those that want the same cases on the same ones, and then each on what is its own.

    A law that is to fail is tried alone, and so is one again that was hardly decided.
    """
    shared: dict[str, dict[str, Trial]] = defaultdict(dict)
    for name, trial in laws.items():
        if not trial.reason:
            shared[repr(trial.cases)][name] = trial
    for trials in shared.values():
        start = time.process_time()
        seen, broken, spent = _judged(trials, many)
        drawing = (time.process_time() - start - sum(spent.values())) / len(trials)
        for name, trial in trials.items():
            verdicts = seen[name]
            first = Found(
                verdicts[Verdict.HOLDS], verdicts[Verdict.NONE], verdicts[Verdict.MOOT], spent[name] + drawing,
                broken.get(name, ""),
            )  # fmt: skip
            yield name, first if first.broken else _on_its_own(trial, many, first)
    for name, trial in laws.items():
        if trial.reason:
            yield name, _on_its_own(trial, many, Found(0, 0, 0, 0.0))


def _judged(
    trials: Mapping[str, Trial], many: int
) -> tuple[Mapping[str, Counter[Verdict]], Mapping[str, str], Mapping[str, float]]:
    """By law: the verdicts, what the broken ones say, and the seconds."""
    seen: dict[str, Counter[Verdict]] = {name: Counter() for name in trials}
    spent = dict.fromkeys(trials, 0.0)
    broken: dict[str, str] = {}

    deal: Deal[Any] = Deal(next(iter(trials.values())).cases)

    @settings(max_examples=many, deadline=None, suppress_health_check=list(HealthCheck))
    @given(drawn=deal.cases)
    def judged(drawn: Any) -> None:
        case = deal.dealt(drawn)
        for name, trial in trials.items():
            if name in broken:
                continue
            start = time.process_time()
            try:
                seen[name][trial.law(case)] += 1
            except LawBroken as error:
                broken[name] = f"{type(error).__name__}: {error}"
            spent[name] += time.process_time() - start

    judged()
    return seen, broken, spent


def _on_its_own(trial: Trial, many: int, first: Found) -> Found:
    """Its large and its rare cases beside those tried; all of it where they decided little."""
    start = time.process_time()
    runs = [(trial, many)]
    if not trial.reason and first.holds >= LEAST and (not first.none or 2 * first.holds >= many):
        of_few = max(LEAST, many // 8)
        beside = trial._replace(more={}, asked=False)  # a kind may have nothing to say, as "heavy" of no params
        runs = [(beside._replace(cases=c, label=f"{trial.label}, {w}"), of_few) for w, c in trial.more.items()]
    else:
        first = Found(0, 0, 0, first.seconds)
    holds, none, moot, broken = *first[:3], ""
    try:
        for run, cases in runs:
            tally = run.run(cases)
            holds, none, moot = holds + tally.holds, none + tally.none, moot + tally.moot
    except Exception as error:  # noqa: BLE001  (whatever breaks is told)
        broken = f"{type(error).__name__}: {error}"
    return Found(holds, none, moot, first.seconds + time.process_time() - start, broken)
