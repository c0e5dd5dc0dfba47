"""Minibatches as index arithmetic: which rows a batch has is a function of the key, the epoch, and its number."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVarTuple

import numpy.typing as npt

from funcnn.arguments import counted, switch
from funcnn.foreign.calls import understood
from funcnn.keys import Key, Rng, as_key
from funcnn.training.rows import arrays_of, count_rows, taken
from funcnn.types import is_tuple

Ts = TypeVarTuple("Ts")


@understood
def batches(
    arrays: tuple[*Ts], size: int, *, key: Rng | None = None, epoch: int = 0, drop_last: bool = False
) -> Generator[tuple[*Ts], None, None]:
    """The rows of some arrays, `size` at a time: one epoch.

    With a key, rows come in an order drawn from the key and the number of the epoch, another one for every epoch;
    without one, as they are. The last batch has the rows that are left, unless `drop_last`. An item of the tuple may be
    a tuple of arrays; a batch then has one too. Batches of shuffled rows are copies, others read-only views. Without
    rows there is no batch.

    Errors, from the call itself
        TypeError    `arrays` is no tuple; `key` is no key and no seed
        ValueError   `size` is less than one; `drop_last` would drop everything
        ShapeError   arrays have different numbers of rows
        DTypeError   an array is complex, text, masked, sparse or ragged

    >>> x, y = np.arange(10).reshape(5, 2), np.arange(5)
    >>> [labels.tolist() for _, labels in batches((x, y), 2)]
    [[0, 1], [2, 3], [4]]
    >>> first, again, other = (next(batches((x, y), 5, key=0, epoch=epoch))[1].tolist() for epoch in (0, 0, 1))
    >>> first == again, first == other, sorted(first)
    (True, False, [0, 1, 2, 3, 4])
    """
    if not is_tuple(arrays):
        raise TypeError(f"batches takes a tuple of arrays, got {type(arrays).__name__}; write (x,) for a single one")
    size = counted("batches", size=size)
    switch("batches", drop_last=drop_last)
    drawn = None if key is None else as_key(key, where="key")
    data = arrays_of(tuple(arrays), "arrays")
    rows = count_rows(arrays=data)
    return _batches(data, rows, batch_count(rows, size, drop_last), size, drawn, epoch)


def _batches(data: Any, rows: int, count: int, size: int, key: Key | None, epoch: int) -> Generator[Any, None, None]:
    index = None if key is None else order(key, epoch, rows)
    for i in range(count):
        yield batch(data, i, size, index)


def batch_count(rows: int, size: int, drop_last: bool) -> int:
    """How many batches there are in an epoch.

    Errors
        ValueError   `drop_last` would drop everything
    """
    if not drop_last:
        return -(-rows // size)
    if 0 < rows < size:
        raise ValueError(f"drop_last drops the only batch: there are {rows} rows, and a batch has {size}")
    return rows // size


def order(key: Key, epoch: int, rows: int) -> npt.NDArray[Any]:
    """The order of the rows in an epoch."""
    return key.fold("order").fold(epoch).generator().permutation(rows)


def batch(data: Any, i: int, size: int, index: npt.NDArray[Any] | None) -> Any:
    """Batch `i` of an epoch with this order."""
    rows = slice(i * size, (i + 1) * size)
    return taken(data, rows if index is None else index[rows])
