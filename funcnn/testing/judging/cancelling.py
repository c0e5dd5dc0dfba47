"""How far off float32 may be where terms cancel that nothing outside tells of: float64 rounds them as well."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np

from funcnn.testing import nested
from funcnn.testing.judging.tolerances import Seeded, plus, wiggle
from funcnn.testing.judging.verdicts import broken

SINGLE: Final = float(np.finfo(np.float32).eps)
_DOUBLE: Final = float(np.finfo(np.float64).eps)
_ROOM: Final = 32
_SOME_TIMES: Final = 31
_NEAR: Final = 2.0**-28


def promoted(tree: Any) -> Any:
    """A tree in float64."""
    return nested.mapped(lambda a: a.astype(np.float64) if nested.is_real(a) else a, tree)


def rounding(case: Seeded, f: Callable[..., Any], *trees: Any) -> Any:
    """How far float64 rounds the outputs of `f` near these trees, in units of float32, leaf by leaf.

    Of three points in a line, close by even for float64, the middle one has half the sum of the others, but for
    rounding. Numbers that came from float32 have few digits: float64 often does not round them at all.
    """
    rng = case.generator("rounding")

    def step(a: Any) -> Any:
        shape: tuple[int, ...] = a.shape
        return a * (_NEAR * rng.random(shape)) if nested.is_real(a) else a

    def in_a_line() -> list[Any]:
        there = [(tree, nested.mapped(step, tree)) for tree in trees]
        return [f(*[nested.mapped(partial(_less, by), tree, s) for tree, s in there]) for by in (1, 2, 3)]

    def bent(one: Any, middle: Any, other: Any) -> float:
        return nested.furthest(one - middle, middle - other) * SINGLE / _DOUBLE if nested.is_real(middle) else 0.0

    found = nested.mapped(lambda a: 0.0, f(*trees))
    for _ in range(4):
        found = nested.mapped(max, found, nested.mapped(bent, *in_a_line()))
    return found


def _less(by: int, a: Any, step: Any) -> Any:
    return a - by * step if nested.is_real(a) else a


def excused(exact: Any, allowed: Any, rounded: Any, *, values: str) -> dict[str, Any]:
    """What float32 may be off by beyond what is allowed, by what float64 rounds: of the values, where these should be
    0; of all else, which are gradients, where terms cancel, too.
    """
    nothing = {part: nested.mapped(_of_nothing, exact[part], rounded[part]) for part in exact}
    terms = {part: nested.mapped(_of_terms, allowed[part], rounded[part]) for part in exact if part != values}
    return {part: plus(room, terms[part]) if part in terms else room for part, room in nothing.items()}


def _of_nothing(exact: Any, rounded: float) -> float:
    """What should be 0, as the gradient of a bias is in front of a norm of the batch, has terms as large as in float64,
    and their rounding is as much coarser as the unit.
    """
    return _ROOM * rounded if nested.largest(exact) <= 256 * rounded * _DOUBLE / SINGLE else 0.0


def _of_terms(allowed: float, rounded: float) -> float:
    """Gradients may be left of terms that cancel, as behind a norm of two numbers that lie close. Some times what is
    allowed: float64 also has the rounding of what cancels without need.
    """
    return min(_ROOM * rounded, _SOME_TIMES * allowed)


def tracked(
    case: Seeded,
    f: Callable[[Any], Any],
    low: Any,
    high: Any,
    floor: Callable[[str, Any], float],
    spoken: Callable[[str], str],
) -> None:
    """Refuse a value and gradients in float32 that are not those of `f` at `high`, in float64, up to rounding: what
    `f` does with that of what goes in, `floor` of the path and what float64 gives there, and that of terms that cancel.

    Errors
        LawBroken   says which, by how much, and what was allowed; `spoken` names it by its path
    """
    exact = f(high)
    allowed = plus(wiggle(case, f, high, unit=SINGLE), nested.located(floor, exact))
    if not _strays(low, exact, allowed, spoken):
        return
    more = excused(exact, allowed, rounding(case, f, high), values="value")
    if told := _strays(low, exact, plus(allowed, more), spoken):
        raise broken(told)


def _strays(low: Any, exact: Any, allowed: Any, spoken: Callable[[str], str]) -> str:
    for (path, a), (_, b), (_, most) in zip(*map(nested.leaves, (low, exact, allowed)), strict=True):
        off = nested.largest(a - b)
        if not off <= most:
            return f"the {spoken(path)} in float32 is off by {off:.3g}, rounding allows {most:.3g}"
    return ""
