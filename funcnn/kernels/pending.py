"""Steps that are made when somebody looks at what they give: by then the old numbers are often nobody's any more.

A step leaves the old vectors alone, for they may be somebody's; and who says `params, state = step(grads, state,
params)` does hold them while it is made, and lets them go right after. So it is left for later. When the new numbers
are wanted, they are written over the old ones where these are in scratch memory, and their count says that nobody else
refers to them; else into memory of their own. Adam's step of 670k params takes 3 vectors and the gradients so, where it
takes 6 and the gradients at once, and 1.1 ms instead of 1.45.

All calls of NumPy that the step consists of are prepared in a row, and one call goes through the row, in which no
interrupt and no signal handler comes: nobody finds a vector that is half old and half new. Who comes in while they are
prepared prepares his own, and the first row is the one that is gone through, once. It is work for one thread.
"""

from __future__ import annotations

import operator
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import starmap
from typing import Any, Final, NamedTuple

import numpy as np

from funcnn.kernels.adam_tables import Live
from funcnn.kernels.scratch import ALONE, COUNTED, Block, vector
from funcnn.kernels.settings import THREADS
from funcnn.kernels.sweeps import size_of
from funcnn.kernels.tables import rows_of
from funcnn.kernels.updates import Calls
from funcnn.types import Array

LONG: Final = 1 << 17  # numbers; fewer are in the cache twice


class Bounds(NamedTuple):
    """What no number of the params, and of the two moments of Adam, is beyond; and which rows of tables are `Live`."""

    p: float
    m: float
    v: float
    live: Live


class Pending:
    """The step from some old vectors to as many new ones: `calls(old, new)` writes them, place by place."""

    __slots__ = ("_calls", "_found", "_old", "_started", "bounds", "lock")

    def __init__(self, old: list[Array], calls: Callable[[Sequence[Array], Sequence[Array]], Calls], bounds: Bounds):
        self._old, self._calls, self.bounds = old, calls, bounds
        self._started: dict[str, tuple[list[Array | None], Iterator[object]]] = {}
        self._found: list[Array | None] | None = None
        self.lock = threading.RLock()

    def vectors(self) -> list[Array | None]:
        """The new ones, sealed; who takes one puts None in its place. To be called by who holds the lock."""
        found = self._found
        if found is None:
            old, calls = self._old, self._calls
            new = [_target(old, i) for i in range(len(old))]
            rows = list[Array | None](new), starmap(operator.call, calls(old, new))
            del new
            found, run = self._started.setdefault("step", rows)
            with np.errstate(all="ignore"):  # the numbers are bounded
                deque(run, maxlen=0)
            for made in found:
                if made is not None:
                    made.setflags(write=False)
            self._found = found
            self._old, self._calls = [], _nothing  # the row let its own go when it was through
        return found


def _target(old: list[Array], i: int) -> Array:
    """Where the next numbers of a vector go: over it, if this list alone refers to it, and nothing behind it there. A
    row of calls reads old vectors in their order, and a place of each before it writes there."""
    all_of_them = list(map(id, old))
    times, is_last = all_of_them.count(id(old[i])), id(old[i]) not in all_of_them[i + 1 :]
    x = old[i]
    base: Any = x.base
    if type(base) is not Block or not is_last or sys.getrefcount(x) != ALONE + times:
        return vector(x.size, x.dtype)
    start = x.__array_interface__["data"][0] - base.__array_interface__["data"][0]
    return np.ndarray(x.shape, x.dtype, base, start)


def _nothing(old: Sequence[Array], new: Sequence[Array]) -> Calls:
    return []


def may_wait(g: Sequence[Array]) -> bool:
    """Is nothing lost if a step by these gradients waits: errors that people ask for, and the work of other threads, if
    there is more for them than for the rows of tables?"""
    if not COUNTED or not set(np.geterr().values()) <= {"ignore", "warn"}:
        return False
    return THREADS == 1 or 2 * size_of([piece for piece in g if rows_of(piece) is not None]) > size_of(g)


def zeros(p: Array) -> Array:
    """As many, in memory that a step may write over."""
    if p.size < LONG:
        return np.zeros_like(p)
    x = vector(p.size, p.dtype)
    x.fill(0)
    return x


def largest(x: Array) -> float:
    """A bound on the numbers of a vector: their norm, infinite where it cannot be told."""
    with np.errstate(all="ignore"):
        square = float(x.dot(x))
    return square**0.5 if square < np.inf else np.inf
