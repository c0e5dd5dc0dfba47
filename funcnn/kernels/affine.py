"""The affine map and its pullbacks."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from funcnn.kernels.scratch import SHORT, array
from funcnn.types import Array


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


def affine_input(dy: Array, w: Array) -> Array:
    """The cotangent of `x`, `dx = dy w^T`."""
    return product(dy, w.T)


def product(a: Array, b: Array) -> Array:
    """`a b`, a long one in scratch memory. The method `dot` costs least to call: 0.27 us, `np.matmul` 0.65."""
    if a.size * b.shape[1] >= SHORT and a.ndim == 2 and a.dtype == b.dtype and len(a) * b.shape[1] >= SHORT:
        return a.dot(b, array((len(a), b.shape[1]), a.dtype))
    y: Array = a.dot(b)
    return y


def column_sums(rows: Array) -> Array:
    """`1^T rows`, by a matrix product, which is faster than `sum(0)`: 7 us against 10 us on 128 x 512 float32."""
    sums: Array = ones(len(rows), rows.dtype).dot(rows)
    return sums


@functools.lru_cache(64)
def ones(n: int, dtype: np.dtype[Any]) -> Array:
    """A read-only vector of ones."""
    one: Array = np.ones(n, dtype)
    one.setflags(write=False)
    return one
