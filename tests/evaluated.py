"""The public names as a dictionary of their own, in which what a value prints is evaluated."""

from __future__ import annotations

from typing import Any

import funcnn


def public_names() -> dict[str, Any]:
    """What `from funcnn import *` gives, and the names that a star leaves out."""
    return {name: getattr(funcnn, name) for name in dir(funcnn) if not name.startswith("__")}
