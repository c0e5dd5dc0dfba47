"""Depthwise convolution against sums over every pixel of every window, in float64."""

from __future__ import annotations

from itertools import product
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from funcnn import Array
from funcnn.kernels import correlation, depthwise_lines, threads
from funcnn.kernels import depthwise as kernel
from funcnn.kernels.windows import Windows
from tests.kernels.windowed import Case, agree, cases, summed


def all_three(case: Case) -> tuple[Array, Array, Array]:
    """What the kernel makes of it."""
    x, w, dy, how, _ = case
    y, dx = np.full(dy.shape, np.nan, np.result_type(x, w)), np.full(x.shape, np.nan, np.result_type(dy, w))
    kernel.convolve(x, w, how, None, y)
    kernel.convolve_input(dy, w, how, dx)
    return y, kernel.convolve_params(x, dy, how), dx


@given(case=cases(depthwise=True))
def test_all_three_passes_agree_with_sums(case: Case) -> None:
    """Any strides, gaps and padding, several outputs of a channel, one to three axes."""
    agree(all_three(case), summed(case))


@pytest.mark.parametrize("size", [1, 2, 3])
def test_the_grid_of_strides_and_gaps(size: int) -> None:
    """Every stride and dilation up to 3, with and without padding, on odd sizes."""
    rng = np.random.default_rng(0)
    for stride, dilation, pad in product((1, 2, 3), (1, 2, 3), ((0, 0), (1, 2), (3, 0))):
        how = Windows((size, 2), (stride, 1), (dilation, 2), (pad, (1, 0)))
        x, w = rng.normal(size=(2, 11, 7, 3)), rng.normal(size=(size, 2, 1, 6))
        case = Case(x, w, rng.normal(size=(2, *how.counts(x.shape), 6)), how, 3)
        agree(all_three(case), summed(case))


@given(case=cases(depthwise=True), block=st.sampled_from([1, 100, 2000]), line=st.sampled_from([1, 7, 100]))
def test_neither_blocks_nor_lines_matter(case: Case, block: int, line: int) -> None:
    """Bands of one row of windows, or several images; lines of one pixel, or all of them."""
    lines = mock.patch.multiple(kernel, _LINE=line, _SUMMED=line, _PART=max(1, line // 4))
    with lines, mock.patch.object(depthwise_lines, "BLOCK", block):
        agree(all_three(case), summed(case))


@given(case=cases(depthwise=True))
def test_complex_numbers_flow_through(case: Case) -> None:
    """The kernel is linear over the complex numbers, in each argument."""
    a, b = np.array(1 + 2j), np.array(3 - 1j)
    y, dw, dx = summed(case)
    found = all_three(case._replace(x=case.x * a, dy=case.dy * b))
    assert all(each.dtype == np.complex128 for each in found)
    agree(found, (y * a, dw * a * b, dx * b))


@given(case=cases(depthwise=True))
def test_threads_and_bias(case: Case) -> None:
    """By way of the convolutions of any groups: shared out, and with a bias."""
    x, w, dy, how, groups = case
    b = np.linspace(-1, 1, w.shape[-1])
    with mock.patch.object(threads, "THREADS", 3), mock.patch.object(correlation, "_WORTHWHILE", 1):
        y = correlation.correlate(x, w, how, groups, b)
        dw, db = correlation.correlate_params(x, dy, how, groups)
        dx = correlation.correlate_input(dy, w, x.shape, how, groups)
    wanted = summed(case)
    agree((y, dw, dx), (wanted[0] + b, *wanted[1:]))
    np.testing.assert_allclose(db, dy.sum(tuple(range(dy.ndim - 1))), rtol=1e-12, atol=1e-12)


def test_a_value_that_is_not_finite_stays_under_its_windows() -> None:
    """What lies beside an image in memory does not meet it."""
    how = Windows((3, 3), (1, 1), (1, 1), ((1, 1), (1, 1)))
    x, w = np.ones((2, 6, 6, 4), np.float32), np.ones((3, 3, 1, 4), np.float32)
    x[0, 5, 5, 2] = np.nan
    y = correlation.correlate(x, w, how, 4)
    assert sorted(map(tuple, np.argwhere(np.isnan(y)).tolist())) == [(0, i, j, 2) for i in (4, 5) for j in (4, 5)]
    dw, _ = correlation.correlate_params(x, np.ones_like(y), how, 4)
    assert np.isnan(dw[1:, 1:, 0, 2]).all()  # and perhaps for other pixels of the window: 0 times NaN
    assert not np.isnan(np.delete(dw, 2, -1)).any()
