"""The methods of words: a configuration in one line is taken apart by them."""

from __future__ import annotations

from typing import Any, Final

from funcnn.mypy_plugin.flow.values import Row, listed
from funcnn.mypy_plugin.recipes import ANY, Value

WORDS: Final = frozenset({
    "split", "rsplit", "splitlines", "partition", "rpartition", "strip", "lstrip", "rstrip", "lower", "upper",
    "capitalize", "title", "replace", "removeprefix", "removesuffix", "startswith", "endswith", "isdigit", "isalpha",
    "count", "find", "join",
})  # fmt: skip
LONGEST: Final = 10_000  # letters of a word that is made


def of_words(text: str, name: str, values: list[Any]) -> Any:
    """What a method of a word gives for words and numbers that are known."""
    try:
        found = getattr(text, name)(*map(_plain, values)) if name in WORDS else None
    except (TypeError, ValueError, OverflowError):
        return ANY
    if found is None or (isinstance(found, str) and len(found) > LONGEST):
        return ANY
    if isinstance(found, (list, tuple)):
        parts: list[Any] = list(found)  # pyright: ignore[reportUnknownArgumentType]
        return Row(tuple(map(Value, parts)), isinstance(found, list))
    return Value(found)


def _plain(value: Any) -> Any:
    if isinstance(value, Row) and listed(value.items):
        return [_plain(v) for v in value.items]
    if not isinstance(value, Value):
        raise ValueError
    return value.value
