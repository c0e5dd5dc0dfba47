"""Groups of params: leaves that lie side by side in the vector, and of which the same is told."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeAlias

import numpy as np

from funcnn.params.layouts import Layout
from funcnn.params.selection import selected
from funcnn.types import Array, Where


class Table(NamedTuple):
    """What is told of leaves: of those that a `where` chooses, the number beside it; of all others, the `rest`.

    Of several that choose a leaf the first one counts, here as in `by_label`.
    """

    rows: tuple[tuple[Where, float], ...]
    rest: float


class Group(NamedTuple):
    """From where to where in the vector, and what each table tells of it."""

    start: int
    end: int
    told: tuple[float, ...]


Grouping: TypeAlias = "Callable[[Array, Layout], tuple[Group, ...]]"
"""`(params, layout) -> groups`, which cover the vector from its start to its end."""


def grouping(name: str, *tables: Table) -> Grouping:
    """The groups of the params of the optimizer of this name. They do not change, unless a function looks at values.

    Errors, from the function
        ParamsError   a `where` chooses no leaf
        TypeError     it is none
    """

    @functools.lru_cache(8)  # a layout is compared by identity, and lives as long as the params that are trained
    def by_layout(layout: Layout) -> tuple[Group, ...]:
        return _grouped(name, np.empty(layout.size), layout, tables)  # neither patterns nor ranks look at values

    def groups(p: Array, layout: Layout) -> tuple[Group, ...]:
        return _grouped(name, p, layout, tables) if looks else by_layout(layout)

    looks = any(callable(where) for table in tables for where, _ in table.rows)
    return groups


def _grouped(name: str, p: Array, layout: Layout, tables: Iterable[Table]) -> tuple[Group, ...]:
    places = list(layout.places())
    leaves = {path: p[start:end].reshape(shape) for path, start, end, shape in places}
    if not places:  # nothing to choose from, and nothing to step
        return ()
    columns: list[dict[str, float]] = []
    for rows, rest in tables:
        column = dict.fromkeys(leaves, rest)
        for where, number in reversed(rows):
            column.update(dict.fromkeys(selected(leaves, where, caller=name), number))
        columns.append(column)
    groups: list[Group] = []
    for path, start, end, _ in places:
        told = tuple(column[path] for column in columns)
        if groups and groups[-1].told == told:
            groups[-1] = groups[-1]._replace(end=end)
        elif start < end:
            groups.append(Group(start, end, told))
    return tuple(groups)
