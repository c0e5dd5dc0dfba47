"""Pools along one axis after the other, against those of all offsets together."""

from __future__ import annotations

from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from funcnn import Array
from funcnn.kernels import pooled_blocks as kernel
from funcnn.kernels import pooling, threads
from funcnn.kernels.windows import Windows


@st.composite
def cases(draw: st.DrawFn) -> tuple[Array, Windows]:
    """Windows that overlap or not, with gaps and padding, negative ones too, over two or three axes."""
    rank = draw(st.integers(2, 3))
    size, strides, dilation = (tuple(draw(st.integers(1, 3)) for _ in range(rank)) for _ in range(3))
    pads = tuple((draw(st.integers(-1, 2)), draw(st.integers(-1, 2))) for _ in range(rank))
    spans = [(k - 1) * d + 1 - sum(pad) for k, d, pad in zip(size, dilation, pads, strict=True)]
    sizes = [draw(st.integers(max(1, n), max(1, n) + 4)) for n in spans]
    x = np.random.default_rng(draw(st.integers(0, 999))).normal(size=(draw(st.integers(0, 3)), *sizes, 2))
    return x, Windows(size, strides, dilation, pads)


def maxima_input(x: Array, how: Windows, suits: bool) -> Array:
    """The cotangent of maxima, by axes where they suit, or never."""
    with mock.patch.object(kernel, "suits", lambda *_: suits):
        y = pooling.max_pool(x, how)
        return pooling.max_pool_input(x, y, np.cos(np.arange(y.size)).reshape(y.shape), how)


@given(case=cases(), levels=st.integers(1, 3), block=st.sampled_from([1, 200, 1 << 19]))
def test_maxima_give_back_axis_by_axis(case: tuple[Array, Windows], levels: int, block: int) -> None:
    """To the first of the largest pixels, row by row, of which images of one, two or three numbers have many."""
    x, how = case
    for image in (x, np.floor(levels * np.sin(x) ** 2), np.where(x > 0, -np.inf, x)):
        wanted = maxima_input(image, how, suits=False)
        with mock.patch.multiple(kernel, _BLOCK=block, _WORTHWHILE=1), mock.patch.object(threads, "THREADS", 3):
            np.testing.assert_allclose(maxima_input(image, how, suits=True), wanted, rtol=1e-12, atol=1e-12)


def all_three(x: Array, how: Windows, suits: bool) -> tuple[Array, Array, Array]:
    """Maxima, sums and the cotangent of sums, by axes where they suit, or never."""
    with mock.patch.object(kernel, "suits", lambda *_: suits):
        y = pooling.sum_pool(x, how)
        return pooling.max_pool(x, how), y, pooling.sum_pool_input(np.cos(y), x.shape, how)


@given(case=cases(), block=st.sampled_from([1, 200, 1 << 19]))
def test_axis_by_axis_is_all_together(case: tuple[Array, Windows], block: int) -> None:
    """One image at a time or all of them, on several threads too."""
    wanted = all_three(*case, suits=False)
    with mock.patch.object(kernel, "_BLOCK", block):
        found = [all_three(*case, suits=True)]
        with mock.patch.object(threads, "THREADS", 3), mock.patch.object(kernel, "_WORTHWHILE", 1):
            found.append(all_three(*case, suits=True))
    for some in found:
        np.testing.assert_array_equal(some[0], wanted[0])
        np.testing.assert_allclose(some[1], wanted[1], rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(some[2], wanted[2], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("size", "stride", "expected"), [(3, 1, True), (2, 2, False), (3, 2, False), (5, 2, True)])
def test_windows_that_overlap_much_go_by_axes(size: int, stride: int, expected: bool) -> None:
    """Real ones; complex numbers and windows of one axis do not."""
    how = Windows((size, size), (stride, stride), (1, 1), ((0, 0), (0, 0)))
    x = np.zeros((1, 9, 9, 1))
    assert kernel.suits(how, x) == expected
    assert not kernel.suits(how, x.astype(np.complex128))
    assert not kernel.suits(Windows((size,), (stride,), (1,), ((0, 0),)), x[0])


def test_nan_and_infinity_stay_in_their_windows() -> None:
    """NaN is larger than all, minus infinity than nothing, padding apart."""
    how = Windows((3, 3), (1, 1), (1, 1), ((1, 1), (1, 1)))
    x = np.full((1, 7, 7, 1), -np.inf)
    x[0, 1, 1, 0], x[0, 6, 6, 0] = np.nan, 2.0
    y = pooling.max_pool(x, how)[0, ..., 0]
    assert np.isnan(y[:3, :3]).all() and np.isnan(y).sum() == 9
    assert (y[5:, 5:] == 2).all() and (y[3:5, 3:5] == -np.inf).all()
