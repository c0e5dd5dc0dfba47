"""Sizes that are not known, as sums of named ones: `n`, `2 * n + 1`. Two of them differ where their difference is known.

A name stands for one value alone: that of a variable at one place of the program, until it is bound again.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

LONGEST: Final = 80  # characters of a name
MOST: Final = 4  # names in a sum
LARGEST: Final = 10**12


class Sum(NamedTuple):
    """`2 * n + 1` is `Sum((("n", 2),), 1)`; no coefficient is 0."""

    terms: tuple[tuple[str, int], ...]
    plus: int = 0

    @property
    def whole(self) -> str:
        """As text, with what tells names apart."""
        parts = [name if n == 1 else f"{n} * {name}" for name, n in self.terms]
        return " + ".join([*parts, *([str(self.plus)] if self.plus or not parts else [])]).replace("+ -", "- ")

    def __str__(self) -> str:
        return re.sub(r"#\d+\.\d+", "", self.whole)


def named(name: str) -> Sum:
    """A size of this name."""
    return Sum(((name, 1),))


def added(a: Sum | None, b: Sum | None, sign: int = 1) -> Sum | None:
    """`a + b` or `a - b`; None where it is not known or too long."""
    if a is None or b is None:
        return None
    terms = dict(a.terms)
    for name, n in b.terms:
        terms[name] = terms.get(name, 0) + sign * n
    return _kept(terms, a.plus + sign * b.plus)


def times(a: Sum | None, b: Sum | None) -> Sum | None:
    """`a * b`, where one of them is a number."""
    if a is None or b is None or (a.terms and b.terms):
        return None
    whole, n = (a, b.plus) if a.terms else (b, a.plus)
    return _kept({name: m * n for name, m in whole.terms}, whole.plus * n)


def called(a: Sum | None, sign: str, b: Sum | None) -> Sum | None:
    """`a // b` and the like: a name of its own, the same for the same sizes."""
    if a is None or b is None:
        return None
    name = f"(({a.whole}) {sign} ({b.whole}))"
    return named(name) if len(name) <= LONGEST else None


def apart(a: Sum | None, b: Sum | None) -> int | None:
    """`a - b`; None where it is not known."""
    difference = added(a, b, -1)
    return None if difference is None or difference.terms else difference.plus


def _kept(terms: dict[str, int], plus: int) -> Sum | None:
    kept = tuple(sorted((name, n) for name, n in terms.items() if n))
    small = len(kept) <= MOST and all(abs(n) < LARGEST for _, n in kept) and abs(plus) < LARGEST
    return Sum(kept, plus) if small else None
