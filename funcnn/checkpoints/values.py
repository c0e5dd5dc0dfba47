"""Nested values as JSON and arrays: states of optimizers, histories, whatever is made of numbers, arrays and tuples.

What JSON has no word for is an object that says what it is:

    {"tuple": [...]}    {"list": [...]}    {"dict": {...}}    {"named": "AdamState", "fields": {...}}
    {"params": {...}}   {"gradients": {...}}   {"updates": {...}}     trees, with numbers of arrays for leaves
    {"array": 3}    {"scalar": 4}    {"numbers": 5, "in": "list"}     arrays by number; the last is a long list
    {"float": "7ff8000000000000"}    {"key": "00ff..."}               what is no finite number; the state of a key
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from funcnn.array_kinds import native
from funcnn.checkpoints import archives
from funcnn.errors import brief
from funcnn.keys import Key
from funcnn.nested import fields_of
from funcnn.params import Gradients, Params, Updates, plain
from funcnn.params.mapping import ArrayTree
from funcnn.types import is_array, is_scalar

Json: TypeAlias = Any
Leaves: TypeAlias = "list[npt.NDArray[Any]]"

LEVELS: Final = 100
"""How deep values are, trees of params apart: tuples in tuples."""

NUMBERS: Final = "fiubc"
"""The kinds of dtypes that are stored."""

LONG: Final = 16
"""From how many numbers on a list of them is an array in the file."""

TREES: Final[dict[str, type[ArrayTree]]] = {"params": Params, "gradients": Gradients, "updates": Updates}
LISTED: Final[dict[type, type[np.generic]]] = {float: np.float64, int: np.int64, bool: np.bool_}
_BITS: Final = 10_000  # Python reads no numbers of more than 4300 digits


def encoded(
    value: object, where: str, leaves: Leaves, *, classes: bool, other: Callable[[object, str], Json] | None = None
) -> Json:
    """The value as JSON; its arrays join the leaves. Named tuples and dataclasses are stored only if `classes` are: the
    reader must have some to make them of. `other` says what stands for values that are none of these, or None.

    Errors
        TypeError     something in it cannot be stored, with where it is
        ParamsError   a tree of params has more levels or subtrees than are read again
    """

    def walk(value: object, where: str, level: int) -> Json:
        if level > LEVELS:
            raise TypeError(f"{where[:40]}... cannot be stored: it has more than {LEVELS} levels, or is within itself")
        kind = type(value)
        if value is None or kind in (bool, str, int, float):
            return _plain(value, where)
        if other is not None and (node := other(value, where)) is not None:
            return node
        if isinstance(value, Key):
            return {"key": bytes(value).hex()}
        if isinstance(value, ArrayTree):
            return {kind.__name__.lower(): archives.numbered(plain(value), leaves)}
        if is_scalar(value) or (is_array(value) and kind in (np.ndarray, np.memmap)):
            return {"scalar" if is_scalar(value) else "array": _joined(leaves, _numbers(value, where))}
        if kind in (tuple, list):
            items = cast("Sequence[object]", value)
            if (array := _listed(items)) is not None:
                return {"numbers": _joined(leaves, array), "in": kind.__name__}
            return {kind.__name__: [walk(v, f"{where}[{i}]", level + 1) for i, v in enumerate(items)]}
        if kind is dict:
            names = cast("Mapping[object, object]", value)
            if odd := [name for name in names if type(name) is not str]:
                raise TypeError(f"{where} cannot be stored: its keys must be strings, got {brief(odd[0])}")
            return {"dict": {cast(str, name): walk(v, f"{where}[{name!r}]", level + 1) for name, v in names.items()}}
        if (fields := fields_of(value)) is not None:
            if not classes:
                fix = "give a dict, ._asdict() of a named tuple or asdict(...) of a dataclass"
                raise TypeError(f"{where} cannot be stored: no {kind.__name__} could be made when it is read; {fix}")
            inner = {name: walk(v, f"{where}.{name}", level + 1) for name, v in fields.items()}
            return {"named": kind.__name__, "fields": inner}
        raise TypeError(
            f"{where} cannot be stored: it is a {kind.__name__}, {brief(value)}; numbers, strings, None, arrays, "
            "Params and keys can be, and tuples, named tuples, lists and dicts of them"
        )

    return walk(value, where, 0)


def _plain(value: Any, where: str) -> Json:
    """What JSON has a word for, and floats that are not finite."""
    if type(value) is int and value.bit_length() > _BITS:
        raise TypeError(f"{where} cannot be stored: it is an int of more than {_BITS:,} bits")
    if type(value) is float and not math.isfinite(value):
        return {"float": struct.pack(">d", value).hex()}
    return value


def _numbers(value: npt.NDArray[Any] | np.generic, where: str) -> npt.NDArray[Any]:
    array = np.asarray(value)
    if array.dtype.kind not in NUMBERS:
        raise TypeError(f"{where} cannot be stored: it is an array of dtype {array.dtype}; arrays of numbers can be")
    return np.asarray(array, native(array.dtype), order="C")


def _listed(items: Sequence[Any]) -> npt.NDArray[Any] | None:
    """The array that stands for a long list of nothing but Python's floats, ints that NumPy has, or bools."""
    if len(items) < LONG:
        return None
    kind: type[Any] = items[0].__class__
    if kind not in LISTED or any(v.__class__ is not kind for v in items):
        return None
    if kind is int and not all(-(1 << 63) <= v < 1 << 63 for v in items):
        return None
    return np.array(items, LISTED[kind])


def _joined(leaves: Leaves, array: npt.NDArray[Any]) -> int:
    leaves.append(array)
    return len(leaves) - 1
