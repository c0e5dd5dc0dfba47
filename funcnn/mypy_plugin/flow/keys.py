"""Keys of dictionaries: numbers, words and members of enumerations."""

from __future__ import annotations

from typing import Any

from funcnn.mypy_plugin.flow.values import Thing
from funcnn.mypy_plugin.recipes import Value


def keyed(value: Any) -> Any:
    """A value as the key of a dictionary; None if it is not known which one it is."""
    if isinstance(value, Thing):
        return value if value.kind.options else None
    return value.value if isinstance(value, Value) else None


def named_by(key: Any) -> Any:
    """The key of a dictionary as a value."""
    return key if isinstance(key, Thing) else Value(key)
