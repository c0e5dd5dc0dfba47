"""Values: what nobody can change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import numpy as np

from funcnn.foreign.lookups import answering

V = TypeVar("V")
C = TypeVar("C")


def frozen(
    refusal: str, error: type[Exception] = AttributeError, *, items: bool = False
) -> Callable[[type[C]], type[C]]:
    """Make a class one of values: nothing in them is set or deleted, nor any of their `items`, and a copy is the value.

    `refusal` is what the error says, with `{name}` for what was to be set, `{self}` and `{kind}` for the value and its
    class. Type checkers know of no `__setattr__`, and refuse the assignment themselves. An attribute that is not there
    is answered with our word for it, where it is another library's.

    >>> @frozen("points never change; make another instead of setting {name}")
    ... class Point: ...
    >>> Point().x = 3
    Traceback (most recent call last):
    AttributeError: points never change; make another instead of setting x
    """

    def refuse(self: object, name: object, *value: object) -> NoReturn:
        raise error(refusal.format(name=name, self=self, kind=type(self).__name__.lower()))

    def itself(self: V, *memo: object) -> V:
        return self

    def decorate(cls: type[C]) -> type[C]:
        for method in ("__setattr__", "__delattr__", *(("__setitem__", "__delitem__") if items else ())):
            setattr(cls, method, refuse)
        for method in ("__copy__", "__deepcopy__"):
            setattr(cls, method, itself)
        return cls if hasattr(cls, "__getattr__") else answering(cls)

    return decorate


def fixed(value: Any) -> Any:
    """An argument as a value that nobody else can change: a record must not change when its argument does.

    Lists, dicts and arrays are copied; NumPy's scalars become Python's own numbers, which neither overflow nor turn
    float32 into float64.

    >>> fixed([np.int64(3), {"scale": np.float32(0.5)}])
    [3, {'scale': 0.5}]
    """
    kind: Any = value.__class__
    if kind in _AS_THEY_ARE:
        return value
    if kind is list:
        return [fixed(v) for v in value]
    if kind is tuple:
        return tuple([fixed(v) for v in value])
    if kind is dict:
        return {key: fixed(v) for key, v in value.items()}
    if kind is np.ndarray:
        array = np.array(value, order="K")
        array.setflags(write=False)
        return array
    return value.item() if issubclass(kind, _NUMBERS) else value


_NUMBERS = (np.bool_, np.integer, np.floating, np.str_)
_AS_THEY_ARE = frozenset((int, float, bool, str, type(None)))
