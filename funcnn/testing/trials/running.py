"""Running one law on many cases: what Hypothesis draws, and what the verdicts add up to."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from time import monotonic, process_time
from typing import Any, Final, NamedTuple, cast
from unittest import SkipTest

from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis.errors import Flaky
from hypothesis.strategies import SearchStrategy

from funcnn.errors import FuncnnError
from funcnn.testing.drawing.turns import Deal
from funcnn.testing.judging.causes import Told, place
from funcnn.testing.judging.verdicts import Law, LawBroken, Verdict

EXAMPLES: Final = 30
"""How many cases a law is tried on where nobody says otherwise. Planted faults fall within the first few."""

OF_HYPOTHESIS: Final = 100
"""The cases that Hypothesis tries where no profile says how many."""

ONE_OF: Final = 8
LEAST: Final = 4
"""For so many cases there is one of each other kind, large ones and rare ones; there are at least so many."""

MOST_UNDECIDED: Final = 0.5
"""The share of cases without a verdict above which a law says aloud that it has hardly been tested."""


SECONDS: Final = 3.0
"""Of computing, for a law on a layer, where nobody says how many cases are to be tried: for deep and large layers."""


class Budget:
    """What the cases of a law have cost so far. Four are tried at least, and all that look for a smaller one.

    The time of the process is asked for only when so much time has passed at all: it takes half a millisecond on some
    systems that have something else to do.
    """

    def __init__(self) -> None:
        self.cases, self.broken = 0, False
        self.began, self.computed = monotonic(), process_time()

    @property
    def spent(self) -> bool:
        """Is it enough?"""
        if self.cases < LEAST or self.broken or monotonic() - self.began <= SECONDS:
            return False
        return process_time() - self.computed > SECONDS


def _usual_examples() -> int:
    """Thirty, or as many as a profile of Hypothesis says, if it says so."""
    asked: int = cast(Any, settings.default).max_examples
    return EXAMPLES if asked == OF_HYPOTHESIS else asked


class Tally(NamedTuple):
    """What came of running a law: for how many cases it held, said nothing, or had nothing to say."""

    holds: int
    none: int
    moot: int

    @property
    def undecided(self) -> float:
        """The share of cases without a verdict, of those the law is about."""
        return self.none / max(self.holds + self.none, 1)


class May(str):
    """The reason why a law may fail, or hold: nothing comes of either."""


class Trial(NamedTuple):
    """A law and the cases it is to be tried on.

    reason    why it does not hold, if it is said not to: then it must fail; or why it `May`
    label     what is tried, for the place in Hypothesis's database of examples
    told      the exceptions of which trials of the same have told
    more      other cases, a few of which are tried beside these, by what they are
    asked     it was named: then it is no silent nothing where it has nothing to say of any case
    """

    law: Law[Any]
    cases: SearchStrategy[Any]
    label: str
    reason: str = ""
    examples: int | None = None
    told: Told | None = None
    more: Mapping[str, SearchStrategy[Any]] = {}  # noqa: RUF012  (read only)
    asked: bool = False

    def run(self, examples: int | None = None, *, shrink: bool = True) -> Tally:
        """Try the law; without `shrink` the first case found to break it is reported, not the smallest.

        Errors
            LawBroken   it does not hold, and the case is the smallest found; or it gives no verdict in any case; or it
                        holds although there is a reason why it should not; or nothing was tried
        UserWarning where it decides less than half of its cases, and of as many as were asked for, with the share
        """
        __tracebackhide__ = True
        seen: Counter[Verdict] = Counter()
        blank: list[Any] = []
        asked = examples or self.examples
        tries = asked or _usual_examples()
        budget = None if asked else Budget()
        try:
            first = max(tries, EXAMPLES) if self.reason else tries
            self._search(first, seen, shrink and not self.reason, budget, blank)()
            for what, others in self.more.items():
                if self.reason:
                    break
                beside = self._replace(cases=others, label=f"{self.label}, {what}")
                beside._search(max(LEAST, tries // ONE_OF), seen, shrink, budget, blank)()
            unsaid = seen[Verdict.NONE] or (self.asked and seen[Verdict.MOOT])
            if unsaid and seen[Verdict.HOLDS] < tries * (1 - MOST_UNDECIDED):  # kinks, perhaps: some cases more
                self._search(max(2 * tries, EXAMPLES), seen, shrink, blank=blank)()
        except LawBroken as broken:
            if not self.reason:
                if self.told and broken.law and isinstance(broken.__cause__, Exception):
                    broken.told = self.told.before(_cause(broken), self.law.name)
                raise
            if not isinstance(self.reason, May) and (refused := _cannot_begin(broken)):
                raise LawBroken(
                    f"{self.law.name} is said not to hold ({self.reason}), but {self.label} does not even take its "
                    f"input: {refused}"
                ) from refused
            return Tally(seen[Verdict.HOLDS], seen[Verdict.NONE], seen[Verdict.MOOT])
        tally = Tally(seen[Verdict.HOLDS], seen[Verdict.NONE], seen[Verdict.MOOT])
        if isinstance(self.reason, May) or (self.reason and tally.none and not tally.holds):
            return tally
        if self.reason:
            raise LawBroken(
                f"{self.law.name} is said not to hold ({self.reason}), but it held in all of {sum(tally)} cases of "
                f"{self.label}: drop what is said"
            )
        self._refuse_nothing(tally, blank)
        if tally.none and not tally.holds:
            raise LawBroken(
                f"{self.law.name} gave no verdict in any of {tally.none} cases of {self.label}, so it was not tested; "
                f"are there kinks everywhere, or is the value all rounding?"
            )
        if self.hardly(tally, tries):
            warnings.warn(
                f"{self.law.name} decided {100 * (1 - tally.undecided):.0f} % of its cases of {self.label}, "
                f"{tally.holds} of {tally.holds + tally.none}: there are kinks or rounding nearly everywhere, so that "
                f"it is hardly tested",
                stacklevel=2,
            )
        return tally

    def hardly(self, tally: Tally, examples: int | None = None) -> bool:
        """Has the law decided so little that it is hardly tested?"""
        tries = examples or self.examples or _usual_examples()
        return tally.undecided > MOST_UNDECIDED and tally.holds < tries * (1 - MOST_UNDECIDED)

    def _refuse_nothing(self, tally: Tally, blank: list[Any]) -> None:
        """Say aloud that nothing was tried.

        Errors
            LawBroken   there was no case, or none with a number in it, or the law had nothing to say of any
        """
        if not sum(tally):
            raise LawBroken(
                f"{self.law.name} was tried on no case of {self.label}; do the phases of Hypothesis's settings leave "
                f"out Phase.generate?"
            )
        if len(blank) == sum(tally):
            raise LawBroken(
                f"{self.law.name} was tried on {len(blank)} cases of {self.label} without a number in them, such as "
                f"{blank[0]!r}: give a shape without a size of 0"
            )
        if self.asked and not tally.holds and not tally.none:
            raise LawBroken(
                f"{self.law.name} has nothing to say of any of {tally.moot} cases of {self.label}, so it was not "
                f"tested: its input, its domain or its target is not what the law is about"
            )

    def _is_told(self, broken: LawBroken) -> bool:
        """Has another law told of the exception that broke this one?"""
        cause = broken.__cause__
        return bool(self.told and isinstance(cause, Exception) and self.told.known(_cause(broken), self.law.name))

    def _search(
        self, examples: int, seen: Counter[Verdict], shrink: bool, budget: Budget | None = None,
        blank: list[Any] | None = None, *, in_turn: bool = True,
    ) -> Callable[[], None]:
        late = (Phase.shrink, Phase.explain)
        default = cast(Any, settings.default)
        known: LawBroken | None = None
        deal, small = Deal(self.cases, in_turn), shrink and self.law.shrinks
        phases = [phase for phase in default.phases if (small and not deal.deals) or phase not in late]

        def tried(case: Any) -> None:
            nonlocal known
            if known is not None:
                raise known  # told of before, and smaller then: no need to look for the smallest again
            if budget is not None and budget.spent:
                return
            try:
                verdict = self.law(case)
            except LawBroken as broken:
                deal.keep()
                if budget is not None:
                    budget.broken = True
                if self._is_told(broken):
                    known = broken
                raise
            if budget is not None:
                budget.cases += 1
            seen[verdict] += 1
            if blank is not None and getattr(case, "blank", False):
                blank.append(case)
            if verdict is not Verdict.HOLDS:
                event(f"{self.law.name}: {verdict.value}")

        @settings(
            max_examples=examples, deadline=None, print_blob=False, report_multiple_bugs=False, phases=phases,
            suppress_health_check=cast("list[HealthCheck]", list(HealthCheck)),
        )  # fmt: skip
        @given(case=deal.cases)
        def holds(case: Any) -> None:  # short, for its source goes through a tokenizer at every search
            tried(deal.dealt(case))

        test: Any = holds
        name = f"{self.law.name} {self.label}".encode()
        test.hypothesis.inner_test._hypothesis_internal_add_digest = test._hypothesis_internal_database_key = name

        def searched() -> None:
            first = _broken_by(test)
            if first is None:
                return
            if small and deal.deals and known is None:  # a smaller one: as Hypothesis draws, or else of this kind
                for cases in (self.cases, deal.alike()):
                    beside = self._replace(cases=cases, label=f"{self.label}, smaller")
                    beside._search(EXAMPLES, Counter(), shrink, in_turn=False)()
                vars(first).pop("__notes__", None)  # Hypothesis says what it drew, not what was dealt
            raise first

        return searched


def _cannot_begin(broken: LawBroken) -> Exception | None:
    """What a layer says that does not take its case's input, so that no law about it was tried."""
    cause = broken.__cause__
    if not isinstance(cause, FuncnnError) or broken.case is None:
        return None
    try:
        broken.case.begun()
    except Exception as error:
        return error
    return None


def _cause(broken: LawBroken) -> str:
    """An exception by its type and its place: sizes in its message differ from case to case."""
    cause = broken.__cause__
    return f"{type(cause).__name__} {place(cause)}" if cause else broken.what


def _broken_by(test: Callable[[], None]) -> LawBroken | None:
    """Run a test; a law that was broken once, and not when Hypothesis tried the case again, is broken."""
    try:
        test()
    except SkipTest:  # there is no phase in which cases are tried, which is told of by how many were
        pass
    except LawBroken as broken:
        return broken
    except Flaky as flaky:
        for error in getattr(flaky, "exceptions", ()):
            if isinstance(error, LawBroken):
                error.what += "; not at every run: something remembers, or draws without the key"
                return error
        raise
    return None
