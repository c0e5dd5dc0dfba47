"""Tables of which few rows are not zero, as the gradient of an embedding: plain arrays whose memory knows these rows.

Such a table is an array like any other, and right for whoever takes it as one. Who asks `rows_of` need not look at all
of it. A table is sealed from the start, so that nobody writes to a row that is not known; what is computed from it is
another array, of which nothing is known.
"""

from __future__ import annotations

import mmap
from contextlib import suppress
from math import prod
from typing import Any, Final, NamedTuple

import numpy as np

from funcnn.kernels import scratch
from funcnn.types import Array, Tokens

LARGE: Final = 1 << 18  # numbers; of smaller tables nothing need be known
_PAGE: Final = 4096  # bytes, the least that a system gives
_CROWDED: Final = 8  # a table with a row that is not zero in every so many pages has large ones


class Rows(NamedTuple):
    """The rows of a table that may be other than zero, each once, and how long one is."""

    places: Tokens
    width: int


class _Memory(scratch.Block):
    """The bytes of a table. By its type, a view of such memory is known to be one."""

    places: Tokens
    width: int
    numbers: np.dtype[Any]


def table(shape: tuple[int, int], places: Tokens, values: Array) -> Array:
    """The table of this shape with these rows, each once, and zeros elsewhere; sealed."""
    size = prod(shape) * values.itemsize

    def fresh() -> _Memory:
        memory = _Memory((size,), np.uint8, _zeros(size, len(places)))
        memory.places, memory.width, memory.numbers = places[:0], shape[1], values.dtype
        return memory

    memory = scratch.special(_Memory, (*shape, values.dtype), size, fresh)
    found: Any = np.ndarray(shape, values.dtype, memory)
    found[memory.places] = 0  # first: whoever gets this memory after an interrupt must know all rows
    memory.places = places
    found[places] = values
    found.setflags(write=False)
    sealed: Array = found
    return sealed


def rows_of(x: Array) -> Rows | None:
    """What is known of a whole table, or of a view that has all of it in its order; None where nothing is."""
    base: Any = x.base
    while type(base) is np.ndarray:
        base = base.base
    if type(base) is not _Memory or type(x) is not np.ndarray or x.dtype != base.numbers:
        return None
    if x.nbytes != base.nbytes or not x.flags.c_contiguous:
        return None
    return Rows(base.places, base.width)


def in_use(x: Array) -> Array:
    """What of it may be other than zero: known rows, or all."""
    rows = rows_of(x)
    return x if rows is None else x.reshape(-1, rows.width).take(rows.places, 0).reshape(-1)


def times(x: Array, factor: float) -> Array:
    """A piece of gradients times a number, sealed, of which as much is known as of the piece."""
    rows = rows_of(x)
    if rows is None:
        product: Any = x * factor
        product.setflags(write=False)
        sealed: Array = product
        return sealed
    shape = x.size // rows.width, rows.width
    return table(shape, rows.places, x.reshape(shape)[rows.places] * factor).reshape(-1)


def _zeros(size: int, rows: int) -> mmap.mmap:
    """Memory of zeros, of which only the pages are there that are written to: small ones, unless nearly all of it is.

    In pages of two megabytes, which NumPy asks for, a few rows at random are nearly the whole table: 2048 of a million
    rows of 64 took 29 ms, and take 3.5; in memory that is used again 0.2.
    """
    private = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if hasattr(mmap, "MAP_ANONYMOUS") else {}
    try:
        memory = mmap.mmap(-1, size, **private)
    except OSError as error:
        raise MemoryError(f"a table of {size:,} bytes: {error}") from error
    if hasattr(mmap, "MADV_HUGEPAGE"):
        with suppress(OSError):  # of a system without large pages
            memory.madvise(mmap.MADV_NOHUGEPAGE if rows * _CROWDED * _PAGE < size else mmap.MADV_HUGEPAGE)
    return memory
