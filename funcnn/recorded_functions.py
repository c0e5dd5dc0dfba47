"""Functions that are values: initializers, schedules, the two functions of an optimizer.

Plain functions cannot carry the record of the call that made them; `Recorded` is a function that does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, ParamSpec, TypeGuard, TypeVar, final

from funcnn.records import Origin, Record, known_by_origin, recording, replay
from funcnn.values import frozen

P = ParamSpec("P")
V = TypeVar("V")
V_co = TypeVar("V_co", covariant=True)
F = TypeVar("F", bound=Callable[..., Any])


@final
@frozen("{self!r} never changes; {name} cannot be set")
@known_by_origin
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

    @property
    def origin(self) -> Origin:
        """What it is known by."""
        return Origin(self.record, key=self.part, suffix=f".{self.part}" if self.part else "")

    def __reduce__(self) -> tuple[Any, ...]:
        return replay, (self.record, self.part)


def recorded(make: F) -> F:
    """Record the calls of a function that makes functions, so that these print as source, compare and pickle."""
    return recording(make, Recorded)


def is_recorded(f: Callable[P, V]) -> TypeGuard[Recorded[P, V]]:
    """Does this function know by which call it was made?"""
    return isinstance(f, Recorded)
