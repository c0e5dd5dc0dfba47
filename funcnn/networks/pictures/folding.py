"""What repeats in a row, drawn once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Final, TypeVar

A = TypeVar("A")

_LONGEST: Final = 8  # parts of a pattern
_LEAST: Final = 4  # parts that a repetition must stand for


def folded(
    parts: Sequence[A], key: Callable[[A], Hashable], times: Callable[[Sequence[A], int], A]
) -> tuple[A, ...]:
    """The parts with every repetition in the place of what repeats, `times(pattern, n)`; short patterns first.

    >>> from funcnn.networks.pictures.folding import folded
    >>> folded("xababababy", lambda c: c, lambda pattern, n: f"{n}*{''.join(pattern)}")
    ('x', '4*ab', 'y')
    """
    keys = [key(part) for part in parts]
    done: list[A] = []
    i = 0
    while i < len(parts):
        period, n = _repeated(keys, i)
        if n > 1:
            done.append(times(parts[i : i + period], n))
        else:
            done.append(parts[i])
        i += period * n
    return tuple(done)


def _repeated(keys: Sequence[Hashable], start: int) -> tuple[int, int]:
    """The length of the pattern that repeats from here on, and how often; (1, 1) where nothing does."""
    for period in range(1, min(_LONGEST, (len(keys) - start) // 2) + 1):
        pattern = keys[start : start + period]
        n = 1
        while keys[start + n * period : start + (n + 1) * period] == pattern:
            n += 1
        if n > 1 and n * period >= _LEAST:
            return period, n
    return 1, 1
