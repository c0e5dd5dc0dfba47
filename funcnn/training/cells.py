"""What stands in a row of a table: as it is kept, and as files of text have it."""

from __future__ import annotations

from math import isfinite
from typing import Any, cast

from funcnn.types import is_array, is_mapping, is_scalar


def as_value(value: Any) -> Any:
    """A scalar of NumPy as Python's own number, and arrays sealed."""
    if is_scalar(value) or (is_array(value) and value.ndim == 0):
        return value.item()
    if is_array(value):
        value = value.copy()
        value.setflags(write=False)
    return value


def as_list(value: Any) -> Any:
    """An array as lists of numbers; the rest as it is."""
    return value.tolist() if is_array(value) else value


def as_json(value: Any) -> Any:
    """What JSON can hold: what is not finite is null, for JSON has no such number, and what it does not know is text.

    >>> from funcnn.training.cells import as_json
    >>> as_json({"loss": np.float32(0.5), "shares": np.array([0.25, np.inf])})
    {'loss': 0.5, 'shares': [0.25, None]}
    """
    value = as_list(as_value(value))
    if is_mapping(value):
        return {str(name): as_json(v) for name, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(v) for v in cast("list[Any]", value)]
    if isinstance(value, float):
        return value if isfinite(value) else None
    return value if value is None or isinstance(value, (int, str)) else str(value)
