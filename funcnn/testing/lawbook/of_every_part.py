"""Laws that all parts have in common with layers: the clock, threads, and what has come before do not matter."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeAlias

import numpy as np

from funcnn.errors import FuncnnError
from funcnn.testing import nested
from funcnn.testing.judging.reach import Reach, parts_of, rules
from funcnn.testing.judging.verdicts import Law, Verdict, broken
from funcnn.testing.lawbook.memory import as_new_or_not
from funcnn.testing.lawbook.outside import LATER, in_threads, later

Run: TypeAlias = "Callable[[Any], list[bytes]]"
"""All that a part gives in a case, as bits."""

REMEMBERS: Final = "remembers_nothing"
SAMPLED: Final = ("threads", REMEMBERS)
"""Laws that are dear, and have something to say of some cases only."""


def pulled_bits(case: Any) -> list[bytes]:
    """What a loss gives, or a penalty: a number, and cotangents."""
    value, pullback = case.pull()
    return [repr(value).encode(), *nested.bits(pullback(1.0))]


def _things(case: Any) -> list[Any]:
    return [*parts_of(case), *rules(case)]


def _blind_to_the_clock(run: Run, case: Any) -> None:
    now = run(case)
    with later(*_things(case), by=LATER[_turn(case) % 2]):
        then = run(case)
    if then != now:
        raise broken("some months later the same case gives something else: it reads the clock")


def _threads(run: Run, case: Any) -> Verdict | None:
    turn = _turn(case)
    if turn % 3:
        return Verdict.MOOT
    in_threads(case, run, np.random.default_rng(turn), beside=turn % 4 == 0, interrupts=True)
    return None


def _remembers_nothing(run: Run, case: Any, new: Reach | None = None) -> Verdict | None:
    if _turn(case) % 4:
        return Verdict.MOOT
    now = Reach(*_things(case))
    as_new_or_not(case, run, new or now, now)
    return None


def _turn(case: Any) -> int:
    return int(getattr(case, "seed", getattr(case, "step", 0)))


def _where_defined(run: Run) -> Run:
    def tried(case: Any) -> list[bytes]:
        try:
            return run(case)
        except FuncnnError as error:  # as of a curve of labels that are all the same
            return [str(error).encode()]

    return tried


def as_new(law: Law[Any], case: Any) -> Law[Any]:
    """The same law; the one about memory knows what the part of a case remembers now, before it is tried."""
    if law.name != REMEMBERS:
        return law
    check: Callable[..., Verdict | None] = law.check
    return law._replace(check=partial(check, new=Reach(*_things(case))))


def common_laws(run: Run) -> tuple[Law[Any], ...]:
    """The laws, for parts that give in a case what `run` says."""
    give = _where_defined(run)
    return (
        Law("blind_to_the_clock", "neither the time of day nor the number of the process matters", "exact",
            partial(_blind_to_the_clock, give), kinds=("normal",)),
        Law("threads", "eight threads get what one gets", "exact", partial(_threads, give), kinds=("normal",),
            shrinks=False),
        Law(REMEMBERS, "what has come before, and what has come first, does not matter", "exact",
            partial(_remembers_nothing, give), kinds=("normal",), shrinks=False),
    )  # fmt: skip
