"""Laws outside pytest: raise, or report."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Literal, NamedTuple, Unpack, overload

from hypothesis.strategies import SearchStrategy

from funcnn.testing.drawing.strategies import Template
from funcnn.testing.judging.verdicts import LawBroken
from funcnn.testing.trials.of_layers import Layers, Options, trials
from funcnn.testing.trials.running import Tally, Trial
from funcnn.types import Shape


class Line(NamedTuple):
    """What came of one law: `broken` is None where it held (or failed, as it was said to)."""

    law: str
    statement: str
    tally: Tally
    seconds: float
    broken: LawBroken | None


class Report(NamedTuple):
    """What came of all laws. `str()` of it is a table."""

    lines: tuple[Line, ...]

    @property
    def held(self) -> bool:
        """Did all laws hold?"""
        return all(line.broken is None for line in self.lines)

    def __str__(self) -> str:
        rows = [("law", "verdict", "cases", "no verdict", "ms")]
        for line in self.lines:
            verdict = "BROKEN" if line.broken else "holds" if line.tally.holds or not line.tally.moot else "moot"
            share = f"{100 * line.tally.undecided:.0f} %"
            rows.append((line.law, verdict, str(sum(line.tally)), share, f"{1e3 * line.seconds:.0f}"))
        widths = [max(len(row[i]) for row in rows) for i in range(5)]
        table = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]
        return "\n".join(table + [f"\n{line.broken}" for line in self.lines if line.broken])


def report_of(trials: Mapping[str, Trial]) -> Report:
    """Try every law and gather what comes of it."""
    lines: list[Line] = []
    for name, trial in trials.items():
        start = time.perf_counter()
        broken, tally = None, Tally(0, 0, 0)
        try:
            tally = trial.run()
        except LawBroken as error:
            broken = error
        lines.append(Line(name, trial.law.statement, tally, time.perf_counter() - start, broken))
    return Report(tuple(lines))


@overload
def holds(
    layer: Layers, shape: Template | Shape | SearchStrategy[Shape], *, report: Literal[False] = False,
    **options: Unpack[Options],
) -> None: ...
@overload
def holds(
    layer: Layers, shape: Template | Shape | SearchStrategy[Shape], *, report: Literal[True], **options: Unpack[Options]
) -> Report: ...
def holds(
    layer: Layers, shape: Template | Shape | SearchStrategy[Shape], *, report: bool = False, **options: Unpack[Options]
) -> Report | None:
    """Hold a layer to all laws, outside pytest. The other arguments are those of `laws`.

    Errors
        LawBroken   a law does not hold, with the smallest case found; not if `report` is asked for

    >>> holds(Dense(3), (4, 6), linear=True, kinks=False)
    >>> report = holds(Dense(3), (4, 6), report=True, only=["true_pullback", "pure"])
    >>> report.held, [line.law for line in report.lines]
    (True, ['pure', 'true_pullback'])
    """
    found = trials(layer, shape, **options)
    if report:
        return report_of(found)
    for trial in found.values():
        trial.run()
    return None
