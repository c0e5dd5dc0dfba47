"""One pass over long vectors, block by block, so that what is worked on stays in the cache; on several cores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias

import numpy as np

from funcnn.kernels.scratch import SHORT, vector
from funcnn.kernels.sums import all_finite, both_finite
from funcnn.kernels.threads import longer, spread
from funcnn.types import Array

BLOCK: Final = 1 << 16
"""Elements of a block on one core, see `longer`: the three of Adam's vectors that are worked on stay in an L2 cache."""

WORTHWHILE: Final = 1 << 17  # elements that repay another thread

_WHOLE: Final = slice(0, SHORT)

Pieces: TypeAlias = "Array | Sequence[Array]"
"""A vector, or vectors that follow one another: gradients need not be copied to lie in a row."""

Block: TypeAlias = Callable[[Array, Array, Array, Sequence[Array], Sequence[Array]], object]
"""`(g, u, p, old, new)`: of some numbers, writes the updates into `u` and the next state into `new`."""


def sweep(
    pieces: Sequence[Array],
    onto: Array | None,
    block: Callable[[slice, Array, Array], Sequence[Array] | None],
    into: Array | None = None,
) -> tuple[Array, bool]:
    """The updates that `block(where, gradient, update)` writes; or `onto` plus these. And whether nothing is infinite
    without being seen in the updates: `onto` plus these, and the vectors that `block` returns, where it returns any.

    The sum is made block by block, so that the updates never leave the cache. It is written `into` a vector, or a new
    one.
    """
    g = pieces[0]
    if len(pieces) == 1 and g.size < SHORT:
        moved: Array = np.empty(g.size, g.dtype) if into is None else into
        hidden = block(_WHOLE, g, moved)
        if onto is not None:
            np.add(onto, moved, moved)
        return moved, _looked(moved, hidden, onto)
    n = size_of(pieces)
    moved = vector(n, g.dtype) if into is None else into
    finite: list[bool] = []

    def part(start: int, end: int) -> None:
        for s, g in blocks(pieces, start, end):
            u = moved[s]
            hidden = block(s, g, u)
            if onto is not None:
                np.add(onto[s], u, u)
            finite.append(_looked(u, hidden, onto))

    spread(n, WORTHWHILE, part)
    return moved, all(finite)


def _looked(u: Array, hidden: Sequence[Array] | None, onto: Array | None) -> bool:
    """Is all of it finite? Updates alone need no look: they go on to where one is taken."""
    if not hidden:
        return onto is None or all_finite(u)
    for vector in hidden:
        if not both_finite(u, vector):
            return False
    return True


def add_onto(into: Sequence[Array], pieces: Sequence[Array]) -> None:
    """Add vectors to others of the same lengths, in their memory."""

    def part(start: int, end: int) -> None:
        for (_, a), (_, b) in zip(blocks(into, start, end), blocks(pieces, start, end), strict=True):
            np.add(a, b, a)

    spread(size_of(into), WORTHWHILE, part)


def in_pieces(x: Pieces) -> Sequence[Array]:
    """A vector as a row of one."""
    return [x] if isinstance(x, np.ndarray) else x


def size_of(pieces: Sequence[Array]) -> int:
    """How many numbers there are."""
    return sum(piece.size for piece in pieces)


def blocks(pieces: Sequence[Array], start: int, end: int) -> Iterator[tuple[slice, Array]]:
    """From `start` to `end`, block by block: where it is, and what is there. Blocks end where pieces do."""
    at, block = 0, longer(BLOCK)
    for piece in pieces:
        for i in range(max(start - at, 0), min(end - at, piece.size), block):
            j = min(i + block, end - at, piece.size)
            yield slice(at + i, at + j), piece[i:j]
        at += piece.size
