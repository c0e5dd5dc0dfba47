"""Which rows a batch has is a function of the key, the epoch, and its number."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from funcnn import DTypeError, Key, ShapeError, batches

X, Y = np.arange(14.0).reshape(7, 2), np.arange(7)


def labels(size: int, **options: Any) -> list[list[int]]:
    """The labels of each batch."""
    return [y.tolist() for _, y in batches((X, Y), size, **options)]


@pytest.mark.parametrize(
    ("size", "drop_last", "expected"),
    [
        (3, False, [[0, 1, 2], [3, 4, 5], [6]]),
        (3, True, [[0, 1, 2], [3, 4, 5]]),
        (7, False, [[0, 1, 2, 3, 4, 5, 6]]),
        (7, True, [[0, 1, 2, 3, 4, 5, 6]]),
        (100, False, [[0, 1, 2, 3, 4, 5, 6]]),
        (1, True, [[0], [1], [2], [3], [4], [5], [6]]),
    ],
)
def test_without_a_key_rows_keep_their_order(size: int, drop_last: bool, expected: list[list[int]]) -> None:
    """Batches are consecutive rows; the last one has what is left, or is left out."""
    assert labels(size, drop_last=drop_last) == expected


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8])
def test_every_row_comes_once_in_an_epoch(size: int) -> None:
    """With a key the rows of an epoch are all the rows, in batches of the same sizes."""
    found = labels(size, key=3, epoch=5)
    assert sorted(sum(found, [])) == Y.tolist()
    assert [len(b) for b in found] == [len(b) for b in labels(size)]


def test_the_order_is_a_function_of_key_and_epoch() -> None:
    """The same key and epoch give the same order, another key or epoch another one."""
    first = labels(3, key=Key(0), epoch=2)
    assert first == labels(3, key=0, epoch=2)
    orders = {str(labels(7, key=key, epoch=epoch)) for key in (0, 1, 2) for epoch in (0, 1, 2)}
    assert len(orders) == 9


def test_the_order_does_not_depend_on_the_size() -> None:
    """Batches of another size cut the same order elsewhere."""
    assert sum(labels(2, key=0), []) == sum(labels(5, key=0), [])


def test_rows_stay_together() -> None:
    """Row i of one array comes with row i of the others."""
    assert all((x[:, 0] == 2 * y).all() for x, y in batches((X, Y), 2, key=0))


def test_tuples_within_the_tuple() -> None:
    """An item that is a tuple of arrays gives a tuple in every batch."""
    (queries, keys), y = next(batches(((X, -X), Y), 2))
    assert (queries.tolist(), keys.tolist(), y.tolist()) == ([[0, 1], [2, 3]], [[0, -1], [-2, -3]], [0, 1])


def test_a_single_array() -> None:
    """A tuple of one gives tuples of one."""
    assert [x.tolist() for (x,) in batches((Y,), 4)] == [[0, 1, 2, 3], [4, 5, 6]]


def test_a_named_tuple() -> None:
    """A named tuple is a tuple."""

    class Data(NamedTuple):
        x: np.ndarray[Any, Any]
        y: np.ndarray[Any, Any]

    assert [y.tolist() for _, y in batches(Data(X, Y), 4)] == [[0, 1, 2, 3], [4, 5, 6]]


def test_rows_in_order_are_not_copied() -> None:
    """Without a key batches are views of the data, which nobody can write through."""
    x, _ = next(batches((X, Y), 3))
    assert (np.shares_memory(x, X), x.flags.writeable, X.flags.writeable) == (True, False, True)


def test_shuffled_rows_are_copies() -> None:
    """With a key batches are fresh arrays, the caller's own."""
    x, _ = next(batches((X, Y), 3, key=0))
    assert (np.shares_memory(x, X), x.flags.writeable) == (False, True)


def layouts(folder: Path) -> dict[str, Any]:
    """The same numbers, otherwise in memory."""
    mapped = np.memmap(folder / "x", X.dtype, "w+", shape=X.shape)
    mapped[:] = X
    return {
        "Fortran order": np.asfortranarray(X),
        "strides": np.repeat(X, 2, axis=1)[:, ::2],
        "negative strides": np.ascontiguousarray(X[::-1])[::-1],
        "byte-swapped": X.astype(X.dtype.newbyteorder()),
        "memmap": mapped,
        "a list": X.tolist(),
    }


@pytest.mark.parametrize("layout", ["Fortran order", "strides", "negative strides", "byte-swapped", "memmap", "a list"])
@pytest.mark.parametrize("key", [None, 0])
def test_the_layout_does_not_matter(tmp_path: Path, layout: str, key: int | None) -> None:
    """However the data lie in memory, batches are plain contiguous arrays in native byte order."""
    x = layouts(tmp_path)[layout]
    for (found,), (expected,) in zip(batches((x,), 3, key=key), batches((X,), 3, key=key), strict=True):
        assert (type(found), found.dtype, found.flags.c_contiguous) == (np.ndarray, X.dtype, True)
        assert found.tolist() == expected.tolist()


def test_byte_swapped_labels() -> None:
    """Integers come in native byte order too."""
    (y,) = next(batches((Y.astype(">i4"),), 3))
    assert (y.dtype.isnative, y.tolist()) == (True, [0, 1, 2])


def test_without_rows_there_is_no_batch() -> None:
    """No rows make no batch, with or without `drop_last`."""
    assert [list(batches((X[:0],), 3, drop_last=drop_last)) for drop_last in (False, True)] == [[], []]


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((X, 3), {}, TypeError, "batches takes a tuple of arrays, got ndarray; write (x,) for a single one"),
        (((X, Y), 0), {}, ValueError, "batches: size must be an integer of at least 1, got 0"),
        (((X, Y), 2.0), {}, ValueError, "batches: size must be an integer of at least 1, got 2.0"),
        (((X, Y), 8), {"drop_last": True}, ValueError, "drop_last drops the only batch: there are 7 rows, and a"),
        (((X, Y), 2), {"key": 0.5}, TypeError, "key must be a Key or an int seed, got float; write Key(0)"),
        (((X, Y[:6]), 2), {}, ShapeError, "arrays[0] has 7, arrays[1] has 6"),
        ((((X, X[1:]), Y), 2), {}, ShapeError, "arrays[0][0] has 7, arrays[0][1] has 6, arrays[1] has 7"),
        (((X, np.array(1.0)), 2), {}, ShapeError, "arrays[1] has no axis of rows, it is one number"),
        (((), 2), {}, ShapeError, "arrays must have arrays in it, got an empty tuple"),
        (((X, Y + 1j), 2), {}, DTypeError, "arrays[1] has dtype complex128"),
        (((X, np.ma.masked_array(Y)), 2), {}, DTypeError, "arrays[1] is a masked array"),
        (((X, [[1.0], [1.0, 2.0]]), 2), {}, DTypeError, "arrays[1] is ragged"),
    ],
)
def test_refusals(arguments: Any, options: Any, error: type[Exception], message: str) -> None:
    """What is wrong is said by the call, before the first batch is asked for."""
    with pytest.raises(error) as caught:
        batches(*arguments, **options)
    assert message in str(caught.value)
