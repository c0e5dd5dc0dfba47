"""Laws outside pytest: raise, or report."""

from __future__ import annotations

import time
from collections.abc import Mapping
from html import escape
from typing import Literal, NamedTuple, Unpack, overload

from hypothesis.strategies import SearchStrategy

from funcnn.testing.drawing.templates import Template
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

    @property
    def verdict(self) -> str:
        """In a word."""
        return "BROKEN" if self.broken else "holds" if self.tally.holds or not self.tally.moot else "moot"


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
            share = f"{100 * line.tally.undecided:.0f} %"
            rows.append((line.law, line.verdict, str(sum(line.tally)), share, f"{1e3 * line.seconds:.0f}"))
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


def as_html(reports: Mapping[str, Report]) -> str:
    """A table of laws and layers, as a page of HTML: a cell says what came of a law, and shows the message on hover.

    >>> page = as_html({"Dense(3)": holds(Dense(3), (2, 4), report=True, only=["pure"])})
    >>> "<th>Dense(3)</th>" in page, '<td class="holds" title="">holds</td>' in page
    (True, True)
    """
    laws = sorted({line.law: line.statement for report in reports.values() for line in report.lines}.items())
    found = {name: {line.law: line for line in report.lines} for name, report in reports.items()}
    head = "".join(f"<th>{escape(name)}</th>" for name in reports)
    rows = [
        f'<tr><th title="{escape(statement)}">{escape(law)}</th>'
        + "".join(_cell(lines.get(law)) for lines in found.values())
        + "</tr>"
        for law, statement in laws
    ]
    style = "th { text-align: left } .BROKEN { background: #fbb } .holds { background: #dfd } .moot { color: #888 }"
    table = f"<table>\n<tr><th></th>{head}</tr>\n" + "\n".join(rows) + "\n</table>"
    return f"<!DOCTYPE html>\n<meta charset=\"utf-8\"><title>Laws</title><style>{style}</style>\n{table}\n"


def _cell(line: Line | None) -> str:
    if line is None:
        return "<td></td>"
    told = escape(str(line.broken)) if line.broken else ""
    return f'<td class="{line.verdict}" title="{told}">{line.verdict}</td>'


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
