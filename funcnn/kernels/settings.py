"""What people may set for a whole process, in environment variables that are read when the library is imported.

FUNCNN_THREADS    how many threads the kernels run on, and BLAS too, from 1, which is none but yours, to 1024. Where it
                  is not given: as many as there are cores for this process, or OMP_NUM_THREADS or
                  OPENBLAS_NUM_THREADS if that is fewer
FUNCNN_SCRATCH    how many megabytes all threads together keep for arrays to come, 512 where it is not given; 0 for
                  none. More is faster where several threads train large networks at once
FUNCNN_WINOGRAD   0: convolutions are summed directly, see `funcnn.kernels.winograd` for what that costs and gains
"""

from __future__ import annotations

import os
from typing import Final

_MOST: Final = 1024  # threads; what is more is a slip


def _number(name: str, least: int, most: int) -> int | None:
    """An integer out of the environment; None where it is not given.

    Errors
        ValueError   it is none, or out of range
    """
    given = os.environ.get(name, "").strip()
    if not given:
        return None
    value = int(given) if given.isdecimal() and len(given) < 10 else -1
    if not least <= value <= most:
        raise ValueError(f"the environment variable {name} must be an integer from {least} to {most}, got {given!r}")
    return value


def _cores() -> int:
    """The cores this process may run on, and is told to."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        told = os.environ.get(name, "").split(",")[0].strip()  # one number for every level of nesting
        if told.isdecimal() and 0 < int(told):
            cores = min(cores, int(told))
    return cores


_GIVEN: Final = _number("FUNCNN_THREADS", 1, _MOST)
WINOGRAD: Final = _number("FUNCNN_WINOGRAD", 0, 1) != 0
_MEGABYTES: Final = _number("FUNCNN_SCRATCH", 0, 1 << 20)
SCRATCH: Final = (512 if _MEGABYTES is None else _MEGABYTES) << 20
THREADS: Final = _GIVEN or _cores()
LIMITED: Final = _GIVEN is not None
