"""Attention by scaled dot products, over (batch, heads, steps, size), and its pullback."""

from __future__ import annotations

import functools
from typing import Any, Final, NamedTuple

import numpy as np

from funcnn.kernels.complex_numbers import exp
from funcnn.kernels.sums import middle_sums
from funcnn.types import Array, Mask

_FOLDED: Final = 1 << 12  # scores whose maxima are found by halves


class Attended(NamedTuple):
    """What a pass leaves: the value, and what its pullback needs.

    e     exponentials of the scores, less the largest of their query, (batch, heads, keys, queries); 0 where nothing
          may be looked at
    z     their sums, (batch, heads, 1, queries); 1 where they are 0
    kept  factors of dropout on the weights, (batch, heads, queries, keys), or None
    """

    value: Array
    e: Array
    z: Array
    kept: Array | None


def attend(
    q: Array,
    k: Array,
    v: Array,
    allowed: Mask | None,
    kept: Array | None = None,
    *,
    causal: bool = False,
    e: Array | None = None,
    out: Array | None = None,
) -> Attended:
    """`softmax(q k^T / sqrt(size)) v`, over the keys that are allowed; 0 for a query that may look at none.

    `allowed` broadcasts to (batch, heads, queries, keys). Where it is `causal` too, the queries are the last steps, and
    look at no key behind their own. `e` and `out` are where the exponentials and the value go, if given.

    The scores have a column for each query: so their maxima, their sums and what is done with these goes along the
    lines of memory. The sum of the softmax divides last, behind the product with v, which is smaller. 4 heads of 128
    keys and 64 queries take 80 us, 40 of them for the two products; with a row for each query it was 120.

    A weight of 0 times NaN or infinity is NaN, so that values that are not finite spoil queries that may not look at
    them. They spoil the last query too, which shows it at the price of one row, and the product is made again.
    """
    scaled: Array = q * q.dtype.type(q.shape[-1] ** -0.5)
    s: Array = k @ _turned(scaled) if e is None else np.matmul(k, _turned(scaled), out=e)
    queries, keys = q.shape[-2], k.shape[-2]
    if allowed is not None:
        _hide(s, np.swapaxes(np.broadcast_to(allowed, (*allowed.shape[:-2], queries, keys)), -1, -2))
    if causal and queries > 1:
        _hide_later(s[..., keys - queries :, :])
    if s.size:
        top = _maxima(s.real)
        if allowed is not None:
            top[top == -np.inf] = 0
        s -= top
    exp(s, s)
    z = middle_sums(s)[..., None, :]
    if allowed is not None or not keys:
        z[z == 0] = 1
    h: Array = _weights(s, kept) @ v
    if (allowed is not None or (causal and queries > 1)) and not np.isfinite(h[..., -1:, :]).all():
        seen: Any = True if allowed is None else allowed
        if causal:
            seen = seen & earlier(queries, keys)
        np.copyto(s, np.nan, where=np.swapaxes(_spoilt(v) & seen, -1, -2))
        h = _weights(s, kept) @ _finite(v)
    value: Array = np.divide(h, _turned(z), out=h if out is None else out)
    return Attended(value, s, z, kept)


def _turned(x: Array) -> Array:
    """With the last two of four axes exchanged: by the method, which costs a quarter of `np.swapaxes`."""
    return x.transpose(0, 1, 3, 2)


def _weights(e: Array, kept: Array | None) -> Array:
    """With a row for each query, and with what dropout keeps of them."""
    return _turned(e) if kept is None else _turned(e) * kept


def _maxima(s: Array) -> Array:
    """The largest of every column: by halves, which are long lines of memory. 4 us for 4 x 128 x 64, NumPy's own 14."""
    while s.size > _FOLDED and (n := s.shape[-2]) > 16:
        half = n // 2
        folded: Array = np.maximum(s[..., :half, :], s[..., half : 2 * half, :])
        if n % 2:
            np.maximum(folded[..., 0, :], s[..., -1, :], out=folded[..., 0, :])
        s = folded
    top: Array = np.maximum.reduce(s, -2, keepdims=True)
    return top


# what may not be seen -------------------------------------------------------------------------------------------------
def _hide(s: Array, shown: Any) -> None:
    """Minus infinity where it is not shown, NaN or not; `shown` as it is or broadcast."""
    if (kind := _kind(s)) is None:
        np.copyto(s, -np.inf, where=~shown)
    else:
        _hide_bits(s, *_bits(shown, kind))


def _hide_later(s: Array) -> None:
    """The same for keys, by rows, behind the queries of the same steps, by columns."""
    n, kind = s.shape[-1], _kind(s)
    if kind is None:
        np.copyto(s, -np.inf, where=~earlier(n, n).T)
    else:
        _hide_bits(s, *_bits_of_later(n, kind))


_INTEGERS: Final = {"f": np.dtype(np.int32), "d": np.dtype(np.int64)}


