"""Long arrays row by row, in blocks that stay in the cache from one step to the next, on several cores."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Final, TypeVar

import numpy as np

from funcnn.kernels import threads
from funcnn.types import Array

R = TypeVar("R")

_BLOCK: Final = 1 << 16  # elements that stay in the cache between two steps
_WORTHWHILE: Final = 1 << 17  # elements that repay another thread


def plain(least: int, x: Array, *others: Array) -> bool:
    """Is this an array of at least so many real numbers, in one piece, beside arrays of its kind?"""
    if not (isinstance(x, np.ndarray) and x.size >= least and x.dtype.kind == "f" and x.flags.c_contiguous):
        return False
    return all(isinstance(a, np.ndarray) and a.dtype == x.dtype and a.flags.c_contiguous for a in others)


def by_rows(of: Callable[..., R], *arrays: Array) -> list[R]:
    """What `of(some rows of every array, room for as many)` returns, block by block; the last axis is a row."""
    n = arrays[0].shape[-1]
    rows = [a.reshape(-1, a.shape[-1]) for a in arrays]
    size = max(1, threads.longer(_BLOCK) // n)
    found: dict[int, R] = {}

    def part(start: int, end: int) -> None:
        room: Array = np.empty((min(size, end - start), n), arrays[0].dtype)
        for i in range(start, end, size):
            s = slice(i, min(i + size, end))
            found[i] = of(*[a[s] for a in rows], room[: s.stop - i])

    threads.spread(prod(arrays[0].shape[:-1]), -(-_WORTHWHILE // n), part)
    return [found[i] for i in sorted(found)]


class Outer:
    """`column[i] row[j]`, by a product of matrices to which a term of zeros is added, for so many rows at most.

    512 x 128 float32 take 6 us, by `np.multiply` 20, a copy of a column beside a row of ones 7; without the zeros BLAS
    takes 70.
    """

    def __init__(self, rows: int, row: Array) -> None:
        self.left: Array = np.zeros((rows, 2), row.dtype)
        self.right: Array = np.zeros((2, len(row)), row.dtype)
        self.right[0] = row

    def __call__(self, column: Array, out: Array) -> None:
        left = self.left[: len(column)]
        left[:, 0] = column
        np.matmul(left, self.right, out=out)


def outer(column: Array, row: Array, out: Array) -> None:
    """The same, once."""
    Outer(len(column), row)(column, out)
