"""Values out of what `values` made of them, compared with what is expected in their place.

Nothing in a file names a class that would be looked up: a named tuple is made of the one that stands in its place in a
value to compare with, the first state of an optimizer say.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt

from funcnn.checkpoints import archives, sealed
from funcnn.checkpoints.saving import owned, unlike
from funcnn.checkpoints.manifests import MANIFEST
from funcnn.checkpoints.values import LEVELS, LISTED, NUMBERS, TREES, Json
from funcnn.keys import Key
from funcnn.nested import fields_of
from funcnn.params import plain, trees
from funcnn.params.mapping import ArrayTree
from funcnn.types import is_array, is_scalar


class _Anything:
    """What anything is like."""

    def __repr__(self) -> str:
        return "anything"


ANYTHING: Final = _Anything()
_NUMBER, _BOOL = "a number", "True or False"


class Decoder:
    """Takes values out of a manifest, in the order in which they were written, and notes what is not as expected.

    wrong   a phrase for everything that differs
    other   makes values of nodes that are nobody's here, by their first name, out of the node, its place and its level
    """

    def __init__(
        self, contents: Sequence[memoryview], other: Mapping[str, Callable[[Json, str, int], Any]] | None = None
    ) -> None:
        self.contents = contents
        self.other = other or {}
        self.taken = 0
        self.wrong: list[str] = []

    def finish(self) -> None:
        """Nothing must be left.

        Errors
            ValueError   some array is
        """
        if self.taken != len(self.contents):
            raise ValueError(f"its members are not the {self.taken} leaves that {MANIFEST} lists")

    def value(self, node: Json, like: Any, where: str, level: int = 0) -> Any:
        """The value of a node.

        Errors
            ValueError   it is none that `encoded` makes
        """
        if level > LEVELS:
            raise ValueError(f"{where[:40]} has more than {LEVELS} levels")
        if not isinstance(node, dict):
            if node is not None and type(node) not in (bool, int, float, str):
                raise ValueError(f"{MANIFEST} has a {type(node).__name__} for {where}")
            return self._compared(node, like, where)
        fields = cast("dict[str, Json]", node)
        match list(fields):
            case ["tuple" | "list" as kind]:
                if type(fields[kind]) is not list:
                    raise ValueError(f"{MANIFEST} has a {type(fields[kind]).__name__} for the items of {where}")
                return self._items(kind, fields[kind], like, where, level)
            case ["dict"]:
                return self._dict(_object(fields["dict"], where), like, where, level)
            case ["named", "fields"]:
                return self._named(fields["named"], _object(fields["fields"], where), like, where, level)
            case ["params" | "gradients" | "updates" as kind]:
                return self._compared(self.tree(fields[kind], kind), like, where)
            case ["array"]:
                return self._compared(self._array(fields["array"]), like, where)
            case ["scalar"]:
                array = self._array(fields["scalar"])
                if array.shape != ():
                    raise ValueError(f"{where} is a scalar of shape {array.shape}")
                return self._compared(array[()], like, where)
            case ["numbers", "in"]:
                return self._numbers(fields["numbers"], fields["in"], like, where)
            case ["float"]:
                return self._compared(struct.unpack(">d", bytes.fromhex(fields["float"]))[0], like, where)
            case ["key"]:
                return self._compared(Key.fromhex(fields["key"]), like, where)
            case [name] if name in self.other:
                return self._compared(self.other[name](fields[name], where, level), like, where)
            case names:
                raise ValueError(f"{MANIFEST} has {names!s:.60} for {where}")

    # arrays -----------------------------------------------------------------------------------------------------------
    def tree(self, node: Json, kind: str = "params") -> ArrayTree:
        """The tree of these numbers.

        Errors
            ValueError   it is none
        """
        numbers, start = _object(node, kind), self.taken
        self.taken = archives.refuse_disorder(numbers, start)
        if self.taken > len(self.contents):
            raise ValueError(f"{MANIFEST} lists more leaves than there are")
        found = [sealed.array_in(content) for content in self.contents[start : self.taken]]
        return owned(archives.filled(numbers, found, start), TREES[kind])

    def _array(self, number: Json) -> npt.NDArray[Any]:
        if type(number) is not int or number != self.taken or number >= len(self.contents):
            raise ValueError(f"{MANIFEST} does not number its leaves in order")
        self.taken += 1
        array = np.array(sealed.array_in(self.contents[number], NUMBERS))
        array.setflags(write=False)
        return array

    def _numbers(self, number: Json, kind: Json, like: Any, where: str) -> Any:
        array = self._array(number)
        if array.ndim != 1 or array.dtype.type not in LISTED.values() or kind not in ("list", "tuple"):
            raise ValueError(f"{where} is a {kind!s:.20} of numbers, {array.dtype} of shape {array.shape}")
        self._sized(kind, array.size, like, where)
        return array.tolist() if kind == "list" else tuple(array.tolist())

    # what has parts ---------------------------------------------------------------------------------------------------
    def _items(self, kind: str, items: list[Json], like: Any, where: str, level: int) -> Any:
        parts = self._sized(kind, len(items), like, where)
        found = [self.value(v, parts[i], f"{where}[{i}]", level + 1) for i, v in enumerate(items)]
        return found if kind == "list" else tuple(found)

    def _sized(self, kind: str, count: int, like: Any, where: str) -> Sequence[object]:
        """What the items of a list or tuple are like. Lists grow, and so do tuples that begin with nothing."""
        anything = [ANYTHING] * count
        if like is None or like is ANYTHING:
            return anything
        if type(like) is not (list if kind == "list" else tuple):
            self._unexpected(f"a {kind} of {count}", like, where)
            return anything
        parts = cast("Sequence[object]", like)
        if len(parts) == count:
            return parts
        if kind == "tuple" and parts:
            self.wrong.append(f"{where} has {count} parts, expected {len(parts)}")
            return anything
        last = parts[-1] if parts and fields_of(parts[-1]) is not None else ANYTHING
        return [*parts[:count], *[last] * (count - len(parts))]

    def _dict(self, node: dict[str, Json], like: Any, where: str, level: int) -> dict[str, Any]:
        parts = dict[str, Any]()
        if isinstance(like, dict):
            parts = cast("dict[str, Any]", like)
        elif like is not None and like is not ANYTHING:
            self._unexpected("a dict", like, where)
        if parts and node.keys() != parts.keys():
            self.wrong += [f"missing {where}[{name!r}]" for name in parts if name not in node]
            self.wrong += [f"unexpected {where}[{name!r}]" for name in node if name not in parts]
        return {
            name: self.value(v, parts.get(name, ANYTHING), f"{where}[{name!r}]", level + 1) for name, v in node.items()
        }

    def _named(self, name: Json, node: dict[str, Json], like: Any, where: str, level: int) -> Any:
        if type(name) is not str:
            raise ValueError(f"{MANIFEST} has a {type(name).__name__} for the name of {where}")
        parts = fields_of(like) or {}
        same = type(like).__name__ == name and list(parts) == list(node)
        if not same:
            self._unexpected(f"{name}({', '.join(node)})", like, where)
        found = {
            field: self.value(v, parts.get(field) if same else ANYTHING, f"{where}.{field}", level + 1)
            for field, v in node.items()
        }
        return like.__class__(**found) if same and not self.wrong else None

    # comparing --------------------------------------------------------------------------------------------------------
    def _compared(self, value: Any, like: Any, where: str) -> Any:
        """The value, once it is noted how it differs from the other."""
        if like is ANYTHING or like is None or value is None:
            return value
        if isinstance(value, ArrayTree) and type(value) is type(like):
            mine, other = (dict(trees.flatten(plain(tree))) for tree in (value, like))
            self.wrong += [f"{where}: {phrase}" for phrase in unlike(mine, other)]
        elif _sort(value) != _sort(like):
            self._unexpected(_described(value), like, where)
        elif _form(value) and _form(like) and _form(value) != _form(like):
            self._unexpected(_described(value), like, where)
        return value

    def _unexpected(self, got: str, like: Any, where: str) -> None:
        self.wrong.append(f"{where} is {got}, expected {_described(like)}")


def _object(node: Json, where: str) -> dict[str, Json]:
    if type(node) is not dict:
        raise ValueError(f"{MANIFEST} has a {type(node).__name__} for the parts of {where}")
    return cast("dict[str, Json]", node)


def _sort(value: Any) -> str:
    """What may stand in one another's place: NumPy's arithmetic makes scalars of arrays without axes, and of Python's
    numbers.
    """
    if is_scalar(value) or is_array(value):
        if value.ndim:
            return "an array"
        return _BOOL if value.dtype.kind == "b" else _NUMBER
    if isinstance(value, bool):
        return _BOOL
    return _NUMBER if isinstance(value, (int, float)) else type(value).__name__


def _form(value: Any) -> tuple[object, object] | None:
    """Shape and dtype of what NumPy made."""
    return (value.shape, value.dtype) if is_array(value) or is_scalar(value) else None


def _described(value: Any) -> str:
    """A value in a message."""
    if value is ANYTHING or value is None:
        return "something that a dict, a tuple, numbers and arrays make"
    if is_array(value) or is_scalar(value):
        return f"{value.dtype} of shape {value.shape}"
    if type(value) in (tuple, list):
        return f"a {type(value).__name__} of {len(value)}"
    if (fields := fields_of(value)) is not None:
        return f"{type(value).__name__}({', '.join(fields)})"
    kind = type(value).__name__
    return kind if kind == "dict" or isinstance(value, (ArrayTree, Key)) else f"{kind} {value!r:.40}"
