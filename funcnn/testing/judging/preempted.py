"""A pass that is interrupted, at chosen lines, by what another thread does: what threads may do to each other."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from threading import Thread
from types import FrameType
from typing import Any, Final, TypeVar

import numpy as np

from funcnn.testing.judging.causes import outside

R = TypeVar("R")

PATIENCE: Final = 0.05  # seconds that the other thread is waited for: it may wait in turn, for a lock
_PASSED: Final = tuple(str(Path(f).parent) + os.sep for f in (os.__file__, np.__file__, Path(__file__).parent))


def places(f: Callable[[], Any]) -> list[int]:
    """The lines that a call runs, in order, by their count; those of NumPy, of Python and of the laws do not count.

    Where some stand outside of this library, they alone.
    """
    ours: list[int] = []
    theirs: list[int] = []
    _followed(f, lambda count, filename: (theirs if outside(filename) else ours).append(count))
    return theirs or ours


def interrupted(f: Callable[[], R], at: Collection[int], other: Callable[[], Any]) -> R:
    """`f()`, while another thread runs `other()` before each of these lines, counted as `places` counts them.

    Threads can always meet so. Where they use a lock the other one is done later.
    """
    workers: list[Thread] = []

    def met(count: int, filename: str) -> None:
        if count in at:
            workers.append(Thread(target=other, daemon=True))
            workers[-1].start()
            workers[-1].join(PATIENCE)

    value = _followed(f, met)
    for worker in workers:
        worker.join()
    return value


def _followed(f: Callable[[], R], met: Callable[[int, str], None]) -> R:
    """`f()`; before each line `met` is told its count, and its file."""
    count = 0

    def tracer(frame: FrameType, event: str, arg: Any) -> Any:
        nonlocal count
        filename = frame.f_code.co_filename
        if filename.startswith(_PASSED):
            return None
        if event == "line":
            count += 1
            met(count, filename)
        return tracer

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        return f()
    finally:
        sys.settrace(before)
