"""Functions that are values: they print as the call that made them, compare by it, and pickle."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Generic, NoReturn, ParamSpec, TypeGuard, TypeVar, cast, final

from funcnn.records import Record

P = ParamSpec("P")
V = TypeVar("V")
V_co = TypeVar("V_co", covariant=True)
F = TypeVar("F", bound=Callable[..., Callable[..., Any]])


@final
class Recorded(Generic[P, V_co]):
    """A function that is a value: it prints as the call that made it, compares by that call, and pickles.

    `part` is the attribute of what the call returned, where the function is only a part of it.
    """

    __slots__ = ("record", "function", "part")
    record: Record
    function: Callable[P, V_co]
    part: str

    def __init__(self, record: Record, function: Callable[P, V_co], part: str = "") -> None:
        object.__setattr__(self, "record", record)
        object.__setattr__(self, "function", function)
        object.__setattr__(self, "part", part)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> V_co:
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"{self.record!r}.{self.part}" if self.part else repr(self.record)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Recorded) and self.part == other.part and self.record == other.record

    def __hash__(self) -> int:
        return hash((self.record, self.part))

    def __reduce__(self) -> tuple[Any, ...]:
        return _replayed, (self.record, self.part)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{self!r} never changes; {name} cannot be set")


def recorded(make: F) -> F:
    """Record the calls of a function that makes functions, so that these print as source, compare and pickle."""

    @functools.wraps(make)
    def construct(*args: Any, **kwargs: Any) -> Any:
        return Recorded(Record(make.__module__, make.__name__, construct, args, kwargs), make(*args, **kwargs))

    return cast(F, construct)


def is_recorded(f: Callable[P, V]) -> TypeGuard[Recorded[P, V]]:
    """Does this function know by which call it was made?"""
    return isinstance(f, Recorded)


def _replayed(record: Record, part: str) -> Any:
    made = record.replay()
    return getattr(made, part) if part else made
