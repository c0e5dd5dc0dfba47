"""Warnings, shown where the user's own line is."""

from __future__ import annotations

import inspect
import warnings
from typing import Final

from funcnn.errors import FuncnnWarning

_LIBRARY: Final = f"{__name__.partition('.')[0]}."


def warn(message: str, category: type[FuncnnWarning] = FuncnnWarning) -> None:
    """Warn with the line of the user's program that led here. Python shows a warning once for every line.

    >>> import warnings
    >>> with warnings.catch_warnings(record=True) as seen:
    ...     warnings.simplefilter("always")
    ...     warn("look here")
    >>> [str(warning.message) for warning in seen]
    ['look here']
    """
    frame, level = inspect.currentframe(), 0
    while frame and f"{frame.f_globals.get('__name__')}.".startswith(_LIBRARY):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level + 1)
