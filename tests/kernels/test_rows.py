"""Kernels that go by blocks of rows, against the same kernels on whole arrays, and formulas in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from funcnn import Array, LogSoftmax, RMSNorm, Softmax, vjp
from funcnn.kernels import rms_norm, rows, softmax, sums, threads

PAIRS = [(softmax.softmax, softmax.softmax_pullback), (softmax.log_softmax, softmax.log_softmax_pullback)]


def drawn(seed: int, *shape: int) -> Array:
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize(("value", "pullback"), PAIRS)
@given(shape=st.lists(st.integers(1, 7), min_size=1, max_size=3), block=st.integers(1, 40), cores=st.integers(1, 3))
def test_softmax_by_blocks_is_that_of_the_whole(
    value: Callable[[Array], Array], pullback: Callable[[Array, Array], Array], shape: list[int], block: int, cores: int
) -> None:
    """Of one row and of one number too, in blocks of any size, on any number of threads."""
    x, dy = drawn(1, *shape), drawn(2, *shape)
    y = value(x)
    dx = pullback(y, dy)
    with (
        mock.patch.object(softmax, "_LONG", 1), mock.patch.multiple(rows, _BLOCK=block, _WORTHWHILE=4),
        mock.patch.object(threads, "THREADS", cores),
    ):  # fmt: skip
        np.testing.assert_allclose(value(x), y, rtol=1e-13, atol=1e-15)
        np.testing.assert_allclose(pullback(y, dy), dx, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("net", [Softmax, LogSoftmax], ids=repr)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_long_rows_of_hard_numbers(net: Any, dtype: Any) -> None:
    """Ties, huge and infinite scores and NaN: each row as it is by itself; the dtype stays."""
    x = drawn(3, 1100, 130).astype(dtype)
    x[1], x[2], x[3, 0], x[4, :5] = 0.0, 1e4, np.nan, -np.inf
    x[5] *= 1e4
    dy = drawn(4, 1100, 130).astype(dtype)
    y, pullback = vjp(net.apply, {}, x)
    dx = pullback(dy)[1]
    assert y.dtype == dx.dtype == dtype
    for i in range(8):
        alone, pull = vjp(net.apply, {}, x[i : i + 1])
        with np.errstate(invalid="ignore"):
            np.testing.assert_allclose(y[i : i + 1], alone, rtol=1e-6, atol=1e-6)
            np.testing.assert_allclose(dx[i : i + 1], pull(dy[i : i + 1])[1], rtol=2e-5, atol=2e-5)
    assert np.isnan(y[3]).all() and np.isfinite(y[5:]).all()


@given(
    shape=st.lists(st.integers(1, 7), min_size=1, max_size=3), block=st.integers(1, 40), cores=st.integers(1, 3),
    products=st.integers(2, 4),
)  # fmt: skip
def test_rms_norm_by_blocks_is_the_formula(shape: list[int], block: int, cores: int, products: int) -> None:
    """`y = scale h`, and both pullbacks as its docstring says, in blocks of any size."""
    x, dy, scale = drawn(5, *shape), drawn(6, *shape), drawn(7, shape[-1])
    s = 1 / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-5)
    h, dh = x * s, dy * scale
    with (
        mock.patch.object(rms_norm, "_LONG", 1), mock.patch.multiple(rows, _BLOCK=block, _WORTHWHILE=4),
        mock.patch.object(threads, "THREADS", cores), mock.patch.multiple(sums, _ROWS=products, _WIDE=1),
    ):  # fmt: skip
        y, inverse = rms_norm.normalized(x, scale, 1e-5)
        dscale, means = rms_norm.params_cotangents(x, dy, scale, inverse)
        dx = rms_norm.input_cotangent(x, dy, scale, inverse, means)
    assert means is not None
    np.testing.assert_allclose(y, scale * h, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(dscale, (dy * h).reshape(-1, shape[-1]).sum(0), rtol=1e-12, atol=1e-12)
    wanted = s * (dh - h * (dh * h).mean(-1, keepdims=True))
    np.testing.assert_allclose(dx, wanted, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1e-4, 1.0, 1e9])
def test_rms_norm_of_long_arrays(dtype: Any, size: float) -> None:
    """Small and large numbers, a row of zeros, and strided ones: value and pullbacks agree with the short path."""
    x, dy = (drawn(8, 1200, 130) * size).astype(dtype), drawn(9, 1200, 130).astype(dtype)
    x[0] = 0
    params = {"scale": drawn(10, 130).astype(dtype)}
    y, pullback = vjp(RMSNorm().apply, params, x)
    dparams, dx = pullback(dy)
    assert {a.dtype for a in (y, dx, dparams.at("scale"))} == {np.dtype(dtype)}
    with mock.patch.object(rms_norm, "_LONG", 1 << 40):
        plain, pull = vjp(RMSNorm().apply, params, np.repeat(x, 2, axis=1)[:, ::2])
        dplain, wanted = pull(dy)
    tolerance = 1e-5 if dtype is np.float32 else 1e-13
    np.testing.assert_allclose(y, plain, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(dx, wanted, rtol=tolerance, atol=tolerance * np.abs(wanted).max())
    total = np.abs(dplain.at("scale")).max()
    np.testing.assert_allclose(dparams.at("scale"), dplain.at("scale"), rtol=0, atol=tolerance * total)


def test_sums_with_weights_keep_their_digits() -> None:
    """70,000 float32 numbers of 1.1, each with the weight 1.1; and a rest."""
    weights, numbers = np.full(70_001, 1.1, np.float32), np.full((70_001, 1), 1.1, np.float32)
    assert sums.weighted_sums(weights, numbers) == pytest.approx([70_001 * 1.21], rel=1e-6)


def test_outer_products_are_exact() -> None:
    """The same bits as by multiplying."""
    column, row, out = drawn(11, 40), drawn(12, 30), np.empty((40, 30))
    rows.outer(column, row, out)
    np.testing.assert_array_equal(out, column[:, None] * row)
