"""Things that may change: what is in them, how to bring it back, and whether it is the same as it was."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, MutableMapping
from typing import Any

import numpy as np

from funcnn.types import is_array


class Memory:
    """Something that may change: how to bring `held` back, and whether it is the same as it was."""

    def __init__(self, held: Any, back: Callable[[], None], same: Callable[[], bool]) -> None:
        self.held, self.back, self.same = held, back, same

    @classmethod
    def of(cls, thing: Any) -> Memory:
        """A container with what is in it now, or an array with its numbers."""
        if is_array(thing):
            numbers = thing.copy()
            return cls(thing, lambda: np.copyto(thing, numbers), lambda: thing.tobytes() == numbers.tobytes())
        items = dict(thing) if hasattr(thing, "keys") else list(thing)

        def back() -> None:
            if not same():
                thing.clear()
                add: Any = getattr(thing, "update", None) or thing.extend
                add(items)

        def same() -> bool:
            if len(thing) != len(items):
                return False
            if isinstance(items, dict):
                return all(thing.get(key) is value for key, value in items.items())
            return all(a is b for a, b in zip(thing, items, strict=True))

        return cls(thing, back, same)

    @classmethod
    def of_names(
        cls, held: MutableMapping[str, Any], only: Container[str] | None = None, but: Container[str] = ()
    ) -> Memory:
        """What names stand for, those that there are and will be, in the dict of a function, a module, a namespace."""

        def now() -> dict[str, Any]:
            return {name: v for name, v in list(held.items()) if (only is None or name in only) and name not in but}

        before = now()

        def back() -> None:
            for name in now().keys() - before.keys():
                held.pop(name, None)
            held.update({name: value for name, value in before.items() if not _same(held.get(name, now), value)})

        return cls(held, back, lambda: _same_items(now(), before))

    @classmethod
    def of_class(cls, kind: type) -> Memory:
        """The attributes of a class."""
        before = dict(vars(kind))

        def back() -> None:
            for name in vars(kind).keys() - before.keys():
                delattr(kind, name)
            for name, value in before.items():
                if vars(kind).get(name, back) is not value:
                    setattr(kind, name, value)

        return cls(kind, back, lambda: _same_items(dict(vars(kind)), before))

    @classmethod
    def of_slots(cls, thing: object, slots: Mapping[str, Any]) -> Memory:
        """What an object has in slots that are filled."""

        def back() -> None:
            for name, value in slots.items():
                if getattr(thing, name, back) is not value:
                    object.__setattr__(thing, name, value)

        return cls(thing, back, lambda: _same_items(slots_of(thing), slots))

    @classmethod
    def of_bytes(cls, thing: Any) -> Memory:
        """Bytes and numbers that Python keeps."""
        before = thing[:]

        def back() -> None:
            if len(thing) == len(before):  # whatever looks into it forbids another length
                for i, value in enumerate(before):
                    thing[i] = value
            else:
                thing[:] = before

        return cls(thing, back, lambda: bool(thing == before))


def _same(one: Any, other: Any) -> bool:
    """Is it the same thing? Those of the environment are made anew whenever one asks."""
    return one is other or (type(one) is str and type(other) is str and one == other)


def _same_items(now: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    return now.keys() == before.keys() and all(_same(now[name], value) for name, value in before.items())


def slots_of(thing: object) -> dict[str, Any]:
    """What is in the slots of an object of a class that somebody wrote."""
    names = [name for kind in type(thing).__mro__ for name in _as_names(vars(kind).get("__slots__", ()))]
    return {name: getattr(thing, name) for name in names if not name.startswith("__") and hasattr(thing, name)}


def _as_names(slots: Any) -> list[str]:
    return [slots] if isinstance(slots, str) else list(slots)
