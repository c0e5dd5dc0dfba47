"""Long vectors that follow one another, each like the one before but for few numbers.

A step of a large embedding changes a few thousand rows of millions. The vector before must stay as it is, for it may be
somebody's: a new one is needed, and a copy of all of it takes hundreds of times as long as what changes. But the vector
before that one is often nobody's any more, and differs from its successor where that step made changes. So every vector
keeps the memory of the one before; who makes the next takes it, if nobody else refers to it, as in
`funcnn.kernels.scratch`, and brings it up to date. Where somebody does, all is copied.

Two vectors are in memory during every step in any case; here they stay between steps, until `settle` is
called, or the last vector goes.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from funcnn.kernels.scratch import ALONE, COUNTED
from funcnn.kernels.tables import Rows
from funcnn.types import Array


class Change(NamedTuple):
    """What changes from `start` to `end`: all of it, or some rows."""

    start: int
    end: int
    rows: Rows | None

    def part(self, x: Array) -> Array:
        """The numbers of a vector that lie there: all, or rows."""
        here = x[self.start : self.end]
        return here if self.rows is None else here.reshape(-1, self.rows.width)

    def copy(self, source: Array, target: Array) -> None:
        """Take over from another vector what changes."""
        where = slice(None) if self.rows is None else self.rows.places
        self.part(target)[where] = self.part(source)[where]


class _Memory(np.ndarray[tuple[int], np.dtype[np.uint8]]):
    """The bytes of a vector. `before` is the memory of the one before it, and where the two differ."""

    before: tuple[_Memory, Sequence[Change]]


def follow(old: Array, changes: Sequence[Change]) -> tuple[Array, bool]:
    """A writable vector like `old`, but for the numbers that change, which may be any; was all copied?"""
    memory: Any = old.base
    ours = COUNTED and type(memory) is _Memory and memory.nbytes == old.nbytes
    block, whole = _taken(memory, old) if ours else None, False
    if block is None:
        block, whole = _Memory((old.nbytes,), np.uint8), True
    new: Array = np.ndarray(old.shape, old.dtype, block)
    if whole:
        np.copyto(new, old)
    if ours:
        block.before = memory, changes
    return new, whole


def _taken(memory: _Memory, old: Array) -> _Memory | None:
    """The memory of the vector before, up to date, if it is nobody's. Taken out first, so that nobody else can have it."""
    try:
        before: tuple[_Memory, Sequence[Change]] = memory.__dict__.pop("before")
    except KeyError:
        return None
    block, changes = before
    del before  # which refers to it too
    if sys.getrefcount(block) != ALONE:
        return None
    new: Array = np.ndarray(old.shape, old.dtype, block)
    for change in changes:
        change.copy(old, new)
    return block


def settle(x: Array) -> None:
    """Let the memory of the vector before this one go: no step comes after."""
    if type(x.base) is _Memory:
        x.base.__dict__.pop("before", None)
