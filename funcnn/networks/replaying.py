"""Layers out of their records: in pickles, where a network is a list of calls and never a nest of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias, TypeGuard

from funcnn.networks.definitions import Definition
from funcnn.records import Record
from funcnn.types import is_tuple


class Made(NamedTuple):
    """In the arguments of a call: what an earlier call made."""

    i: int


Call: TypeAlias = "tuple[Record, str, bool]"
"""A call, and the name its layer then got."""


def layers_in(value: Any) -> Iterator[Any]:
    """The layers among arguments, in tuples and dicts too."""
    if _is_layer(value):
        yield value
    elif type(value) in (tuple, list):
        for v in value:
            yield from layers_in(v)
    elif _is_dict(value):
        yield from layers_in([*value.values()])


def replaced(value: Any, kind: Callable[[Any], bool], other: Callable[[Any], Any]) -> Any:
    """The same arguments with others in place of those of a kind."""
    if kind(value):
        return other(value)
    if type(value) in (tuple, list):
        return type(value)([replaced(v, kind, other) for v in value])
    return {k: replaced(v, kind, other) for k, v in value.items()} if _is_dict(value) else value


def with_layers(value: Any, new: Iterator[Any]) -> Any:
    """The same arguments with other layers, in their order."""
    return replaced(value, _is_layer, lambda _: next(new))


def calls(layer: Any, done_to: str = "pickled") -> list[Call]:
    """The calls that make a layer, parts first; a layer used twice is made once. `done_to` is what errors call this.

    Errors
        TypeError   some layer was not made by a recorded call
    """
    done: list[Call] = []
    index: dict[int, int] = {}
    left: list[Any] = [layer]
    while left:
        part = left[-1]
        definition: Definition = part.definition
        record = definition.record
        if record is None:
            raise TypeError(f"{part!r} cannot be {done_to}: make it in a constructor decorated with @layer")
        missing = [v for v in layers_in((record.args, record.kwargs)) if id(v) not in index]
        if missing:
            left += missing
            continue
        left.pop()
        if id(part) not in index:
            args, kwargs = replaced((record.args, record.kwargs), _is_layer, lambda v: Made(index[id(v)]))
            index[id(part)] = len(done)
            done.append((record._replace(args=args, kwargs=kwargs), definition.name, definition.explicit))
    return done


def replayed(program: Sequence[Call], part: str = "") -> Any:
    """The layer that the last of these calls makes, or one of its two functions."""
    made: list[Any] = []
    for record, name, explicit in program:
        args, kwargs = replaced((record.args, record.kwargs), lambda v: isinstance(v, Made), lambda v: made[v.i])
        made.append(record._replace(args=args, kwargs=kwargs).replay().renamed(name, explicit))
    return getattr(made[-1], part) if part else made[-1]


def _is_dict(value: Any) -> TypeGuard[dict[Any, Any]]:
    """A plain one: params are mappings too, and one argument."""
    return type(value) is dict


def _is_layer(value: Any) -> bool:
    return is_tuple(value) and isinstance(getattr(value, "definition", None), Definition)
