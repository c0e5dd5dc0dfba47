"""The affine map and its pullbacks."""

from __future__ import annotations

import functools
from collections.abc import Callable
from math import prod
from typing import Any, Final

import numpy as np

from funcnn.kernels import threads
from funcnn.kernels.scratch import SHORT, array
from funcnn.kernels.sums import column_sums
from funcnn.kernels.threads import spread
from funcnn.types import Array

FEW: Final = 1 << 18  # multiplications; OpenBLAS uses one thread for fewer
_ALONE: Final = 1 << 22  # where there is but one, so many cost less at once, if what comes out is short
_WORTHWHILE: Final = 1 << 23  # multiplications that repay another thread


def affine(x: Array, w: Array, b: Array) -> Array:
    """`y = x w + b` over the last axis of `x`."""
    return product(x, w, b)


def affine_params(x: Array, dy: Array) -> tuple[Array, Array]:
    """The cotangents of `w` and `b`: `dw = x^T dy`, `db = 1^T dy`, batch axes flattened to rows."""
    if x.ndim != 2:
        x, dy = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1])
    if _is_short(x.T, dy):
        return product(x.T, dy), column_sums(dy)
    db: Any = np.empty(dy.shape[1], dy.dtype)

    def sums(start: int, end: int, of: int) -> None:
        part = slice(start * len(db) // of, end * len(db) // of)
        db[part] = column_sums(dy[:, part])

    return _in_parts(x.T, dy, array((x.shape[1], len(db)), dy.dtype), sums), db


def linear_params(x: Array, dy: Array) -> Array:
    """The cotangent of `w` alone, `dw = x^T dy`, batch axes flattened to rows."""
    if x.ndim != 2:
        x, dy = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1])
    return product(x.T, dy)


def affine_params_by_row(x: Array, dy: Array) -> tuple[Array, Array]:
    """Those of every row of the batch alone, the other batch axes flattened: `dw_i = x_i^T dy_i`, `db_i = 1^T dy_i`.

    128 rows of 784 by 512 take 0.3 s, what the memory of the result takes; by `affine_params`, row after row, as much.
    128 steps of 32 by 32 take a tenth of that loop.
    """
    steps = prod(x.shape[1:-1])
    flat, back = x.reshape(len(x), steps, x.shape[-1]), dy.reshape(len(x), steps, dy.shape[-1])
    return np.matmul(flat.swapaxes(1, 2), back), back.sum(axis=1)


def affine_input(dy: Array, w: Array) -> Array:
    """The cotangent of `x`, `dx = dy w^T`."""
    return product(dy, w.T)


def product(a: Array, b: Array, plus: Array | None = None) -> Array:
    """`a b`, or `a b + plus`, a long one in scratch memory and on several cores.

    Of short ones the method `dot` costs least to call: 0.27 us, `np.matmul` 0.65. More than two axes it adds up without
    BLAS: one row of three axes by 128 x 512 takes 75 us, of two axes 3.
    """
    if _is_short(a, b):
        flat = a.reshape(-1, a.shape[-1]) if a.ndim > 2 else a
        try:
            y: Array = flat.dot(b)
        except AttributeError:  # b is no array, but passes for one: jets, see `funcnn.derivatives.jets`
            y = np.matmul(flat, b)
        if plus is not None:
            y += plus
        return y if flat is a else y.reshape(*a.shape[:-1], b.shape[1])
    y = array((*a.shape[:-1], b.shape[1]), a.dtype)
    out = y.reshape(-1, b.shape[1])
    then = None if plus is None else functools.partial(_add, out, plus)
    _in_parts(a.reshape(len(out), -1), b, out, then)
    return y


def _add(out: Array, b: Array, start: int, end: int, of: int) -> None:
    """`b` to a part of rows, or of columns, of `out`."""
    if of == len(out):
        out[start:end] += b
    else:
        out[:, start:end] += b[start:end]


def _is_short(a: Array, b: Array) -> bool:
    """Does one thread do it at once? It does what is no product of two arrays of one dtype."""
    n = a.size * b.shape[1]
    few = n < FEW or (n < _ALONE and threads.THREADS < 2 and n < SHORT * len(b))
    return few or a.dtype != b.dtype or not isinstance(a, np.ndarray) or not isinstance(b, np.ndarray)


def _in_parts(a: Array, b: Array, out: Array, then: Callable[[int, int, int], None] | None) -> Array:
    """`a b` into `out`, by parts of its longer side; behind each of them `then(start, end, of all)`."""
    rows, columns = out.shape
    by_rows = rows >= columns

    def part(i: int, j: int) -> None:
        if by_rows:
            np.matmul(a[i:j], b, out=out[i:j])
        else:
            np.matmul(a, b[:, i:j], out=out[:, i:j])
        if then is not None:
            then(i, j, rows if by_rows else columns)

    spread(rows if by_rows else columns, -(-_WORTHWHILE // (columns * len(b) if by_rows else a.size)), part)
    return out
