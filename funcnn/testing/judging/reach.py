"""What the functions of a part reach: those they call, and everything in which they could remember something."""

from __future__ import annotations

import dis
import functools
import os
import sys
from array import array
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from types import CellType, CodeType, FunctionType, MethodType, ModuleType, SimpleNamespace
from typing import Any, Final, cast
from weakref import WeakKeyDictionary, WeakValueDictionary

from funcnn.networks import is_layer
from funcnn.networks.definitions import Definition
from funcnn.testing.judging.causes import outside
from funcnn.testing.judging.memories import Memory, slots_of
from funcnn.types import is_array

MOST: Final = 2000  # things that are looked at
_KEPT: Final = (dict, list, set, deque, WeakKeyDictionary, WeakValueDictionary)
_BYTES: Final = (bytearray, array)
_ENVIRONMENT: Final = frozenset({"environ", "environb", "getenv", "putenv"})


class Reach:
    """What is found from a layer on, or from some functions, in closures, defaults, attributes, and in globals of
    modules that are neither this library nor another.
    """

    def __init__(self, *things: object) -> None:
        self.functions: list[FunctionType] = []
        self.memories: list[Memory] = []
        self.memos: list[Any] = []
        self._seen: dict[int, Any] = {}
        todo: list[Any] = [*things]
        while todo and len(self._seen) < MOST:
            thing = todo.pop()
            if id(thing) not in self._seen:
                self._seen[id(thing)] = thing  # kept, so that nothing else gets its identity
                todo += self._beyond(thing)

    def _beyond(self, thing: Any) -> Iterator[Any]:
        if isinstance(thing, Definition):
            yield from (thing.rule, thing.value, thing.step, *thing.children.values())
        elif is_layer(thing):
            yield thing.definition
        elif isinstance(thing, FunctionType):
            self.functions.append(thing)
            yield from (*(thing.__defaults__ or ()), *(thing.__kwdefaults__ or {}).values(), *(thing.__closure__ or ()))
            if outside(thing.__code__.co_filename):
                self.memories.append(Memory.of_names(vars(thing)))
                yield from vars(thing).values()
                yield from self._globals(thing)
        elif isinstance(thing, CellType):
            yield from self._in_cell(thing)
        elif isinstance(thing, MethodType):
            yield from (thing.__func__, thing.__self__)
        elif isinstance(thing, functools.partial):
            yield from (thing.func, *thing.args, *thing.keywords.values())
        elif hasattr(thing, "cache_clear") and hasattr(thing, "__wrapped__"):
            self.memos.append(thing)
            yield thing.__wrapped__
        elif isinstance(thing, _KEPT):
            self.memories.append(Memory.of(thing))
            yield from _items(thing)
        elif is_array(thing):
            if thing.flags.writeable:
                self.memories.append(Memory.of(thing))
        elif isinstance(thing, _BYTES):
            self.memories.append(Memory.of_bytes(thing))
        elif isinstance(thing, SimpleNamespace):
            self.memories.append(Memory.of_names(vars(thing)))
            yield from vars(thing).values()
        elif isinstance(thing, ModuleType):
            self.memories.append(Memory.of_names(vars(thing)))
            yield from filter(_may_remember, list(vars(thing).values()))
        elif isinstance(thing, tuple):
            yield from thing  # pyright: ignore[reportUnknownVariableType]
        elif isinstance(thing, type):
            if _users_class(thing):
                self.memories.append(Memory.of_class(thing))
                yield from list(vars(thing).values())
        elif _is_users(thing):
            held = _own(thing)
            slots = _own_slots(thing)
            self.memories += [Memory.of(held), Memory.of_slots(thing, slots)]
            yield from (*held.values(), *slots.values(), *filter(_users_class, type(thing).__mro__))

    def _in_cell(self, cell: CellType) -> Iterator[Any]:
        if not filled(cell):
            return
        held = cell.cell_contents
        self.memories.append(Memory(held, functools.partial(setattr, cell, "cell_contents", held),
                                    lambda: cell.cell_contents is held))  # fmt: skip
        yield held

    def _globals(self, f: FunctionType) -> Iterator[Any]:
        known = f.__globals__
        for code in _codes(f.__code__):
            for name in code.co_names:
                if _may_remember(known.get(name)):
                    yield known[name]
            if _ENVIRONMENT.intersection(code.co_names):
                self.memories.append(Memory.of_names(os.environ, but=("PYTEST_CURRENT_TEST",)))
            stored = {i.argval for i in dis.get_instructions(code) if i.opname == "STORE_GLOBAL"}
            if stored:
                self.memories.append(Memory.of_names(known, stored))

    def restore(self) -> None:
        """Let all be as it was when this was made; what is found again by the same arguments is forgotten."""
        for memory in self.memories:
            memory.back()
        for memo in self.memos:
            memo.cache_clear()

    @property
    def changed(self) -> bool:
        """Has anything changed since?"""
        return bool(self.memos) or not all(memory.same() for memory in self.memories)


