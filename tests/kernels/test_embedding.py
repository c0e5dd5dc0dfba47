"""The adding up of rows against a loop."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from funcnn import Array, Tokens
from funcnn.kernels.embedding import add_rows


def looped(tokens: Tokens, dy: Array, rows: int) -> Array:
    """Row by row."""
    table = np.zeros((rows, dy.shape[1]), dy.dtype)
    for token, row in zip(tokens, dy, strict=True):
        table[token] += row
    return table


@given(n=st.integers(0, 400), rows=st.sampled_from([1, 2, 7, 300]), units=st.integers(1, 4), seed=st.integers(0, 999))
def test_rows_are_added_up_by_token(n: int, rows: int, units: int, seed: int) -> None:
    """Few and many rows, of few and many tokens."""
    rng = np.random.default_rng(seed)
    tokens, dy = rng.integers(0, rows, n), rng.normal(size=(n, units))
    np.testing.assert_allclose(add_rows(tokens, dy, rows), looped(tokens, dy, rows), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("power", [0.5, 1.2, 3.0])
def test_some_tokens_are_there_much_more_often(power: float) -> None:
    """As in texts: the first thousands of times, the last once."""
    rng = np.random.default_rng(3)
    tokens = (300 * rng.random(3000) ** (1 + power)).astype(np.intp)
    dy = rng.normal(size=(3000, 3))
    np.testing.assert_allclose(add_rows(tokens, dy, 300), looped(tokens, dy, 300), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("rows", [60_000, 70_000])
def test_large_tables_are_sorted_too(rows: int) -> None:
    """On both sides of what sixteen bits can count; small integers add up exactly."""
    rng = np.random.default_rng(0)
    tokens = rng.integers(0, rows, 500)
    tokens[::3] = rows - 1
    dy = rng.integers(-9, 9, (500, 2)).astype(np.float32)
    found = add_rows(tokens, dy, rows)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, looped(tokens, dy, rows))


def test_sums_of_many_rows_are_nearly_exact() -> None:
    """A token that is there 2 ** 16 times in float32: pairs keep nearly all digits, a loop is off by 4 in 6554."""
    dy = np.full((1 << 16, 1), 0.1, np.float32)
    found = add_rows(np.zeros(1 << 16, np.intp), dy, 2)[0, 0]
    assert found == pytest.approx(float(np.float32(0.1)) * (1 << 16), rel=5e-7)


def test_complex_rows_are_added_up() -> None:
    """Real and imaginary parts alike."""
    rng = np.random.default_rng(1)
    tokens, u, v = rng.integers(0, 5, 300), rng.normal(size=(300, 2)), rng.normal(size=(300, 2))
    found = add_rows(tokens, u + 1j * v, 5)
    np.testing.assert_allclose(found, add_rows(tokens, u, 5) + 1j * add_rows(tokens, v, 5), rtol=1e-12)


def test_arguments_stay_what_they_are() -> None:
    """Neither tokens nor rows are written to, sorted or not."""
    rng = np.random.default_rng(2)
    tokens, dy = rng.integers(0, 3, 200), rng.normal(size=(200, 2))
    before = tokens.copy(), dy.copy()
    table = add_rows(tokens, dy, 3)
    np.testing.assert_array_equal(tokens, before[0])
    np.testing.assert_array_equal(dy, before[1])
    assert not np.shares_memory(table, dy)
