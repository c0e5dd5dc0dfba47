"""Tables of which few rows are not zero, as the gradient of an embedding: plain arrays whose memory knows these rows.

Such a table is an array like any other, and right for whoever takes it as one. Who asks `rows_of` need not look at all of
it. A table is sealed from the start, so that nobody writes to a row that is not known; what is computed from it is
another array, of which nothing is known.
"""

from __future__ import annotations

import mmap
from math import prod
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from funcnn.kernels import scratch
from funcnn.types import Array, Tokens

LARGE: Final = 1 << 18  # numbers; of smaller tables nothing need be known
_PAGE: Final = 4096  # bytes, the least that a system gives
_CROWDED: Final = 8  # a table with a row that is not zero in every so many pages has them all from the start


class Rows(NamedTuple):
    """The rows of a table that may be other than zero, each once, and how long one is."""

    index: Tokens
    width: int


class _Memory(scratch.Block):
    """The bytes of a table. By its type, a view of such memory is known to be one."""

    index: Tokens
    width: int


def table(shape: tuple[int, int], index: Tokens, values: Array) -> Array:
    """The table of this shape with these rows, each once, and zeros elsewhere; sealed."""
    size = prod(shape) * values.itemsize

    def fresh() -> _Memory:
        memory = _Memory((size,), np.uint8, _zeros(size, len(index)))
        memory.index, memory.width = index[:0], shape[1]
        return memory

    memory = scratch.special(_Memory, (*shape, values.dtype), size, fresh)
    found: Any = np.ndarray(shape, values.dtype, memory)
    found[memory.index] = 0  # first: whoever gets this memory after an interrupt must know all rows
    memory.index = index
    found[index] = values
    found.setflags(write=False)
    return found


def rows_of(x: Array) -> Rows | None:
    """What is known of a whole table, or of a view that has all of it in its order; None where nothing is."""
    base: Any = x.base
    while type(base) is np.ndarray:
        base = base.base
    if type(base) is not _Memory or x.nbytes != base.nbytes or not x.flags.c_contiguous:
        return None
    return Rows(base.index, base.width)


def _zeros(size: int, rows: int) -> Any:
    """Memory of which only the pages are there that are written to; or all of it, where these are most.

    NumPy asks for pages of two megabytes, in which a few rows at random are nearly the whole table: 2048 of a million
    rows of 64 took 29 ms, and take 3.5.
    """
    if rows * _CROWDED * _PAGE < size and hasattr(mmap, "MAP_ANONYMOUS"):
        memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        if hasattr(mmap, "MADV_NOHUGEPAGE"):
            memory.madvise(mmap.MADV_NOHUGEPAGE)
        return memory
    zeros: npt.NDArray[np.uint8] = np.zeros(size, np.uint8)
    return memoryview(zeros)
