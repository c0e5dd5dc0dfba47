"""Rows looked up in a table, and the adding up of their cotangents."""

from __future__ import annotations

import numpy as np

from funcnn.kernels.scratch import array
from funcnn.kernels.tables import LARGE, table as sealed_table
from funcnn.types import Array, Tokens

_OFTEN = 32  # rows with one token: so many are added up one after the other
_FEW = 100  # rows: up to here numpy's own loop, a microsecond a row, costs less than fifty calls


def rows_of_tokens(w: Array, tokens: Tokens) -> Array:
    """The row of every token, all of which are in the table; many in scratch memory."""
    if type(w) is not np.ndarray:
        return np.take(w, tokens, axis=0)
    y: Array = array((*tokens.shape, w.shape[1]), w.dtype)
    return np.take(w, tokens, axis=0, out=y, mode="clip")  # with another mode it would be buffered


def add_rows(tokens: Tokens, dy: Array, rows: int) -> Array:
    """A table of so many rows, in which row `t` is the sum of `dy[i]` over all `i` with `tokens[i] == t`.

    The tokens are sorted, and neighbours with one token added in pairs, until no token is there often; then the second
    of every token is added to the first, the third, and so on, all tokens at once. 2048 rows of 128 into 1000 take
    0.27 ms, in pairs to the end 0.67, by `np.add.at` 2.8; and sums of many are closer to the exact ones.

    Of a large table with many more rows than tokens it is known which are other than zero, see
    `funcnn.kernels.tables`.
    """
    shape = rows, dy.shape[1]
    if 4 * len(tokens) < rows and rows * dy.shape[1] >= LARGE:
        return sealed_table(shape, *_summed(tokens, dy, rows))
    table: Array = np.zeros(shape, dy.dtype)
    if len(tokens) <= _FEW:
        np.add.at(table, tokens, dy)
    else:
        index, sums = _summed(tokens, dy, rows)
        table[index] = sums
    return table


def _summed(tokens: Tokens, dy: Array, rows: int) -> tuple[Tokens, Array]:
    """Every token once, and the sum of its rows."""
    if len(tokens) <= _FEW:
        index, place = np.unique(tokens, return_inverse=True)
        few: Array = np.zeros((len(index), dy.shape[1]), dy.dtype)
        np.add.at(few, place, dy)
        return index, few
    order = np.argsort(tokens.astype(np.uint16) if rows <= 1 << 16 else tokens, kind="stable")  # 16 bits: a radix sort
    tokens = tokens[order]
    while True:
        starts = np.ones(len(tokens), np.bool_)
        np.not_equal(tokens[1:], tokens[:-1], out=starts[1:])
        first = np.flatnonzero(starts)
        counts = np.diff(first, append=len(tokens))
        if counts.max() <= _OFTEN:
            break
        place = np.arange(len(tokens)) - first[np.cumsum(starts) - 1]  # in its run of equal tokens
        odd = place % 2 == 1
        even = ~odd
        sums = np.take(dy, order[even], axis=0)
        sums[np.flatnonzero(odd[1:][even[:-1]])] += np.take(dy, order[odd], axis=0)
        dy, tokens, order = sums, tokens[even], np.arange(len(sums))
    most = np.argsort(-counts, kind="stable")
    first, counts = first[most], counts[most]
    sums = np.take(dy, order[first], axis=0)
    for k in range(1, int(counts[0])):
        n = np.searchsorted(-counts, -k)  # so many tokens are there more than k times
        sums[:n] += np.take(dy, order[first[:n] + k], axis=0)
    return tokens[first], sums
