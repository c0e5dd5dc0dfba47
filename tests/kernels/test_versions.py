"""Vectors that follow one another: each is what it should be, and none ever changes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from funcnn.kernels import scratch
from funcnn.kernels.tables import Rows
from funcnn.kernels.versions import Change, follow, settle
from funcnn.types import Array

WIDTH, ROWS, REST = 3, 50, 17


def changes(rng: np.random.Generator) -> list[Change]:
    """A table in the middle, of which some rows change, and what lies around it."""
    index = np.unique(rng.integers(0, ROWS, rng.integers(0, 9)))
    start, end = 5, 5 + ROWS * WIDTH
    return [Change(0, start, None), Change(start, end, Rows(index, WIDTH)), Change(end, end + REST, None)]


def stepped(old: Array, rng: np.random.Generator) -> tuple[Array, Array, bool]:
    """The next vector, sealed; the same by a copy; and whether all was copied."""
    parts = changes(rng)
    new, whole = follow(old, parts)
    wanted = old.copy()
    for change in parts:
        where = slice(None) if change.rows is None else change.rows.places
        values = rng.normal(size=change.part(old)[where].shape)
        for vector in (new, wanted):
            change.part(vector)[where] = values
    new.setflags(write=False)
    return new, wanted, whole


@given(st.lists(st.integers(0, 3), max_size=25), st.integers(0, 99))
def test_no_vector_ever_changes(program: list[int], seed: int) -> None:
    """Steps from the newest vector or from an older one, while some are held and others let go."""
    rng = np.random.default_rng(seed)
    newest: Array = np.zeros(5 + ROWS * WIDTH + REST)
    held: list[tuple[Array, Array]] = [(newest, newest.copy())]
    for act in program:
        if act == 0 and len(held) > 1:  # let one go
            held.pop(int(rng.integers(0, len(held))))
        if act == 1:  # go back
            newest = held[int(rng.integers(0, len(held)))][0]
        following, wanted, _ = stepped(newest, rng)
        if act == 2:
            held.append((following, wanted))
        newest = following
        np.testing.assert_array_equal(newest, wanted)
        del following
        for vector, was in held:
            np.testing.assert_array_equal(vector, was)


@pytest.mark.skipif(not scratch.COUNTED, reason="references are not counted here")
def test_little_is_copied_where_nobody_holds_what_was_before() -> None:
    """From the third step on, unless the vector before is somebody's, or was let go."""
    rng = np.random.default_rng(0)
    vector: Array = np.zeros(5 + ROWS * WIDTH + REST)
    whole: list[bool] = []
    for _ in range(4):
        vector, _, copied = stepped(vector, rng)
        whole.append(copied)
    assert whole == [True, True, False, False]
    before, (vector, _, copied) = vector, stepped(vector, rng)
    assert not copied and stepped(vector, rng)[2], "the one before is held"
    del before
    vector = stepped(stepped(vector, rng)[0], rng)[0]
    settle(vector)
    assert stepped(vector, rng)[2]
