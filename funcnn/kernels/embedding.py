"""Rows looked up in a table, and the adding up of their cotangents."""

from __future__ import annotations

import numpy as np

from funcnn.types import Array, Tokens

_FEW = 100  # rows: up to here numpy's own loop, a microsecond a row, costs less than fifty calls


def add_rows(tokens: Tokens, dy: Array, rows: int) -> Array:
    """A table of so many rows, in which row `t` is the sum of `dy[i]` over all `i` with `tokens[i] == t`.

    The tokens are sorted, and neighbours with one token added in pairs, until every token is there once: twice to four
    times as fast as `np.add.at` (4096 rows of 128 into 1000: 1.3 ms against 3.5), and closer to the exact sum.
    """
    table: Array = np.zeros((rows, dy.shape[1]), dy.dtype)
    if len(tokens) <= _FEW:
        np.add.at(table, tokens, dy)
        return table
    order = np.argsort(tokens.astype(np.uint16) if rows <= 1 << 16 else tokens, kind="stable")  # 16 bits: a radix sort
    tokens = tokens[order]
    while True:
        starts = np.ones(len(tokens), np.bool_)
        np.not_equal(tokens[1:], tokens[:-1], out=starts[1:])
        if starts.all():
            break
        place = np.arange(len(tokens)) - np.flatnonzero(starts)[np.cumsum(starts) - 1]  # in its run of equal tokens
        second = place % 2 == 1
        first = ~second
        sums = np.take(dy, order[first], axis=0)
        sums[np.flatnonzero(second[1:][first[:-1]])] += np.take(dy, order[second], axis=0)
        dy, tokens, order = sums, tokens[first], np.arange(len(sums))
    table[tokens] = np.take(dy, order, axis=0)
    return table
