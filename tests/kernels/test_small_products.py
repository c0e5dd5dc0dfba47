"""Products in parts: what one product gives, whatever the parts and wherever the numbers lie."""

from __future__ import annotations

from collections.abc import Iterator
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from funcnn import Array
from funcnn.kernels import blas, small_products, winograd
from funcnn.kernels.small_products import by_columns, by_rows, over_rows, parts

RNG = np.random.default_rng(0)
sizes = st.integers(1, 12)


def in_parts(small: int) -> mock._patch[object]:
    """As where BLAS has kernels for AVX-512, with products of so many multiplications for small ones."""
    return mock.patch.multiple(small_products, _SMALL=small, _FEWEST=1, small_is_fast=lambda: True)


@pytest.fixture
def wide() -> Iterator[None]:
    """BLAS has kernels for AVX-512."""
    with mock.patch.object(blas, "architecture", lambda: "SkylakeX"):
        yield


@pytest.mark.usefixtures("wide")
def test_rows_are_divided_into_equal_parts() -> None:
    """As few of them as are small."""
    assert parts(25088, 16 * 64) == 28  # 26 would do, and does not divide
    assert parts(900, 16 * 64) == 1  # small as it is


@pytest.mark.usefixtures("wide")
def test_there_is_one_part_where_several_would_be_short() -> None:
    """Of a few rows each; or of some that divide no number of rows."""
    assert parts(25088, 576 * 64) == 1
    assert parts(25087, 16 * 64) == 1  # a prime


def test_kernels_for_avx2_get_one_product() -> None:
    """They are slower in parts."""
    with mock.patch.object(blas, "architecture", lambda: "Haswell"):
        assert parts(25088, 16 * 64) == 1


@given(n=sizes, k=sizes, m=sizes, small=st.integers(1, 300))
def test_parts_give_the_product(n: int, k: int, m: int, small: int) -> None:
    """By rows, by columns, and over rows; of several matrices too, and of views."""
    a, b, d = RNG.normal(size=(2, n, k)), RNG.normal(size=(k, m)), RNG.normal(size=(2, n, m))
    rows, columns, over = np.zeros((2, n, m)), np.zeros((2, n, m)), np.zeros((2, k, m))
    apart: Array = np.zeros((n, 2, m))
    several = RNG.normal(size=(2, k, m))
    with in_parts(small):
        by_rows(a, b, rows)
        by_rows(a, several, apart.transpose(1, 0, 2))
        by_columns(a[0], several, columns)
        over_rows(a, d, over)
    np.testing.assert_allclose(rows, a @ b, atol=1e-12)
    np.testing.assert_allclose(apart, (a @ several).transpose(1, 0, 2), atol=1e-12)
    np.testing.assert_allclose(columns, a[0] @ several, atol=1e-12)
    np.testing.assert_allclose(over, a.transpose(0, 2, 1) @ d, atol=1e-12)


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("small", [1, 500, 20_000])
def test_convolutions_by_winograds_algorithm_are_the_same(groups: int, small: int) -> None:
    """With groups, what is written to lies apart."""
    x = RNG.normal(size=(3, 12, 12, 8)).astype(np.float32)
    w = RNG.normal(size=(3, 3, 8 // groups, 8)).astype(np.float32)
    pads = ((1, 1), (1, 1))
    expected = winograd.convolve(x, w, pads, groups=groups), winograd.convolve_input(x, w, x.shape, pads, groups=groups)
    with in_parts(small):
        y = winograd.convolve(x, w, pads, groups=groups)
        dx = winograd.convolve_input(x, w, x.shape, pads, groups=groups)
    np.testing.assert_allclose(y, expected[0], atol=1e-4)
    np.testing.assert_allclose(dx, expected[1], atol=1e-4)
