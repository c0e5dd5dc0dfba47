"""Volumes by Winograd's algorithm, against sums over every pixel of every window in float64."""

from __future__ import annotations

from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from funcnn import Array
from funcnn.kernels import correlation, threads
from funcnn.kernels import volumes as kernel
from funcnn.kernels.windows import Windows
from tests.kernels.windowed import Case, summed

ERROR = 3e-5  # relative to the largest entry, as for images


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Volumes of odd sizes, one or a few; strides and gaps along the first axis only."""
    window, depth = draw(st.sampled_from([3, 5])), draw(st.integers(1, 3))
    stride, gap = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    pads = tuple((draw(st.integers(0, 2)), draw(st.integers(0, 2))) for _ in range(3))
    spans = [(depth - 1) * gap + 1, window, window]
    sizes = [draw(st.integers(max(1, k - sum(pad)), k + 6)) for k, pad in zip(spans, pads, strict=True)]
    how = Windows((depth, window, window), (stride, 1, 1), (gap, 1, 1), pads)
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    c, o, n = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    x, w = rng.normal(size=(n, *sizes, c)), rng.normal(size=(*how.size, c, o))
    return Case(x, w, rng.normal(size=(n, *how.counts(x.shape), o)), how, 1)


def off(found: Array, wanted: Array) -> float:
    """The error relative to the largest entry."""
    assert found.shape == wanted.shape and found.dtype == np.float32
    return float(np.max(np.abs(found - wanted), initial=0) / (np.max(np.abs(wanted), initial=0) + 1e-30))


def single(case: Case) -> tuple[Array, Array, Array]:
    """The numbers in float32."""
    return case.x.astype(np.float32), case.w.astype(np.float32), case.dy.astype(np.float32)


def check(case: Case) -> None:
    """All passes are near the sums."""
    (x, w, dy), (y, dw, dx) = single(case), summed(case)
    assert off(kernel.convolve(x, w, case.how), y) < ERROR
    found, db = kernel.convolve_params(x, dy, case.how)
    assert off(found, dw) < ERROR
    np.testing.assert_allclose(db, dy.sum((0, 1, 2, 3)), atol=1e-3)
    if kernel.turns(case.how):
        assert off(kernel.convolve_input(dy, w, case.how), dx) < ERROR


@given(case=cases())
def test_all_passes_are_near_the_sums(case: Case) -> None:
    """Whatever strides, gaps and padding."""
    check(case)


@given(case=cases(), block=st.sampled_from([1, 3000, 20000]))
def test_neither_blocks_nor_threads_matter(case: Case, block: int) -> None:
    """One image of the outputs at a time, or several; volumes shared out."""
    with mock.patch.object(kernel, "_BLOCK", block):
        check(case)
        with mock.patch.object(threads, "THREADS", 3), mock.patch.object(kernel, "_WORTHWHILE", 1):
            check(case)


@given(case=cases())
def test_the_bias_is_added(case: Case) -> None:
    """To every pixel."""
    x, w, _ = single(case)
    b = np.linspace(-1, 1, w.shape[-1], dtype=np.float32)
    found, plain = kernel.convolve(x, w, case.how, b), kernel.convolve(x, w, case.how)
    np.testing.assert_allclose(found, plain + b, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("stride", [1, 2])
def test_volumes_with_channels_go_by_it_in_float32(stride: int) -> None:
    """And are near float64, which does not; with a stride, the pullback to the volumes adds up window by window."""
    rng = np.random.default_rng(0)
    how = Windows((3, 3, 3), (stride, 1, 1), (1, 1, 1), ((1, 1), (1, 1), (1, 0)))
    x, w = rng.normal(size=(2, 5, 8, 9, 16)), rng.normal(size=(3, 3, 3, 16, 7))
    case = Case(x, w, rng.normal(size=(2, *how.counts(x.shape), 7)), how, 1)
    assert kernel.suits(x.shape, w.shape, how, np.dtype(np.float32)) and kernel.turns(how) == (stride == 1)
    assert not kernel.suits(x.shape, w.shape, how, np.dtype(np.float64))
    assert not kernel.suits((2, 5, 8, 9, 4), (3, 3, 3, 4, 7), how, np.dtype(np.float32))
    (a, b, d), (y, dw, dx) = single(case), summed(case)
    assert off(correlation.correlate(a, b, how), y) < ERROR
    assert off(correlation.correlate_params(a, d, how)[0], dw) < ERROR
    assert off(correlation.correlate_input(d, b, x.shape, how), dx) < ERROR
