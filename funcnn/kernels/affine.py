"""The affine map and its pullbacks."""

from __future__ import annotations

from math import prod
from typing import Final

import numpy as np

from funcnn.kernels.scratch import array
from funcnn.kernels.sums import column_sums
from funcnn.kernels.threads import spread
from funcnn.types import Array

FEW: Final = 1 << 18  # multiplications; OpenBLAS uses one thread for fewer
_WORTHWHILE: Final = 1 << 23  # multiplications that repay another thread


def affine(x: Array, w: Array, b: Array) -> Array:
    """`y = x w + b` over the last axis of `x`."""
    y = product(x, w)
    y += b
    return y


def affine_params(x: Array, dy: Array) -> tuple[Array, Array]:
    """The cotangents of `w` and `b`: `dw = x^T dy`, `db = 1^T dy`, batch axes flattened to rows."""
    if x.ndim != 2:
        x, dy = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1])
    return product(x.T, dy), column_sums(dy)


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


def product(a: Array, b: Array) -> Array:
    """`a b`, a long one in scratch memory and on several cores.

    Of short ones the method `dot` costs least to call: 0.27 us, `np.matmul` 0.65. More than two axes it adds up without
    BLAS: one row of three axes by 128 x 512 takes 75 us, of two axes 3.
    """
    few = a.size * b.shape[1] < FEW
    if few or a.dtype != b.dtype or not isinstance(a, np.ndarray) or not isinstance(b, np.ndarray):
        flat = a.reshape(-1, a.shape[-1]) if a.ndim > 2 else a
        try:
            y: Array = flat.dot(b)
        except AttributeError:  # b is no array, but passes for one: jets, see `funcnn.derivatives.jets`
            y = np.matmul(flat, b)
        return y if flat is a else y.reshape(*a.shape[:-1], b.shape[1])
    rows, columns = a.size // a.shape[-1], b.shape[1]
    flat, y = a.reshape(rows, -1), array((*a.shape[:-1], columns), a.dtype)
    out = y.reshape(rows, columns)
    if rows >= columns:
        least = -(-_WORTHWHILE // (columns * len(b)))
        spread(rows, least, lambda i, j: np.matmul(flat[i:j], b, out=out[i:j]))
    else:
        least = -(-_WORTHWHILE // a.size)
        spread(columns, least, lambda i, j: np.matmul(flat, b[:, i:j], out=out[:, i:j]))
    return y
