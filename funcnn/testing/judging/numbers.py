"""The whole numbers that stand in a function: a schedule turns at some of them, and there mistakes are made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations
from types import CodeType, FunctionType, MethodType
from typing import Any, Final

from funcnn.recorded_functions import is_recorded
from funcnn.records import Record
from funcnn.testing.judging.reach import filled

MOST: Final = 12  # numbers that are taken
DEEP: Final = 6  # levels that are looked into


def turns(f: Callable[..., Any]) -> list[int]:
    """The numbers in a function, sums of two of them, and what is one more and one less.

    >>> 300 in turns(lambda step: 0.1 if step < 300 else 0.01)
    True
    """
    found = sorted({int(n) for n in _numbers(f, DEEP) if n == int(n) and 1 < n < 10**9})[:MOST]
    return sorted({n + by for n in (*found, *map(sum, combinations(found, 2))) for by in (-1, 0, 1)})


def _numbers(thing: Any, deep: int) -> Iterator[float]:
    if isinstance(thing, (int, float)) and not isinstance(thing, bool):
        yield thing if abs(thing) < 1e9 else 0
    elif not deep:
        return
    else:
        for part in _parts(thing):
            yield from _numbers(part, deep - 1)


def _parts(thing: Any) -> Iterator[Any]:
    """What is in a function, a call that was recorded, a container, or an object that can be called."""
    if isinstance(thing, FunctionType):
        yield from (thing.__code__, *(thing.__defaults__ or ()), *(thing.__kwdefaults__ or {}).values())
        yield from (cell.cell_contents for cell in thing.__closure__ or () if filled(cell))
    elif isinstance(thing, CodeType):
        yield from thing.co_consts
    elif isinstance(thing, MethodType):
        yield from (thing.__func__, thing.__self__)
    elif is_recorded(thing):
        yield from (thing.record, thing.function)
    elif isinstance(thing, Record):
        yield from (*thing.args, *thing.kwargs.values())
    elif isinstance(thing, (tuple, list)):
        yield from thing
    elif isinstance(thing, dict):
        yield from (*thing, *thing.values())
    elif hasattr(thing, "func") and hasattr(thing, "keywords"):
        yield from (thing.func, thing.args, thing.keywords)
    elif callable(thing) and hasattr(thing, "__dict__") and not isinstance(thing, type):
        yield from (vars(thing), getattr(type(thing).__call__, "__code__", None))
