"""Values again: from pickle, and from deepcopy."""

from __future__ import annotations

import copy
import pickle
from typing import TypeVar

V = TypeVar("V")


def copies(value: V) -> dict[str, V]:
    """What pickle and deepcopy make of a value, by name; nothing if a pickle cannot find it, as inside a function."""
    try:
        blob = pickle.dumps(value)
    except (TypeError, AttributeError, pickle.PicklingError):
        return {}
    return {"pickle": pickle.loads(blob), "deepcopy": copy.deepcopy(value)}
