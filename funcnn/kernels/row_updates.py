"""Steps by gradients of which few rows are not zero, for optimizers that leave alone what has no gradient."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from funcnn.kernels.sums import all_finite
from funcnn.kernels.sweeps import Block, size_of, sweep
from funcnn.kernels.tables import rows_of
from funcnn.kernels.versions import Change, follow
from funcnn.types import Array


def has_rows(pieces: Sequence[Array]) -> bool:
    """Is there a table among them that knows its rows?"""
    return any(rows_of(piece) is not None for piece in pieces)


def stepped(
    pieces: Sequence[Array], onto: Array, old: Sequence[Array], block: Block
) -> tuple[Array, list[Array], bool]:
    """`onto` plus the updates that `block` writes, the new state, and whether what was written is finite, and all where
    all was copied. The same to the last bit as by one sweep over everything.
    """
    parts = list(_parts(pieces))
    changes = [change for change, _ in parts]
    (moved, whole), *others = (follow(vector, changes) for vector in (onto, *old))
    new, finite = [vector for vector, _ in others], not whole or all_finite(onto)
    for change, some in parts:
        step = _run if change.rows is None else _rows
        finite = step(change, some, (onto, *old), (moved, *new), block) and finite
    return moved, new, finite


def _parts(pieces: Sequence[Array]) -> Iterator[tuple[Change, list[Array]]]:
    """Tables that know their rows, each by itself, and what lies between them."""
    start, run = 0, list[Array]()
    for piece in pieces:
        rows, end = rows_of(piece), start + size_of(run)
        if rows is None:
            run.append(piece)
            continue
        if run:
            yield Change(start, end, None), run
        start, run = end + piece.size, []
        yield Change(end, start, rows), [piece]
    if run:
        yield Change(start, start + size_of(run), None), run


def _run(
    change: Change, pieces: Sequence[Array], before: Sequence[Array], after: Sequence[Array], block: Block
) -> bool:
    """All numbers from one place to another, of the params and of their state."""
    p, *old = map(change.part, before)
    moved, *new = map(change.part, after)

    def part(s: slice, g: Array, u: Array) -> Sequence[Array]:
        s = slice(s.start, s.start + g.size)
        into = [v[s] for v in new]
        block(g, u, p[s], [v[s] for v in old], into)
        return into

    return sweep(pieces, p, part, moved)[1]


def _rows(
    change: Change, pieces: Sequence[Array], before: Sequence[Array], after: Sequence[Array], block: Block
) -> bool:
    """The rows of a table: taken out, stepped, and put where they belong."""
    assert change.rows is not None
    places, width = change.rows
    g, p, *old = (x[places].reshape(-1) for x in (pieces[0].reshape(-1, width), *map(change.part, before)))
    u, *new = (np.empty_like(v) for v in (p, *old))
    block(g, u, p, old, new)
    np.add(p, u, u)
    for vector, rows in zip(after, (u, *new), strict=True):
        change.part(vector)[places] = rows.reshape(-1, width)
    return all(map(all_finite, (u, *new)))
