"""What a value was made by: so that it prints as source, compares, and pickles.

A layer, a loss and an optimizer carry the record of the call that made them. Initializers, schedules and the two
functions of an optimizer are plain functions, which cannot carry one: `Recorded` is a function that does.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import re
from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, NoReturn, ParamSpec, TypeGuard, TypeVar, cast, final

from funcnn.types import is_array, is_mapping

P = ParamSpec("P")
V = TypeVar("V")
V_co = TypeVar("V_co", covariant=True)
F = TypeVar("F", bound=Callable[..., Any])


class Record(NamedTuple):
    """A call of a constructor, or the name of a ready-made value (`make` is None)."""

    module: str
    name: str
    make: Callable[..., Any] | None = None
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = {}  # noqa: RUF012  (read only)

    def replay(self) -> Any:
        """The value again."""
        if self.make is None:
            return getattr(importlib.import_module(self.module), self.name)
        return self.make(*self.args, **self.kwargs)

    def __repr__(self) -> str:
        if self.make is None:
            return self.name
        shown = [as_argument(a) for a in self.args] + [f"{k}={as_argument(v)}" for k, v in self.kwargs.items()]
        return f"{self.name}({', '.join(shown)})"

    def __eq__(self, other: object) -> bool:
        """Is it the same call? `Dense(3)` is `Dense(units=3)`, and defaults may be given or left out."""
        if not isinstance(other, Record) or (self.module, self.name) != (other.module, other.name):
            return False
        if _same(self.args, other.args) and _same(self.kwargs, other.kwargs):
            return True
        return self.make is not None and self.make is other.make and _same(self._bound(), other._bound())

    def _bound(self) -> dict[str, Any]:
        assert self.make is not None
        call = inspect.signature(self.make).bind(*self.args, **self.kwargs)
        call.apply_defaults()
        return call.arguments

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((self.module, self.name))


def recording(make: F, carried: Callable[[Record, Any], Any]) -> F:
    """A constructor that records its calls: it returns `carried(record, what make returned)`."""

    @functools.wraps(make)
    def construct(*args: Any, **kwargs: Any) -> Any:
        return carried(Record(make.__module__, make.__name__, construct, args, kwargs), make(*args, **kwargs))

    return cast(F, construct)


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
    return recording(make, Recorded)


def is_recorded(f: Callable[P, V]) -> TypeGuard[Recorded[P, V]]:
    """Does this function know by which call it was made?"""
    return isinstance(f, Recorded)


def _replayed(record: Record, part: str) -> Any:
    made = record.replay()
    return getattr(made, part) if part else made


def snake_case(name: str) -> str:
    """The name of a child out of the name of its constructor.

    >>> [snake_case(name) for name in ("Dense", "LayerNorm", "RMSNorm", "Conv1DTranspose", "LSTM")]
    ['dense', 'layer_norm', 'rms_norm', 'conv1d_transpose', 'lstm']
    """
    return re.sub(r"(?<=[A-Za-z0-9])(?=[A-Z][a-z])", "_", name).lower()


def as_argument(value: object) -> str:
    """Functions by the name they are imported by; everything else as it prints itself."""
    if _is_plain_tuple(value):
        inside = ", ".join(map(as_argument, value))
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    name = getattr(value, "__name__", None)
    return name if callable(value) and isinstance(name, str) and type(value).__repr__ in _OPAQUE else repr(value)


def _is_list(value: object) -> TypeGuard[Sequence[object]]:
    return type(value) in (tuple, list)


def _is_plain_tuple(value: object) -> TypeGuard[tuple[object, ...]]:
    """A named tuple, as a layer is one, prints and compares by itself."""
    return type(value) is tuple


_OPAQUE = (type(len).__repr__, type(as_argument).__repr__, object.__repr__, type.__repr__)


def _same(a: object, b: object) -> bool:
    """Equal arguments; arrays are compared by what they hold, and a value of another type is another value."""
    if is_array(a) or is_array(b):
        return is_array(a) and is_array(b) and a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if type(a) is not type(b):
        return False
    if _is_list(a) and _is_list(b):
        return len(a) == len(b) and all(map(_same, a, b))
    if is_mapping(a) and is_mapping(b):
        return a.keys() == b.keys() and all(_same(v, b[k]) for k, v in a.items())
    return bool(a == b)
