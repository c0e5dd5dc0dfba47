"""NumPy's functions, tried on arrays of zeros, for shapes alone decide about a shape; once for the same arguments."""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, cast

import numpy as np

from funcnn.mypy_plugin.flow.data import Data, dtype_of
from funcnn.mypy_plugin.flow.values import PARTS, Name, Row, listed
from funcnn.mypy_plugin.recipes import Place, Value

LARGEST: Final = 2_000_000  # numbers that are computed
PRODUCTS: Final = 1_000_000_000  # of numbers, in a product of matrices


class _Unknown(Exception):
    """There is something in it that is not known."""


def tried(f: Callable[..., Any], values: list[Any], named: Mapping[str, Any], place: Place) -> Data | None:
    """The array that a function gives; None where something is not known or it is large, and where it raises."""
    left = iter(range(PARTS))
    try:
        args = tuple(_frozen(v, left) for v in values)
        kwargs = tuple((k, _frozen(v, left)) for k, v in named.items())
    except _Unknown:
        return None
    made = shape_of(f, args, kwargs)
    return None if made is None else Data(*made, place)


def _frozen(value: Any, left: Iterator[int]) -> tuple[Any, ...]:
    """An argument as it decides about the shape: of arrays, shape and dtype."""
    if next(left, None) is None:
        raise _Unknown
    match value:
        case Value(literal):
            return "value", type(literal), literal
        case Data():
            return "array", value.shape, value.dtype
        case Row(items, mutable) if listed(items):
            return "list" if mutable else "tuple", tuple(_frozen(i, left) for i in items)
        case Name() if (dtype := dtype_of(value)) is not None:
            return "value", type(dtype), dtype
        case _:
            if isinstance(value, slice):
                cut = cast(Any, value)
                return "slice", cut.start, cut.stop, cut.step
            if value is ...:
                return "value", None, ...
            raise _Unknown


def _thawed(frozen: tuple[Any, ...]) -> Any:
    match frozen:
        case ("array", shape, dtype):
            return np.broadcast_to(np.zeros((), dtype), shape)
        case (("list" | "tuple") as kind, parts):
            found = [_thawed(part) for part in parts]
            return found if kind == "list" else tuple(found)
        case ("slice", start, stop, step):
            return slice(start, stop, step)
        case _:
            return frozen[2]


@functools.lru_cache(4096)
def shape_of(
    f: Callable[..., Any], args: tuple[Any, ...], kwargs: tuple[tuple[str, Any], ...]
) -> tuple[tuple[int, ...], np.dtype[Any]] | None:
    """The shape and the dtype of what a function gives for such arguments."""
    given, named = [_thawed(a) for a in args], {k: _thawed(a) for k, a in kwargs}
    try:
        if _work(f.__name__, [*given, *named.values()]) > LARGEST:
            return None
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            made = np.asarray(f(*given, **named))
    except Exception:  # a mistake that is not ours to tell
        return None
    return (made.shape, made.dtype) if made.dtype.kind in "biuf" else None


def _work(name: str, given: list[Any]) -> float:
    """How many numbers a function computes, at least about."""
    parts = list(_parts(given))
    shapes = _shapes(parts)
    numbers: list[float] = [abs(p) for p in parts if isinstance(p, (int, float)) and not isinstance(p, bool)]
    sizes, product = sum(map(math.prod, shapes)), math.prod(max(1, n) for n in numbers)
    first, *others = shapes or [()]
    rows, last = (first[0], first[-1]) if first else (1, 1)
    match name:
        case "matmul" if len(others) == 1:
            products = math.prod(first) * math.prod(others[0][:-2]) * (others[0][-1] if len(others[0]) > 1 else 1)
            return products / max(1, last) if products <= PRODUCTS else math.inf
        case "tile" | "repeat" | "zeros":
            return max(1, sizes) * product
        case "pad":
            return math.prod(n + 2 * max(numbers, default=0) for n in first)
        case "eye" | "identity":
            return max(numbers, default=0) ** 2
        case "arange":
            return sum(numbers) / min((n for n in numbers if n), default=1)
        case "linspace" | "_permuted":
            return max([50, sizes, *numbers])
        case "_at":
            return max(sizes, math.prod(map(math.prod, others)) * math.prod(first) / max(1, rows))
        case _:
            return max(sizes, _together(_shapes(given)))


def _shapes(given: list[Any]) -> list[tuple[int, ...]]:
    return [np.shape(a) for a in given if isinstance(a, np.ndarray)]  # pyright: ignore[reportUnknownArgumentType]


def _together(shapes: list[tuple[int, ...]]) -> int:
    """How large arrays of these shapes are when they are broadcast."""
    try:
        return math.prod(np.broadcast_shapes(*shapes))
    except ValueError:
        return 0


def _parts(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, (list, tuple)):
            yield from _parts(value)  # pyright: ignore[reportUnknownArgumentType]
        else:
            yield value
