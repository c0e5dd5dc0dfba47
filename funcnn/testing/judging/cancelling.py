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
DOUBLE: Final = float(np.finfo(np.float64).eps)
ROOM: Final = 32
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
        return nested.furthest(one - middle, middle - other) * SINGLE / DOUBLE if nested.is_real(middle) else 0.0

    found = nested.mapped(lambda a: 0.0, f(*trees))
    for _ in range(4):
        found = nested.mapped(max, found, nested.mapped(bent, *in_a_line()))
    return found


def _less(by: int, a: Any, step: Any) -> Any:
    return a - by * step if nested.is_real(a) else a


def of_nothing(high: Any, rounded: Any) -> Any:
    """How far off what should be 0 may be, as the gradient of a bias is in front of a norm of the batch: its terms are
    as large as in float64, and their rounding is as much coarser as the unit.
    """
    least = 256 * DOUBLE / SINGLE
    return nested.mapped(lambda a, r: ROOM * r if nested.largest(a) <= least * r else 0.0, high, rounded)


def of_terms(allowed: Any, rounded: Any) -> Any:
    """How much further off gradients may be whose terms cancel, as behind a norm of two numbers that lie close. Some
    times what is allowed: float64 also has the rounding of what cancels without need.
    """
    return nested.mapped(lambda a, r: min(ROOM * r, 31 * a), allowed, rounded)


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
    rounded = rounding(case, f, high)
    more = {part: of_nothing(exact[part], rounded[part]) for part in exact}
    more["gradients"] = plus(more["gradients"], of_terms(allowed["gradients"], rounded["gradients"]))
    if told := _strays(low, exact, plus(allowed, more), spoken):
        raise broken(told)


def _strays(low: Any, exact: Any, allowed: Any, spoken: Callable[[str], str]) -> str:
    for (path, a), (_, b), (_, most) in zip(*map(nested.leaves, (low, exact, allowed)), strict=True):
        off = nested.largest(a - b)
        if not off <= most:
            return f"the {spoken(path)} in float32 is off by {off:.3g}, rounding allows {most:.3g}"
    return ""
