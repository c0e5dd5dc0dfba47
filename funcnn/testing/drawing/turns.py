"""Cases in turn: Hypothesis draws much again and again, so that of ten kinds two are missing in thirty of its cases.

What it draws stays the beginning of a case; its kind is that whose turn it is, and a seed or a shape
that has come before gives way to a fresh one.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, NamedTuple, TypeAlias, TypeVar, cast
from weakref import WeakKeyDictionary

from hypothesis.strategies import SearchStrategy

from funcnn.testing.drawing.templates import Anew, made_anew

C = TypeVar("C")
Changes: TypeAlias = Mapping[str, Any]
"""Fields of a case, by name."""

SEEDS: Final = 2**16
CLASSES: Final = 24
"""Laws do something more at every second, third, fourth or eighth seed: those come in turn, too, with every kind."""


class _Turns(NamedTuple):
    """How the cases of a strategy take turns: the fields that the n-th has, and shapes anew."""

    kind: Callable[[int, Any], Changes]
    anew: Anew | None


_turns: WeakKeyDictionary[SearchStrategy[Any], _Turns] = WeakKeyDictionary()


def in_turn(
    cases: SearchStrategy[C], kind: Callable[[int, C], Changes], shapes: SearchStrategy[Any] | None = None
) -> SearchStrategy[C]:
    """The same strategy, whose n-th case in a run of a law has the fields `kind(n, case)`; n counts from 0.

    shapes   the strategy that the field `shape` is drawn from, where there is one
    """
    _turns[cases] = _Turns(kind, made_anew(shapes) if shapes is not None else None)
    return cases


class Deal(Generic[C]):
    """The cases of one run of a law.

    The first case that is dealt is the simplest one, with which Hypothesis begins; what it tries before that was kept
    from an earlier run, and stays as it is. After `keep` the last case is dealt again wherever the same is drawn.

    cases   what to draw from
    deals   whether these cases take turns
    """

    def __init__(self, cases: SearchStrategy[C], in_turn: bool = True) -> None:
        self.cases, self._how = cases, _turns.get(cases) if in_turn else None
        self.deals = self._how is not None
        self._turn, self._anew, self._seen = 0, -1, set[tuple[str, Any]]()
        self._last: tuple[C, Changes] | None = None
        self._kept = False

    def keep(self) -> None:
        """The last case broke the law."""
        self._kept = True

    def alike(self) -> SearchStrategy[C]:
        """Cases of the kind and with the seed of the last one, of any shape."""
        changes: Changes = {} if self._last is None else self._last[1]
        same = {name: value for name, value in changes.items() if name != "shape"}
        return self.cases.map(lambda case: cast(Any, case).like(**same))

    def dealt(self, case: Any) -> Any:
        """What becomes of a case that was drawn."""
        if not self.deals:
            return case
        if self._kept:
            return self._again(case)
        changes: Changes = self._changes(case) if self._turn or case.seed == 0 else {}
        self._last = case, changes
        return case.like(**changes) if changes else case

    def _again(self, case: Any) -> Any:
        if self._last is None:
            return case
        drawn, changes = self._last
        return case.like(**changes) if repr(case) == repr(drawn) else case

    def _changes(self, case: Any) -> Changes:
        """What makes a case the next one; nothing of the first, which is noted."""
        assert self._how is not None
        kind, anew = self._how
        turn, self._turn = self._turn, self._turn + 1
        changes = dict(kind(turn, case))
        changes["seed"] = self._seed(case.seed, turn)
        if anew is not None and (not self._is_new("shape", case.shape) or anew.always):
            self._anew += 1
            changes["shape"] = anew.make(self._anew, random.Random(changes["seed"]))
        return changes if turn else {}

    def _seed(self, seed: int, turn: int) -> int:
        """A seed that has not come before, of the class whose turn it is."""
        while not self._is_new("seed", seed - seed % CLASSES + (turn + 7 * (turn // 12)) % CLASSES):
            seed = (seed * 25173 + 13849 + turn) % SEEDS
        return seed - seed % CLASSES + (turn + 7 * (turn // 12)) % CLASSES

    def _is_new(self, name: str, value: Any) -> bool:
        before = len(self._seen)
        self._seen.add((name, value))
        return len(self._seen) > before
