"""Sums, means, moments and maxima against NumPy's own in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from funcnn.kernels.sums import all_finite, both_finite, column_sums, moments, row_maxima, row_means, row_sums
from funcnn.types import Array

SIZES = st.tuples(st.integers(1, 40), st.integers(1, 150))


def drawn(sizes: tuple[int, ...], dtype: Any = np.float64) -> Array:
    """Numbers of both signs."""
    made: Array = np.random.default_rng(list(sizes)).normal(size=sizes).astype(dtype)
    return made


@pytest.mark.parametrize("n", [0, 1, 255, 256, 511, 512, 513, 1000, 70000])
def test_column_sums(n: int) -> None:
    """In blocks and in blocks of blocks, every row counts once; of nothing they are zero."""
    rows = np.random.default_rng(0).integers(-9, 9, (n, 3)).astype(np.float64)
    assert column_sums(rows).tolist() == rows.sum(0).tolist()
    noise = drawn((n, 3), np.float32)
    np.testing.assert_allclose(column_sums(noise), noise.astype(np.float64).sum(0), rtol=1e-4, atol=1e-3 * n**0.5)


def test_moments_stand_a_large_mean() -> None:
    """In float32, 1000 + noise keeps its variance to a thousandth."""
    noise = np.random.default_rng(0).normal(size=(30000, 4))
    mean, var = moments((1000 + noise).astype(np.float32))
    assert mean == pytest.approx(1000 + noise.mean(0), abs=1e-3)
    assert var == pytest.approx(noise.var(0), rel=1e-3)


def test_rows_keep_their_axes() -> None:
    """Sums and means stand where the last axis was, with size 1."""
    x = drawn((2, 3, 5))
    assert row_sums(x) == pytest.approx(x.sum(-1, keepdims=True))
    assert row_means(x) == pytest.approx(x.mean(-1, keepdims=True))


@pytest.mark.parametrize("shape", [(0, 3, 4), (2, 3, 5), (7, 40, 9), (3, 4, 50, 6), (1, 2, 20000)])
def test_row_sums_of_many_axes(shape: tuple[int, ...]) -> None:
    """As they lie in memory, transposed, and complex."""
    x = drawn(shape)
    assert row_sums(x) == pytest.approx(x.sum(-1, keepdims=True), abs=1e-12)
    assert row_sums(x.T) == pytest.approx(x.T.sum(-1, keepdims=True), abs=1e-12)
    assert row_sums(x + 1j * x) == pytest.approx((x + 1j * x).sum(-1, keepdims=True), abs=1e-12)


@given(SIZES, st.sampled_from(["C", "F"]))
def test_row_maxima(sizes: tuple[int, int], order: Any) -> None:
    """Whichever way they are found."""
    x = np.asarray(drawn(sizes, np.float32), order=order)
    assert np.array_equal(row_maxima(x), x.max(1, keepdims=True))


@given(SIZES)
def test_row_maxima_pass_nan_on(sizes: tuple[int, int]) -> None:
    """A row with NaN has NaN."""
    x = drawn(sizes)
    x[0, -1] = np.nan
    assert np.array_equal(row_maxima(x), x.max(1, keepdims=True), equal_nan=True)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_all_finite(dtype: Any, bad: float) -> None:
    """One number that is not finite is found, and large ones, whose squares are not finite, are none."""
    x = np.full(7, np.finfo(dtype).max)
    assert all_finite(x) and all_finite(x[:0])
    x[3] = bad
    assert not all_finite(x)
    with np.errstate(all="raise"):
        assert all_finite(x[:3]) and not all_finite(x)


@pytest.mark.parametrize("n", [1, 9, 1000])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_both_finite(n: int, bad: float) -> None:
    """Wherever it is, also beside a zero; products that overflow are no fault."""
    x, y = np.zeros(n, np.float32), np.ones(n, np.float32)
    assert both_finite(x, y) and both_finite(y, x)
    with np.errstate(all="ignore"):
        assert both_finite(y * np.float32(1e30), y * np.float32(1e30))
        for one, other in ((x, y), (y, x)):
            spoiled = one.copy()
            spoiled[n // 2] = bad
            assert not both_finite(spoiled, other) and not both_finite(other, spoiled)
