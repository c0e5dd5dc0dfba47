"""Attention by blocks: some examples, some heads, some neighbouring queries, whose scores stay in the cache.

Of causal attention every block has the keys up to its own last step: of a long sequence half of the scores are never
made. 16 sequences of 128 steps, 4 heads of size 32, float32, causal: value and pullback take 2.4 and
3.4 ms; in whole arrays, with a row for each query, 4.9 and 6.2 ms.
"""

from __future__ import annotations

from math import prod
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from funcnn.kernels import threads
from funcnn.kernels.attention import Attended, Cotangents, attend, pulled
from funcnn.kernels.scratch import room, vector
from funcnn.types import Array, Mask

_QUERIES: Final = 64  # of a block, where later keys need not be looked at
_MOST: Final = 256  # and where all are
_SCORES: Final = 1 << 17  # of a block that has more than one head; with 32k, small ones take a fifth longer
_FEW: Final = 1 << 12  # scores that are not worth a plan: as when a decoder goes on by one step
_WORTHWHILE: Final = 1 << 18  # scores that repay another thread


Span: TypeAlias = "slice[int, int, None]"


class Block(NamedTuple):
    """Some examples, some of their heads, neighbouring queries, and how many keys these look at."""

    examples: Span
    heads: Span
    queries: Span
    keys: int
    done: Attended


def attend_in_blocks(
    q: Array, k: Array, v: Array, real: Mask | None, kept: Array | None = None, *, causal: bool, keep: bool = True
) -> tuple[Array, list[list[Block]]]:
    """Attention over the keys that are real, (batch, 1, 1, keys), and, where it is causal, not later than the query.

    The blocks of some examples and heads come together, for the pullback. Without `keep` there are none, and one piece
    of memory has the scores of all, one after the other.
    """
    batch, many_heads, many, _ = q.shape
    if many <= _QUERIES and batch * many_heads * many * k.shape[2] <= _FEW:
        done = attend(q, k, v, real, kept, causal=causal)
        whole = Block(slice(0, batch), slice(0, many_heads), slice(0, many), k.shape[2], done)
        return done.value, [[whole]] if keep else []
    groups, steps = _plan(batch, many_heads, many, k.shape[2], causal)
    value = _for_heads(many, v, q, k)
    plain = all(type(a) is np.ndarray and a.dtype == q.dtype for a in (q, k, v))
    alone = sum((queries.stop - queries.start) * keys for queries, keys in steps)  # scores of one head
    scores = vector(batch * many_heads * alone, q.dtype) if plain and keep else None
    blocks: list[list[Block]] = [[] for _ in groups]

    def part(start: int, end: int) -> None:
        for i in range(start, end):
            examples, heads = groups[i]
            both = (examples.stop - examples.start, heads.stop - heads.start)
            at = (examples.start * many_heads + heads.start) * alone  # where heads are apart, so are examples
            for queries, keys in steps:
                e = None
                if scores is not None:
                    shape = (*both, keys, queries.stop - queries.start)
                    n = prod(shape)
                    e, at = scores[at : at + n].reshape(shape), at + n
                here = (examples, heads, queries)
                done = attend(
                    q[here], k[examples, heads, :keys], v[examples, heads, :keys],
                    None if real is None else real[examples, :, :, :keys],
                    None if kept is None else kept[(*here, slice(keys))],
                    causal=causal, e=e, out=value[here] if plain else None,
                )  # fmt: skip
                if not plain:
                    value[here] = done.value
                if keep:
                    blocks[i].append(Block(*here, keys, done))

    threads.spread(len(groups), -(-_WORTHWHILE * len(groups) // max(1, batch * many_heads * alone)), part)
    return value, blocks


def blocks_pullback(q: Array, k: Array, v: Array, blocks: list[list[Block]], dh: Array) -> Cotangents:
    """The pullback of `attend_in_blocks`: what a key gets from all blocks that look at it, added."""
    arrays: list[Any] = [q, k, v, dh]
    found = Cotangents(*[_for_heads(a.shape[2], a, *arrays) for a in (q, k, v)])
    plain = all(type(a) is np.ndarray and a.dtype == q.dtype for a in arrays)
    total = sum(block.done.e.size for group in blocks for block in group)

    def part(start: int, end: int) -> None:
        for group in blocks[start:end]:
            for first, (examples, heads, queries, keys, done) in enumerate(reversed(group)):  # the last looks at all
                here, seen = (examples, heads, queries), (examples, heads, slice(keys))
                dq, dk, dv = found.q[here], found.k[seen], found.v[seen]
                if plain and not first:
                    pulled(q[here], k[seen], v[seen], done, dh[here], Cotangents(dq, dk, dv))
                    continue
                d = pulled(q[here], k[seen], v[seen], done, dh[here])
                dq[...] = d.q
                if first:
                    dk += d.k
                    dv += d.v
                else:
                    dk[...], dv[...] = d.k, d.v

    threads.spread(len(blocks), -(-_WORTHWHILE * len(blocks) // max(1, total)), part)
    return found


def _plan(
    batch: int, heads: int, queries: int, keys: int, causal: bool
) -> tuple[list[tuple[Span, Span]], list[tuple[Span, int]]]:
    """Which examples and heads go together, and which queries, with how many keys."""
    size = _QUERIES if causal else _MOST
    ends = [*range(size, queries, size), queries]
    steps = [(slice(a, b), keys - queries + b if causal else keys) for a, b in zip([0, *ends], ends, strict=False)]
    fitting = max(1, _SCORES // max(1, min(size, queries) * keys))
    some = max(1, fitting // max(1, heads))
    of_heads = [slice(j, min(j + fitting, heads)) for j in range(0, heads, fitting)]
    groups = [(slice(i, min(i + some, batch)), part) for i in range(0, batch, some) for part in of_heads]
    return groups, steps


def _for_heads(steps: int, like: Array, *others: Array) -> Array:
    """Room for (batch, heads, steps, size), numbers like those of all of these, that `heads_joined` takes as it is."""
    batch, heads, _, size = like.shape
    arrays: list[Any] = [like, *others]
    kind = next((a for a in arrays if type(a) is not np.ndarray), like)
    return np.swapaxes(room(kind, (batch, steps, heads, size), np.result_type(*arrays)), 1, 2)
