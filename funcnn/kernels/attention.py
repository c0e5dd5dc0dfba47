"""Attention by scaled dot products, over (batch, heads, steps, size), and its pullback."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from funcnn.kernels.sums import row_sums
from funcnn.types import Array, Mask


class Attended(NamedTuple):
    """What a pass leaves: the value, and what its pullback needs.

    e     exponentials of the scores, less the largest of their row; 0 where nothing may be looked at
    z     their sums, (batch, heads, queries, 1); 1 where they are 0
    kept  factors of dropout on the weights, or None
    """

    value: Array
    e: Array
    z: Array
    kept: Array | None


def attend(q: Array, k: Array, v: Array, allowed: Mask | None, kept: Array | None = None) -> Attended:
    """`softmax(q k^T / sqrt(size)) v`, over the keys that are allowed; 0 for a query that may look at none.

    `allowed` broadcasts to (batch, heads, queries, keys). The sum of the softmax divides last, behind the product with
    v, which is smaller; keys are transposed in memory first, which makes the product with them twice as fast.
    """
    s: Array = (q * q.dtype.type(q.shape[-1] ** -0.5)) @ np.ascontiguousarray(np.swapaxes(k, -1, -2))
    if allowed is not None:
        np.copyto(s, -np.inf, where=~allowed)
    if s.size:
        top: Array = s.real.max(-1, keepdims=True)
        if allowed is not None:
            top[top == -np.inf] = 0
        s -= top
    np.exp(s, s)
    z = row_sums(s)
    if allowed is not None:
        z[z == 0] = 1
    h: Array = (s if kept is None else s * kept) @ v
    h /= z
    return Attended(h, s, z, kept)


class Cotangents(NamedTuple):
    """Those of queries, keys and values."""

    q: Array
    k: Array
    v: Array


def attend_pullback(q: Array, k: Array, v: Array, done: Attended, dh: Array) -> Cotangents:
    """The pullback of `attend`: with the weights `a = e / z`, `ds = a (da - sum of a da)`, `da = dh v^T`.

    What all values of a row have in common leaves ds as it is, and the first of them is taken off before: of values of
    1000 and a little, float32 would keep little of the differences; a mean would know the future. That sum comes of the very numbers it is taken from, so that a query
    which looks at one key alone gives 0 exactly; the product of dh and the value, which is the same, would not.
    """
    scale = q.dtype.type(q.shape[-1] ** -0.5)
    d: Array = dh / done.z
    common: Array = v[..., :1, :]
    ds: Array = d @ np.ascontiguousarray(np.swapaxes(v - common, -1, -2))
    if done.kept is not None:  # dropped weights do not sum to one: what is common counts
        ds += (d * common).sum(-1, keepdims=True)
        ds *= done.kept
    ds = ds * done.e
    ds -= done.e * (row_sums(ds) / done.z)
    e = done.e if done.kept is None else done.e * done.kept
    dq: Array = ds @ k
    dq *= scale
    dk: Array = np.swapaxes(ds, -1, -2) @ q
    dk *= scale
    return Cotangents(dq, dk, np.swapaxes(e, -1, -2) @ d)


def heads_apart(x: Array, heads: int) -> Array:
    """(batch, steps, features) as (batch, heads, steps, size)."""
    return np.swapaxes(x.reshape(*x.shape[:2], heads, x.shape[2] // heads), 1, 2)


def heads_joined(x: Array) -> Array:
    """(batch, heads, steps, size) as (batch, steps, features)."""
    batch, heads, steps, size = x.shape
    return np.swapaxes(x, 1, 2).reshape(batch, steps, heads * size)


def earlier(queries: int, keys: int) -> Any:
    """Which keys each query may look at, (queries, keys): those up to its own step; the queries are the last steps."""
    return np.tri(queries, keys, keys - queries, dtype=np.bool_)
