"""What people may set for a whole process, in environment variables that are read when the library is imported.

FUNCNN_WINOGRAD   0: convolutions are summed directly, see `funcnn.kernels.winograd` for what that costs and gains
FUNCNN_THREADS    how many threads the kernels run on: as many as there are cores where not given; 1 for none
"""

from __future__ import annotations

import os
from typing import Final


def _number(name: str, default: int) -> int:
    """An integer out of the environment.

    Errors
        ValueError   it is none, or negative
    """
    given = os.environ.get(name, "")
    if given and not given.isdecimal():
        raise ValueError(f"the environment variable {name} must be an integer of at least 0, got {given!r}")
    return int(given) if given else default


def _cores() -> int:
    """The cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


WINOGRAD: Final = _number("FUNCNN_WINOGRAD", 1) != 0
THREADS: Final = max(1, _number("FUNCNN_THREADS", _cores()))
