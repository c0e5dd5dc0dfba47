"""What layers keep of the data, beside what they learn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class Statistics(NamedTuple):
    """What a layer keeps of the data, as a fold over what it gets.

    leaves   the params that hold it
    of       what one batch says
    merged   what two say together
    values   the leaves, in their order
    first    the number each leaf is full of before any data were seen; None where nobody can tell
    """

    leaves: tuple[str, ...]
    of: Callable[[Any], Any]
    merged: Callable[[Any, Any], Any]
    values: Callable[[Any], tuple[Any, ...]]
    first: tuple[float, ...] | None = None