def _kind(s: Array) -> str | None:
    """Of real numbers, which can be hidden bit by bit: that takes an eighth of the time of `np.copyto(where=)`."""
    return s.dtype.char if type(s) is np.ndarray and s.dtype.char in _INTEGERS else None


def _hide_bits(s: Array, kept: Any, infinite: Any) -> None:
    numbers = s.view(kept.dtype)
    np.bitwise_and(numbers, kept, out=numbers)
    np.bitwise_or(numbers, infinite, out=numbers)


def _bits(shown: Any, kind: str) -> tuple[Any, Any]:
    """All bits where it is shown; those of minus infinity where it is not."""
    kept = -shown.astype(_INTEGERS[kind], order="C")
    return kept, ~kept & np.array(-np.inf, kind).view(kept.dtype)


@functools.lru_cache(16)
def _bits_of_later(n: int, kind: str) -> tuple[Any, Any]:
    return _bits(earlier(n, n).T, kind)


class Cotangents(NamedTuple):
    """Those of queries, keys and values."""

    q: Array
    k: Array
    v: Array


def attend_pullback(
    q: Array, k: Array, v: Array, done: Attended, dh: Array, out: Cotangents | None = None
) -> Cotangents:
    """The pullback of `attend`: with the weights `a = e / z`, `ds = a (da - sum of a da)`, `da = dh v^T`.

    `out` is where the cotangents go, if given. What all values of a row have in common leaves ds as it is, and the
    first of them is taken off before: of values of 1000 and a little, float32 would keep little of the differences; a
    mean would know the future. That sum comes of the very numbers it is taken from, so that a query which looks at one
    key alone gives 0 exactly; the product of dh and the value, which is the same, would not.
    """
    scale = q.dtype.type(q.shape[-1] ** -0.5)
    d: Array = dh / _turned(done.z)
    common: Array = v[..., :1, :]
    ds: Array = (v - common) @ _turned(d)  # as the scores are, a column for each query
    if done.kept is not None:  # dropped weights do not sum to one: what is common counts
        ds += _turned((d * common).sum(-1, keepdims=True))
        ds *= _turned(done.kept)
    ds = np.multiply(ds, done.e, out=ds) if ds.dtype == done.e.dtype else ds * done.e
    ds -= done.e * (middle_sums(ds)[..., None, :] / done.z)
    e = done.e if done.kept is None else done.e * _turned(done.kept)
    if out is None:
        out = Cotangents(_turned(ds) @ k, ds @ q, e @ d)
    else:
        np.matmul(_turned(ds), k, out=out.q)
        np.matmul(ds, q, out=out.k)
        np.matmul(e, d, out=out.v)
    dq, dk, _ = out
    dq *= scale
    dk *= scale
    return out


def pulled(
    q: Array, k: Array, v: Array, done: Attended, dh: Array, out: Cotangents | None = None
) -> Cotangents:
    """The same; what is not finite reaches only what a query with a cotangent looks at.

    What is not finite in a key shows in the last query, and in a query in the first key: two rows tell whether it has
    to be made again, of what is left when queries whose cotangent is 0 are taken out, and keys nobody looks at.
    """
    found = attend_pullback(q, k, v, done, dh, out)
    if np.isfinite(found.q[..., -1:, :]).all() and np.isfinite(found.k[..., :1, :]).all():
        return found
    asked: Array = (dh != 0).any(-1, keepdims=True)
    e = np.where(_turned(asked), done.e, done.e.dtype.type(0))
    np.copyto(e, np.nan, where=_turned(_spoilt(k) | _spoilt(v)) & (e != 0))
    left = done._replace(e=e, z=np.where(_turned(asked), done.z, done.z.dtype.type(1)))
    return attend_pullback(np.where(asked, q, q.dtype.type(0)), _finite(k), _finite(v), left, dh, out)


def _spoilt(keys: Array) -> Any:
    """Which keys are not finite, for every query."""
    finite: Any = np.isfinite(keys).all(-1)
    return ~finite[..., None, :]


def _finite(x: Array) -> Array:
    """With 0 for what is not."""
    return np.where(np.isfinite(x), x, x.dtype.type(0))


def earlier(queries: int, keys: int) -> Any:
    """Which keys each query may look at, (queries, keys): those up to its own step; the queries are the last steps."""
    return np.tri(queries, keys, keys - queries, dtype=np.bool_)


# heads ----------------------------------------------------------------------------------------------------------------
def heads_apart(x: Array, heads: int) -> Array:
    """(batch, steps, features) as (batch, heads, steps, size)."""
    batch, steps, features = x.shape
    return x.reshape(batch, steps, heads, features // heads).transpose(0, 2, 1, 3)


def heads_joined(x: Array) -> Array:
    """(batch, heads, steps, size) as (batch, steps, features)."""
    batch, heads, steps, size = x.shape
    return x.transpose(0, 2, 1, 3).reshape(batch, steps, heads * size)
