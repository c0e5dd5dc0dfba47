"""What a value was made by: so that it prints as source, compares, and pickles.

A layer, a loss and a penalty carry the record of the call that made them. Plain functions cannot: see
`recorded_functions`.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeGuard, TypeVar, cast

import numpy as np
import numpy.typing as npt

from funcnn.documentation import tells_of_itself
from funcnn.errors import brief
from funcnn.foreign.calls import refused
from funcnn.types import is_array, is_mapping
from funcnn.values import fixed

F = TypeVar("F", bound=Callable[..., Any])
C = TypeVar("C")


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
        return printed(self)

    def __eq__(self, other: object) -> bool:
        """Is it the same call? `Dense(3)` is `Dense(units=3)`, and defaults may be given or left out."""
        return isinstance(other, Record) and same_value(self, other)

    def bound(self) -> inspect.BoundArguments:
        """The arguments, defaults filled in."""
        assert self.make is not None
        call = inspect.signature(self.make).bind(*self.args, **self.kwargs)
        call.apply_defaults()
        return call

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((self.module, self.name))

    def __reduce__(self) -> tuple[Any, ...]:
        return Record, (self.module, self.name, self.make, self.args, self.kwargs)


class Origin(NamedTuple):
    """What a value that carries its record, as `value.origin`, is known by.

    record   how it was made; None: it is nothing but itself
    other    how its other half was made, where there are two
    key      what else makes a difference between two such values
    suffix   what is printed behind the record
    shown    what is printed where there is no record
    """

    record: Record | None
    other: Record | None = None
    key: object = None
    suffix: str = ""
    shown: str = ""


def known_by_origin(cls: type[C]) -> type[C]:
    """Make a class one whose values print, compare and hash by how they were made, by what their `origin` says; their
    `help` is that of what made them.
    """

    def equal(self: object, other: object) -> bool:
        return same_value(self, other) if type(other) is type(self) else NotImplemented

    def unequal(self: object, other: object) -> bool:
        return not self == other

    def hashed(self: Any) -> int:
        origin: Origin = self.origin
        return hash((origin.record, origin.key))

    def shown(self: object) -> str:
        return printed(self)

    def places(self: Any) -> list[tuple[str, str]]:
        origin: Origin = self.origin
        return [] if origin.record is None else [(origin.record.module, origin.record.name)]

    for name, method in (("__repr__", shown), ("__eq__", equal), ("__ne__", unequal), ("__hash__", hashed)):
        setattr(cls, name, method)
    tells_of_itself(cls, places)
    return cls


def recording(make: F, carried: Callable[[Record, Any], Any]) -> F:
    """A constructor that records its calls: it returns `carried(record, what make returned)`."""

    if not hasattr(make, "__qualname__"):
        raise TypeError(f"constructors are functions, decorated where they are defined, got {brief(make)}")
    switches = _switches(make)

    @functools.wraps(make)
    def construct(*args: Any, **kwargs: Any) -> Any:
        args, kwargs = fixed(args), fixed(kwargs)
        for i, name in switches:
            value = kwargs[name] if name in kwargs else args[i] if i < len(args) else True
            if type(value) is not bool:
                raise ValueError(f"{make.__name__}: {name} must be True or False, got {brief(value)}")
        try:
            made = make(*args, **kwargs)
        except TypeError as error:
            told = refused(make, error)
            if told is error:
                raise
            raise told from None
        return carried(Record(make.__module__, make.__name__, construct, args, kwargs), made)

    setattr(construct, _MARK, True)
    return cast(F, construct)


_MARK = "records_its_calls"


def is_recording(make: object) -> bool:
    """Is this a constructor that records its calls?

    >>> from funcnn.records import is_recording
    >>> is_recording(Dense), is_recording(print), is_recording(Relu)
    (True, False, False)
    """
    return callable(make) and getattr(make, _MARK, False) is True


def _switches(make: Callable[..., Any]) -> list[tuple[int, str]]:
    """The parameters of a constructor that are True or False, as its annotations say, with their places."""
    code = getattr(make, "__code__", None)
    if code is None:
        return []
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    last = 1 << 30  # who is given by keyword alone has no place
    return [
        (i if i < code.co_argcount else last, name)
        for i, name in enumerate(names)
        if make.__annotations__.get(name) in ("bool", bool)
    ]


def replay(record: Record, part: str = "", bound: dict[str, Any] | None = None) -> Any:
    """What the call of a record makes, or a part of it, with options bound: how values that carry one are unpickled."""
    made = record.replay()
    made = getattr(made, part) if part else made
    return made.bind(**bound) if bound else made


# Networks are nested as deep as people like, so that nothing here calls itself: what is left to do lies on a list.
def printed(value: object) -> str:
    """A value that carries its record, or a record, as source."""
    done: list[str] = []
    left: list[object] = [value]
    while left:
        part = left.pop()
        if isinstance(part, _Text):
            done.append(part)
            continue
        origin = part if isinstance(part, Origin) else getattr(part, "origin", None)
        if isinstance(origin, Origin):
            left += [_Text(origin.suffix), origin.record] if origin.record else [_Text(origin.shown)]
        elif isinstance(part, Record):
            left += reversed(_call(part))
        elif _is_plain_tuple(part):
            left += reversed(_joined("(", [[v] for v in part], ",)" if len(part) == 1 else ")"))
        elif _is_list(part):
            left += reversed(_joined("[", [[v] for v in part], "]"))
        elif _is_plain_dict(part):
            left += reversed(_joined("{", [[_Text(f"{key!r}: "), v] for key, v in part.items()], "}"))
        else:
            done.append(as_argument(part))
    return "".join(done)


class _Text(str):
    """A piece of source, as it is."""


def _call(record: Record) -> list[object]:
    if record.make is None:
        return [_Text(record.name)]
    arguments: list[list[object]] = [[v] for v in record.args]
    for name, v in record.kwargs.items():
        arguments.append([_Text(f"{name}="), v])
    return _joined(f"{record.name}(", arguments, ")")


def _joined(start: str, items: list[list[object]], end: str) -> list[object]:
    pieces: list[object] = [_Text(start)]
    for i, item in enumerate(items):
        pieces += [_Text(", "), *item] if i else item
    return [*pieces, _Text(end)]


def as_argument(value: object) -> str:
    """Functions by the name they are imported by; everything else as it prints itself."""
    if _is_plain_tuple(value) or isinstance(value, Record):
        return printed(value)
    if is_mapping(value) and not isinstance(value, dict):
        return repr(value).partition("\n")[0]  # a tree of params: its title
    if isinstance(value, functools.partial):
        given = [*map(as_argument, value.args), *(f"{name}={as_argument(v)}" for name, v in value.keywords.items())]
        return f"partial({', '.join([as_argument(value.func), *given])})"
    name = getattr(value, "__name__", None)
    return name if callable(value) and isinstance(name, str) and type(value).__repr__ in _OPAQUE else repr(value)


def _is_list(value: object) -> TypeGuard[Sequence[object]]:
    return type(value) in (tuple, list)


def _is_plain_tuple(value: object) -> TypeGuard[tuple[object, ...]]:
    """A named tuple, as a layer is one, prints and compares by itself."""
    return type(value) is tuple


def _is_plain_dict(value: object) -> TypeGuard[dict[object, object]]:
    return type(value) is dict


_OPAQUE = (np.ufunc.__repr__, type(len).__repr__, type(as_argument).__repr__, object.__repr__, type.__repr__)


def same_value(a: object, b: object) -> bool:
    """Are two records, two values that carry one, or two arguments the same?

    Arrays are compared by what they hold, and a value of another type is another value.
    """
    left: list[tuple[object, object]] = [(a, b)]
    seen: set[tuple[int, int]] = set()  # a part used twice is looked at once
    while left:
        x, y = left.pop()
        if x is y or (id(x), id(y)) in seen:
            continue
        if is_array(x) or is_array(y):
            if not (is_array(x) and is_array(y) and _same_array(x, y)):
                return False
        elif type(x) is not type(y):
            return False
        elif _is_list(x) and _is_list(y):
            if len(x) != len(y):
                return False
            left += zip(x, y, strict=True)
        elif is_mapping(x) and is_mapping(y):
            # of a dict that was written down the order counts: it prints otherwise, and the first pattern counts
            if x.keys() != y.keys() or (_is_plain_dict(x) and list(x) != list(y)):
                return False
            left += [(v, y[key]) for key, v in x.items()]
        elif isinstance(x, Record) and isinstance(y, Record):
            if (x.module, x.name) != (y.module, y.name):
                return False
            seen.add((id(x), id(y)))
            if len(x.args) == len(y.args) and x.kwargs.keys() == y.kwargs.keys():
                left += [(x.args, y.args), *((v, y.kwargs[name]) for name, v in x.kwargs.items())]
            elif x.make is not None and x.make is y.make:
                given = y.bound().arguments
                left += [(v, given[name]) for name, v in x.bound().arguments.items()]
            else:
                return False
        else:
            mine, its = getattr(x, "origin", None), getattr(y, "origin", None)
            if not (isinstance(mine, Origin) and isinstance(its, Origin)):
                if not x == y:
                    return False
            elif mine.key != its.key:
                return False
            else:
                left += [(mine.record, its.record), (mine.other, its.other)]
    return True


def _same_array(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
