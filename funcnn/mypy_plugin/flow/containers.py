"""The methods of lists and dictionaries."""

from __future__ import annotations

from typing import Any

from funcnn.mypy_plugin.flow.networks import Networks
from funcnn.mypy_plugin.flow.keys import keyed, named_by
from funcnn.mypy_plugin.flow.values import NONE, Given, Row, Table, listed, mapped, spoil, tabled
from funcnn.mypy_plugin.recipes import ANY, Missing, Place, Value


class Containers(Networks):
    """Reads what changes lists and dictionaries."""

    def of_list(self, row: Row, name: str, values: list[Any], place: Place) -> Any:
        """What a method of a list gives and does."""
        items = self.now(row.items)
        match name, values:
            case "append", [v]:
                v = self.standing(v, place)
                row.items = mapped(lambda t: (*t, v) if listed(t) else ANY, items)
            case "extend", [v]:
                self.extend(row, v)
            case "insert", [Value(int() as i), v]:
                row.items = mapped(lambda t: inserted(t, i, v) if listed(t) else ANY, items)
            case "copy", []:
                return Row(items, True)
            case "pop", [] if listed(items) and items:
                row.items = items[:-1]
                return items[-1]
            case "pop", [Value(int() as i)] if listed(items) and -len(items) <= i < len(items):
                row.items = items[: i % len(items)] + items[i % len(items) + 1 :]
                return items[i]
            case "reverse", []:
                row.items = mapped(lambda t: t[::-1] if listed(t) else ANY, items)
            case (("index" | "count"), _):
                return Missing("int")
            case _:
                spoil([row, *values])
                return ANY
        return NONE

    def of_table(self, table: Table, name: str, values: list[Any], kwargs: dict[str, Given]) -> Any:
        """What a method of a dictionary gives and does."""
        items = self.now(table.items)
        known = items if tabled(items) else None
        match name, values:
            case "get", [key, *rest] if known is not None and keyed(key) is not None:
                return known.get(keyed(key), rest[0] if rest else NONE)
            case (("get" | "keys" | "values" | "items" | "copy"), _) if known is None:
                return ANY
            case "keys", [] if known is not None:
                return Row(tuple(map(named_by, known)))
            case "values", [] if known is not None:
                return Row(tuple(known.values()))
            case "items", [] if known is not None:
                return Row(tuple(Row((named_by(k), v)) for k, v in known.items()))
            case "copy", [] if known is not None:
                return Table(dict(known))
            case "update", [] if known is not None:
                table.items = {**known, **{k: g.value for k, g in kwargs.items()}}
                return NONE
            case "update", [Table(more)] if known is not None and tabled(more) and not kwargs:
                table.items = {**known, **more}
                return NONE
            case _:
                spoil([table, *values])
                return ANY


def inserted(items: tuple[Any, ...], i: int, v: Any) -> tuple[Any, ...]:
    """The items with one more before the i-th."""
    out = list(items)
    out.insert(i, v)
    return tuple(out)
