"""Attention by scaled dot products, over (batch, heads, steps, size), and its pullback."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from funcnn.kernels.complex_numbers import exp
from funcnn.kernels.sums import contiguous, row_sums
from funcnn.types import Array, Mask

_BLOCK: Final = 64  # queries that are taken together where later keys need not be looked at


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

    A weight of 0 times NaN or infinity is NaN, so that values that are not finite spoil queries that may not look at
    them. They spoil the last query too, which shows it at the price of one row, and the product is made again.
    """
    s: Array = (q * q.dtype.type(q.shape[-1] ** -0.5)) @ contiguous(np.swapaxes(k, -1, -2))
    if allowed is not None:
        np.copyto(s, -np.inf, where=~allowed)
    if s.size:
        top: Array = s.real.max(-1, keepdims=True)
        if allowed is not None:
            top[top == -np.inf] = 0
        s -= top
    exp(s, s)
    z = row_sums(s)
    if allowed is not None or not k.shape[-2]:
        z[z == 0] = 1
    h: Array = (s if kept is None else s * kept) @ v
    if allowed is not None and not np.isfinite(h[..., -1:, :]).all():
        np.copyto(s, np.nan, where=_spoilt(v) & allowed)
        h = (s if kept is None else s * kept) @ _finite(v)
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
    1000 and a little, float32 would keep little of the differences; a mean would know the future. That sum comes of the
    very numbers it is taken from, so that a query which looks at one key alone gives 0 exactly; the product of dh and
    the value, which is the same, would not.
    """
    scale = q.dtype.type(q.shape[-1] ** -0.5)
    d: Array = dh / done.z
    common: Array = v[..., :1, :]
    ds: Array = d @ contiguous(np.swapaxes(v - common, -1, -2))
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


def _pulled(q: Array, k: Array, v: Array, done: Attended, dh: Array) -> Cotangents:
    """The same; what is not finite reaches only what a query with a cotangent looks at.

    What is not finite in a key shows in the last query, and in a query in the first key: two rows tell whether it has
    to be made again, of what is left when queries whose cotangent is 0 are taken out, and keys nobody looks at.
    """
    found = attend_pullback(q, k, v, done, dh)
    if np.isfinite(found.q[..., -1:, :]).all() and np.isfinite(found.k[..., :1, :]).all():
        return found
    asked: Array = (dh != 0).any(-1, keepdims=True)
    e = np.where(asked, done.e, done.e.dtype.type(0))
    np.copyto(e, np.nan, where=(_spoilt(k) | _spoilt(v)) & (e != 0))
    left = done._replace(e=e, z=np.where(asked, done.z, done.z.dtype.type(1)))
    return attend_pullback(np.where(asked, q, q.dtype.type(0)), _finite(k), _finite(v), left, dh)


def _spoilt(keys: Array) -> Any:
    """Which keys are not finite, for every query."""
    finite: Any = np.isfinite(keys).all(-1)
    return ~finite[..., None, :]


def _finite(x: Array) -> Array:
    """With 0 for what is not."""
    return np.where(np.isfinite(x), x, x.dtype.type(0))


# the queries of a long sequence in blocks -----------------------------------------------------------------------------
class Block(NamedTuple):
    """Some neighbouring queries, and how many keys these look at."""

    queries: slice
    keys: int
    done: Attended


def attend_in_blocks(
    q: Array, k: Array, v: Array, real: Mask | None, kept: Array | None = None, *, causal: bool
) -> tuple[Array, list[Block]]:
    """Attention over the keys that are real, (batch, 1, 1, keys), and, where it is causal, not later than the query.

    Of causal attention the queries come in blocks, each with the keys up to its own last step: of a long sequence half
    of the scores are never made. Of 512 steps it takes three quarters of the time.
    """
    queries, keys = q.shape[2], k.shape[2]
    size = _BLOCK if causal and queries > _BLOCK else max(queries, 1)
    blocks: list[Block] = []
    for start in range(0, max(queries, 1), size):
        end = min(start + size, queries)
        seen = keys - queries + end if causal else keys
        allowed = None if real is None else real[..., :seen]
        if causal and end - start > 1:
            before = earlier(end - start, seen)
            allowed = before if allowed is None else allowed & before
        some = None if kept is None else kept[:, :, start:end, :seen]
        done = attend(q[:, :, start:end], k[:, :, :seen], v[:, :, :seen], allowed, some)
        blocks.append(Block(slice(start, end), seen, done))
    values = [block.done.value for block in blocks]
    return values[0] if len(values) == 1 else np.concatenate(values, axis=2), blocks


def blocks_pullback(q: Array, k: Array, v: Array, blocks: list[Block], dh: Array) -> Cotangents:
    """The pullback of `attend_in_blocks`: what a key gets from all blocks that look at it, added."""
    dqs: list[Array] = []
    total: Cotangents | None = None
    for queries, keys, done in reversed(blocks):  # the last one looks at all keys
        d = _pulled(q[:, :, queries], k[:, :, :keys], v[:, :, :keys], done, dh[:, :, queries])
        dqs.insert(0, d.q)
        if total is None:
            total = d
        else:
            total.k[:, :, :keys] += d.k
            total.v[:, :, :keys] += d.v
    assert total is not None
    return total if len(dqs) == 1 else total._replace(q=np.concatenate(dqs, axis=2))


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
