"""Laws outside pytest: raise, or report."""

from __future__ import annotations

import time
import warnings
from collections import defaultdict
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from html import escape
from textwrap import fill
from typing import Final, Literal, NamedTuple, Unpack, overload

from hypothesis.strategies import SearchStrategy

from funcnn.testing.drawing.templates import Template
from funcnn.testing.judging.causes import of_the_laws
from funcnn.testing.judging.verdicts import LawBroken
from funcnn.testing.trials.of_layers import Layers, Options, trials
from funcnn.testing.trials.running import Tally, Trial
from funcnn.types import Shape


COLOURS: Final = {"BROKEN": "#fbb", "hardly": "#ffb", "holds": "#dfd"}


class Line(NamedTuple):
    """What came of one law: `broken` is None where it held (or failed, as it was said to).

    hardly    it decided so little that it is hardly tested
    """

    law: str
    statement: str
    tally: Tally
    seconds: float
    broken: LawBroken | None
    hardly: bool = False

    @property
    def verdict(self) -> str:
        """In a word."""
        if self.broken:
            return "BROKEN"
        if self.hardly:
            return "hardly"
        return "holds" if self.tally.holds or not self.tally.moot else "moot"


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
        return "\n".join([*table, *self._broken()])

    def _broken(self) -> Iterator[str]:
        """The messages; laws that the same exception breaks are named below the one that tells of it."""
        alike = defaultdict[str, list[str]](list)
        for line in self.lines:
            if line.broken and line.broken.told:
                alike[line.broken.told].append(line.law)
        for line in self.lines:
            if line.broken and not line.broken.told:
                yield f"\n{line.broken}"
                if line.law in alike:
                    yield fill(f"the same exception breaks {', '.join(alike.pop(line.law))}", 120)
        for law, others in alike.items():
            yield fill(f"\nan exception of which {law} tells breaks {', '.join(others)}", 120)


@contextmanager
def _each_once() -> Generator[None, None, None]:
    """What is warned of within is told afterwards, once for every place: laws try hundreds of cases.

    What floating-point flags say of the laws' own arithmetic is left out, for `finite` tells of the numbers it is on.
    """
    heard: list[warnings.WarningMessage] = []
    try:
        with warnings.catch_warnings(record=True) as heard:
            yield
    finally:
        told = set[tuple[object, ...]]()
        for one in heard:
            at = (one.category, str(one.message), one.filename, one.lineno)
            if at not in told and not (issubclass(one.category, RuntimeWarning) and of_the_laws(one.filename)):
                warnings.warn_explicit(one.message, one.category, one.filename, one.lineno, source=one.source)
            told.add(at)


def report_of(trials: Mapping[str, Trial]) -> Report:
    """Try every law and gather what comes of it."""
    with _each_once():
        return _tried(trials)


def _tried(trials: Mapping[str, Trial]) -> Report:
    lines: list[Line] = []
    for name, trial in trials.items():
        start = time.perf_counter()
        broken, tally = None, Tally(0, 0, 0)
        try:
            tally = trial.run()
        except LawBroken as error:
            broken = error
        hardly = not trial.reason and trial.hardly(tally)
        lines.append(Line(name, trial.law.statement, tally, time.perf_counter() - start, broken, hardly))
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
    colours = "".join(f".{verdict} {{ background: {colour} }} " for verdict, colour in COLOURS.items())
    style = f"th {{ text-align: left }} {colours}.moot {{ color: #888 }}"
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
    with _each_once():
        for trial in found.values():
            trial.run()
    return None