_OF_CASES: Final = ("layer", "loss", "optimizer", "metric", "penalty", "schedule", "initializer")
_RULES: Final = ("definition", "rule", "run", "update", "function", "__wrapped__", "func", "__func__")


def rules(case: object) -> list[FunctionType]:
    """The functions of a user's own that what a case is about begins with; none where it is this library's.

    Those that a function of the library has closed over are looked into, and no others.
    """
    parts = parts_of(case)
    of_shapes = _first_of([part.definition.meets for part in parts if is_layer(part)])
    return [f for f in _first_of(parts) if f not in of_shapes]


def parts_of(case: object) -> list[Any]:
    """What a case is about: a layer, a loss, an optimizer."""
    return [vars(case)[name] for name in _OF_CASES if vars(case).get(name) is not None]


def _first_of(todo: list[Any]) -> list[FunctionType]:
    found: list[FunctionType] = []
    seen: dict[int, Any] = {}
    while todo and len(seen) < MOST:
        thing = todo.pop(0)
        if id(thing) in seen or is_array(thing):
            continue
        seen[id(thing)] = thing
        if isinstance(thing, FunctionType):
            if outside(thing.__code__.co_filename):
                found.append(thing)
            else:
                todo += [cell.cell_contents for cell in thing.__closure__ or () if filled(cell)]
        elif not isinstance(thing, type):
            todo += _rules_of(thing)
    return found


def _rules_of(thing: Any) -> list[Any]:
    """What a value of the library, or something that can be called, calls in turn."""
    kind = cast(Any, type(thing))
    if not callable(thing) and not is_layer(thing) and not kind.__module__.startswith("funcnn"):
        return []
    named = [name for name in _RULES if hasattr(kind, name) or name in _own(thing)]
    return [*(getattr(thing, name) for name in named), getattr(kind, "__call__", None)]


def _own(thing: object) -> dict[str, Any]:
    held: dict[str, Any] = getattr(thing, "__dict__", {})
    return held


def filled(cell: Any) -> bool:
    """Is there something in a cell of a closure?"""
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False


def _own_slots(thing: object) -> dict[str, Any]:
    return slots_of(thing) if _users_class(type(thing)) else {}


def _users_class(kind: type) -> bool:
    """Is this a class that somebody wrote, outside of libraries?"""
    return _users_module(sys.modules.get(kind.__module__))


def _users_module(module: ModuleType | None) -> bool:
    """Is this a file of somebody's own, and not of an installed package, which has thousands of names?"""
    file = getattr(module, "__file__", None)
    if module is None or file is None or not outside(file):
        return False
    top = sys.modules.get(module.__name__.partition(".")[0], module)
    place = Path(getattr(top, "__file__", None) or file)
    return not _is_installed(place.parents[place.name == "__init__.py"])


@functools.cache
def _is_installed(folder: Path) -> bool:
    """Is this a folder that packages are installed into?"""
    return folder.name in ("site-packages", "dist-packages") or any(folder.glob("*.dist-info"))


def _items(thing: Any) -> list[Any]:
    return list(thing.values() if hasattr(thing, "values") else thing)


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _codes(inner)


def _may_remember(thing: Any) -> bool:
    """Is this a function, a container, an array, or of a class that somebody wrote?"""
    if isinstance(thing, ModuleType):
        return _users_module(thing)
    if isinstance(thing, type):
        return _users_class(thing)
    if isinstance(thing, tuple):
        return any(map(_may_remember, thing))  # pyright: ignore[reportUnknownArgumentType]
    plain = isinstance(thing, (FunctionType, MethodType, functools.partial, SimpleNamespace, *_KEPT, *_BYTES))
    return plain or is_array(thing) or hasattr(cast(object, thing), "cache_clear") or _is_users(cast(object, thing))


def _is_users(thing: object) -> bool:
    """Is this an instance of a class that somebody wrote in Python, outside of libraries?"""
    rule = getattr(type(thing), "__call__", None)
    known = [rule, *vars(type(thing)).values()]
    holds = hasattr(thing, "__dict__") or bool(_own_slots(thing))
    return holds and not isinstance(thing, type) and any(
        isinstance(f, FunctionType) and outside(f.__code__.co_filename) for f in known
    )  # fmt: skip
