"""The pooling kernels against loops over windows, in float64."""

from __future__ import annotations

from typing import NamedTuple
from unittest import mock

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from funcnn import Array
from funcnn.kernels import pooling as kernel
from funcnn.kernels.windows import Pads, Pair, Windows, positions


class Case(NamedTuple):
    """A pool and numbers for it."""

    x: Array
    dy: Array
    window: Pair
    strides: Pair
    pads: Pads

    @property
    def how(self) -> Windows:
        return Windows(self.window, self.strides, (1, 1), self.pads)


@st.composite
def cases(draw: st.DrawFn, levels: int = 0) -> Case:
    """Pools of any window and stride in which no window lies in the padding alone; `levels` makes equal pixels."""
    window = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    strides = draw(st.one_of(st.just(window), st.tuples(st.integers(1, 4), st.integers(1, 4))))
    high, wide = (draw(st.tuples(st.integers(0, k - 1), st.integers(0, k - 1))) for k in window)
    height, width = (draw(st.integers(max(1, k - sum(pad)), 8)) for k, pad in zip(window, (high, wide), strict=True))
    batch, channels = draw(st.integers(0, 3)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    shape = (batch, height, width, channels)
    x = rng.integers(0, levels, shape).astype(np.float64) if levels else rng.normal(size=shape)
    down, across = positions(height, window[0], strides[0], high), positions(width, window[1], strides[1], wide)
    return Case(x, rng.normal(size=(batch, down, across, channels)), window, strides, (high, wide))


def pooled(case: Case) -> tuple[Array, Array, Array, Array]:
    """Maxima and means, and their pullbacks, window by window. The first of the largest pixels gets all."""
    x, dy = case.x, case.dy
    top, mean = np.zeros((2, *dy.shape))
    dtop, dmean = np.zeros((2, *x.shape))
    for n, i, j, c in np.ndindex(dy.shape):
        rows, columns = (
            range(max(0, r * s - pad[0]), min(size, r * s - pad[0] + k))
            for r, s, k, size, pad in zip((i, j), case.strides, case.window, x.shape[1:3], case.pads, strict=True)
        )
        pixels = [(x[n, p, q, c], -p, -q) for p in rows for q in columns]
        value, p, q = max(pixels)
        top[n, i, j, c], mean[n, i, j, c] = value, sum(v for v, _, _ in pixels) / len(pixels)
        dtop[n, -p, -q, c] += dy[n, i, j, c]
        for _, p, q in pixels:
            dmean[n, -p, -q, c] += dy[n, i, j, c] / len(pixels)
    return top, mean, dtop, dmean


def all_four(case: Case) -> tuple[Array, Array, Array, Array]:
    """What the kernels make of it."""
    top = kernel.max_pool(case.x, case.how)
    return (
        top,
        kernel.average_pool(case.x, case.how),
        kernel.max_pool_input(case.x, top, case.dy, case.how),
        kernel.average_pool_input(case.dy, case.x.shape, case.how),
    )


@given(case=cases())
def test_all_passes_agree_with_loops(case: Case) -> None:
    """Maxima exactly, sums to rounding."""
    (top, *sums), (expected, *others) = all_four(case), pooled(case)
    np.testing.assert_array_equal(top, expected)
    for found, wanted in zip(sums, others, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-13)


@given(case=cases(levels=2))
def test_of_equal_pixels_the_first_gets_the_whole_cotangent(case: Case) -> None:
    """Images of zeros and ones, in which most windows have equal pixels."""
    np.testing.assert_allclose(all_four(case)[2], pooled(case)[2], rtol=1e-12, atol=1e-13)


@given(case=cases(), size=st.sampled_from([1, 200, 2000]))
def test_the_size_of_the_blocks_does_not_matter(case: Case, size: int) -> None:
    """One image or several at a time: the same bytes."""
    expected = all_four(case)
    with mock.patch.object(kernel, "_BLOCK", size):
        for found, wanted in zip(all_four(case), expected, strict=True):
            np.testing.assert_array_equal(found, wanted)


@given(case=cases())
def test_the_layout_in_memory_does_not_matter(case: Case) -> None:
    """Fortran order, and a view of a wider image: the same bytes."""
    expected = all_four(case)
    wide = np.repeat(case.x, 2, axis=2)[:, :, ::2]
    for strange in (case._replace(x=np.asfortranarray(case.x), dy=np.asfortranarray(case.dy)), case._replace(x=wide)):
        for found, wanted in zip(all_four(strange), expected, strict=True):
            np.testing.assert_array_equal(found, wanted)


@given(case=cases(levels=3))
def test_complex_numbers_are_ordered_by_their_real_part(case: Case) -> None:
    """The imaginary part rides along: it goes where the real part went, in all passes, at equal pixels too."""
    u = np.random.default_rng(3).normal(size=case.x.shape)
    v = np.random.default_rng(4).normal(size=case.dy.shape)
    turned = case._replace(x=case.x + 1j * u, dy=case.dy + 1j * v)
    top, mean, dtop, dmean = all_four(turned)
    went = kernel.max_pool_input(case.x, kernel.max_pool(case.x, case.how), v, case.how)
    np.testing.assert_array_equal(top.real, kernel.max_pool(case.x, case.how))
    np.testing.assert_allclose((top.imag * v).sum(), (went * u).sum(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(dtop.imag, went, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(mean.imag, kernel.average_pool(u, case.how), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(dmean.imag, kernel.average_pool_input(v, u.shape, case.how), rtol=1e-12, atol=1e-13)


@given(case=cases())
def test_a_window_with_nan_has_no_other_maximum(case: Case) -> None:
    """NaN in, NaN out, in the windows that see it and nowhere else."""
    case.x[:, 0, 0] = np.nan
    (top, mean, dtop, _), seen = all_four(case), np.isnan(pooled_nan(case))
    np.testing.assert_array_equal(np.isnan(top), seen)
    np.testing.assert_array_equal(np.isnan(mean), seen)
    np.testing.assert_allclose(dtop.sum(), case.dy.sum(), rtol=1e-9, atol=1e-12)  # no cotangent is lost


def pooled_nan(case: Case) -> Array:
    """NaN for the windows that have a NaN."""
    return kernel.average_pool(np.where(np.isnan(case.x), np.nan, 0.0), case.how)


def test_float32_stays_float32_and_integers_are_exact() -> None:
    """Means of float32 are float32; small integers have exact means of four."""
    x = np.arange(32, dtype=np.float32).reshape(2, 4, 4, 1)
    y = kernel.average_pool(x, Windows((2, 2), (2, 2), (1, 1), ((0, 0), (0, 0))))
    assert y.dtype == np.float32
    assert y[0, :, :, 0].tolist() == [[2.5, 4.5], [10.5, 12.5]]


def test_pixels_without_a_window_have_no_cotangent() -> None:
    """A stride that jumps over pixels, and a rest at the border: zeros, for maxima and means."""
    case = Case(np.ones((1, 6, 6, 1)), np.ones((1, 2, 2, 1)), (2, 2), (3, 3), ((0, 0), (0, 0)))
    _, _, dtop, dmean = all_four(case)
    assert dtop[0, :, :, 0].sum() == 4 and dtop[0, [2, 5]].sum() == 0
    assert dmean[0, :2, :3, 0].tolist() == [[0.25, 0.25, 0], [0.25, 0.25, 0]]
