"""Tables that know their rows: arrays like others, which nobody can make wrong unseen."""

from __future__ import annotations

import mmap
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from funcnn.kernels import scratch
from funcnn.kernels.tables import rows_of, table
from funcnn.types import Array

SHAPE = 5000, 8


def drawn(seed: int, shape: tuple[int, int] = SHAPE, most: int = 40) -> tuple[Array, Array]:
    """Such a table, and the same by assignment."""
    rng = np.random.default_rng(seed)
    index = np.unique(rng.integers(0, shape[0], int(rng.integers(0, most))))
    values = rng.normal(size=(len(index), shape[1])).astype(np.float32)
    plain = np.zeros(shape, np.float32)
    plain[index] = values
    return table(shape, index, values), plain


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=12))
def test_memory_that_is_used_again_is_clean(program: list[tuple[int, bool]]) -> None:
    """Whatever was in it, and whether somebody holds some of the tables before: these never change."""
    held: list[tuple[Array, Array]] = []
    for seed, keep in program:
        found, plain = drawn(seed)
        np.testing.assert_array_equal(found, plain)
        np.testing.assert_array_equal(found[rows_of(found).places], plain[plain.any(1)])  # type: ignore[union-attr]
        if keep:
            held.append((found, plain))
        del found
        for before, wanted in held:
            np.testing.assert_array_equal(before, wanted)


def test_memory_is_used_again() -> None:
    """Where nobody refers to it, and not where somebody does; an idle thread can let it go."""
    scratch.release()
    first = drawn(1)[0]
    address = first.ctypes.data
    assert drawn(2)[0].ctypes.data != address
    part = first[3:4, 2:]
    del first
    assert drawn(2)[0].ctypes.data != address and scratch.held() >= part.base.nbytes  # type: ignore[union-attr]
    scratch.release()
    one = drawn(3)[0].ctypes.data
    assert drawn(4)[0].ctypes.data == one or not scratch.COUNTED


@pytest.mark.parametrize("rows", [3, 4000])
def test_few_rows_of_a_huge_table_and_many(rows: int) -> None:
    """Memory of either kind is zero where nothing was written."""
    index = np.arange(0, 2 * rows, 2)
    found = table((1 << 18, 4), index, np.ones((rows, 4)))
    assert found.sum() == 4 * rows and found[index].all() and found.dtype == np.float64


def test_a_system_without_large_pages_and_one_without_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Advice that is not taken is none that was needed; a table that there is no room for is a MemoryError."""

    class Plain(mmap.mmap):
        def madvise(self, *_: int) -> None:
            raise OSError(22, "Invalid argument")

    def full(*_: object, **__: object) -> Any:
        raise OSError(12, "Cannot allocate memory")

    scratch.release()
    monkeypatch.setattr(mmap, "mmap", Plain)
    found, plain = drawn(5)
    np.testing.assert_array_equal(found, plain)
    scratch.release()
    monkeypatch.setattr(mmap, "mmap", full)
    with pytest.raises(MemoryError, match="160,000 bytes: .*Cannot allocate"):
        drawn(5)


def test_a_table_is_sealed() -> None:
    """Nobody writes to a row of which nothing is known."""
    with pytest.raises(ValueError, match="read-only"):
        drawn(1)[0][0, 0] = 1


KNOWN: dict[str, Callable[[Array], Array]] = {
    "itself": lambda x: x,
    "flat": lambda x: x.ravel(),
    "a view of a flat one": lambda x: x.reshape(-1)[:].reshape(x.shape),
}
UNKNOWN: dict[str, Callable[[Array], Array]] = {
    "twice as much": lambda x: 2 * x,
    "a copy": lambda x: x.copy(),
    "some of it": lambda x: x[1:],
    "turned": lambda x: x.T,
    "upside down": lambda x: x[::-1],
    "pickled": lambda x: pickle.loads(pickle.dumps(x)),
    "as other numbers": lambda x: x.view(np.int32),
    "of another kind": lambda x: x.view(np.ma.MaskedArray),
    "a sum": lambda x: x + x,
    "short": lambda x: np.zeros(3),
}


@pytest.mark.parametrize("name", [*KNOWN, *UNKNOWN])
def test_what_is_known_of_what_is_made_of_a_table(name: str) -> None:
    """Of the same numbers in the same order the rows are known, of anything else nothing."""
    found, _ = drawn(7)
    assert (rows_of((KNOWN | UNKNOWN)[name](found)) is not None) == (name in KNOWN)
    rows: Any = rows_of(found)
    assert rows.width == SHAPE[1] and len(rows.places) == len(np.unique(rows.places))
