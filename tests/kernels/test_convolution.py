"""The convolution kernels against loops over windows and offsets, in float64."""

from __future__ import annotations

from typing import NamedTuple
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from funcnn import Array
from funcnn.kernels import direct, small_products
from funcnn.kernels import convolution as kernel
from funcnn.kernels.windows import Pads, Pair

TINY = 1e-12  # relative to the size of the sums, which have at most a few hundred terms of order one


class Case(NamedTuple):
    """A convolution and numbers for it."""

    x: Array
    w: Array
    dy: Array
    strides: Pair
    pads: Pads


pairs = st.tuples(st.integers(1, 4), st.integers(1, 4))
borders = st.tuples(st.integers(0, 3), st.integers(0, 3))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Convolutions of any window, stride and padding, of odd sizes, and of none or a few images."""
    window, strides, pads = draw(pairs), draw(pairs), draw(st.tuples(borders, borders))
    batch, channels, outputs = draw(st.integers(0, 3)), draw(st.integers(1, 5)), draw(st.integers(1, 4))
    height, width = (draw(st.integers(max(1, k - sum(p)), 8)) for k, p in zip(window, pads, strict=True))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    x, w = rng.normal(size=(batch, height, width, channels)), rng.normal(size=(*window, channels, outputs))
    return Case(x, w, rng.normal(size=convolved(x, w, strides, pads).shape), strides, pads)


def convolved(x: Array, w: Array, strides: Pair, pads: Pads) -> Array:
    """Window by window, as the formula says."""
    x = np.pad(x, ((0, 0), *pads, (0, 0)))
    height, width = w.shape[:2]
    down = range(0, x.shape[1] - height + 1, strides[0])
    across = range(0, x.shape[2] - width + 1, strides[1])
    y = np.zeros((len(x), len(down), len(across), w.shape[3]), np.result_type(x, w))
    for i, top in enumerate(down):
        for j, left in enumerate(across):
            y[:, i, j] = np.einsum("npqc,pqco->no", x[:, top : top + height, left : left + width], w)
    return y


def pulled(case: Case) -> tuple[Array, Array]:
    """The cotangents of `w` and `x`, window by window."""
    x = np.pad(case.x, ((0, 0), *case.pads, (0, 0)))
    dw, dx = np.zeros(case.w.shape), np.zeros(x.shape)
    height, width = case.w.shape[:2]
    for i, j in np.ndindex(case.dy.shape[1:3]):
        window = np.s_[:, i * case.strides[0] :, j * case.strides[1] :]
        d = case.dy[:, i, j]
        dw += np.einsum("npqc,no->pqco", x[window][:, :height, :width], d)
        dx[window][:, :height, :width] += np.einsum("no,pqco->npqc", d, case.w)
    (top, _), (left, _) = case.pads
    return dw, dx[:, top : top + case.x.shape[1], left : left + case.x.shape[2]]


def all_three(case: Case) -> tuple[Array, Array, Array]:
    """What the kernels make of it: y, dw, dx."""
    x, w, dy, strides, pads = case
    window = w.shape[0], w.shape[1]
    return (
        kernel.convolve(x, w, strides, pads),
        kernel.convolve_params(x, dy, window, strides, pads)[0],
        kernel.convolve_input(dy, w, x.shape, strides, pads),
    )


@given(case=cases())
def test_all_three_passes_agree_with_loops(case: Case) -> None:
    """Value, cotangent of the weights, cotangent of the input."""
    expected = (convolved(*case[:2], *case[3:]), *pulled(case))
    for found, wanted in zip(all_three(case), expected, strict=True):
        assert found.shape == wanted.shape
        np.testing.assert_allclose(found, wanted, rtol=TINY, atol=1e-11)


@given(case=cases(), size=st.sampled_from([1, 300, 3000]), windows=st.sampled_from([1, 3, 10]))
def test_the_size_of_the_blocks_does_not_matter(case: Case, size: int, windows: int) -> None:
    """A few rows of an image, an image, several images at a time: the same sums."""
    expected = all_three(case)
    with mock.patch.multiple(direct, _BLOCK=size, _WINDOWS=windows):
        for found, wanted in zip(all_three(case), expected, strict=True):
            np.testing.assert_allclose(found, wanted, rtol=TINY, atol=1e-11)


@given(case=cases(), small=st.sampled_from([1, 100, 1000]))
def test_products_of_a_few_rows_at_a_time_give_the_same(case: Case, small: int) -> None:
    """As they are made where BLAS has kernels for AVX-512."""
    expected = all_three(case)
    with mock.patch.multiple(small_products, _SMALL=small, _FEWEST=1, small_is_fast=lambda: True):
        for found, wanted in zip(all_three(case), expected, strict=True):
            np.testing.assert_allclose(found, wanted, rtol=TINY, atol=1e-11)


@given(case=cases())
def test_a_bias_is_added_to_every_pixel(case: Case) -> None:
    """`b` as an argument is `b` added afterwards."""
    b = np.linspace(-1, 1, case.w.shape[3])
    x, w, _, strides, pads = case
    np.testing.assert_array_equal(kernel.convolve(x, w, strides, pads, b), kernel.convolve(x, w, strides, pads) + b)


@given(case=cases())
def test_the_cotangent_of_the_bias_is_the_sum(case: Case) -> None:
    """Of the cotangents of all pixels of a channel."""
    window = case.w.shape[0], case.w.shape[1]
    _, db = kernel.convolve_params(case.x, case.dy, window, case.strides, case.pads)
    np.testing.assert_allclose(db, case.dy.sum((0, 1, 2)), rtol=TINY, atol=1e-10)


@given(case=cases())
def test_complex_numbers_flow_through(case: Case) -> None:
    """The kernels are linear over the complex numbers, in each argument."""
    x, _, dy, _, _ = case
    a, b = np.array(1 + 2j), np.array(3 - 1j)
    turned = case._replace(x=x * a, dy=dy * b)
    y, dw, dx = all_three(case)
    for found, wanted in zip(all_three(turned), (y * a, dw * a * b, dx * b), strict=True):
        assert found.dtype == np.complex128
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-11)


@given(case=cases())
def test_the_layout_in_memory_does_not_matter(case: Case) -> None:
    """Fortran order, every other column of a wider image, reversed rows: the same sums."""
    expected = all_three(case)
    for arranged in (np.asfortranarray, every_other, backwards):
        strange = Case(arranged(case.x), arranged(case.w), arranged(case.dy), case.strides, case.pads)
        for found, wanted in zip(all_three(strange), expected, strict=True):
            np.testing.assert_allclose(found, wanted, rtol=TINY, atol=1e-11)


def every_other(a: Array) -> Array:
    """The same array as a view of one that is twice as wide."""
    wide = np.repeat(a, 2, axis=2)
    return wide[:, :, ::2]


def backwards(a: Array) -> Array:
    """The same array as a view with a negative stride."""
    return np.ascontiguousarray(a[:, ::-1])[:, ::-1]


@pytest.mark.parametrize(("window", "channels"), [((3, 3), 1), ((3, 3), 3), ((2, 5), 7), ((1, 1), 6)])
def test_float32_stays_float32_and_is_near_float64(window: Pair, channels: int) -> None:
    """With few and many channels, and for single pixels."""
    rng = np.random.default_rng(4)
    x, w = rng.normal(size=(3, 9, 8, channels)), rng.normal(size=(*window, channels, 5))
    dy = rng.normal(size=(3, 10 - window[0], 9 - window[1], 5))
    wide = Case(x, w, dy, (1, 1), ((0, 0), (0, 0)))
    single = wide._replace(x=x.astype(np.float32), w=w.astype(np.float32), dy=dy.astype(np.float32))
    for found, wanted in zip(all_three(single), all_three(wide), strict=True):
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)


def test_results_are_new_memory_and_arguments_stay_what_they_are() -> None:
    """A window of one pixel looks at the input itself, and yet nothing comes out that shares memory with it."""
    rng = np.random.default_rng(5)
    x, dy = rng.normal(size=(2, 2, 3, 3, 2))
    case = Case(x, np.eye(2)[None, None], dy, (1, 1), ((0, 0), (0, 0)))
    before = [a.copy() for a in case[:3]]
    for found in all_three(case):
        assert not any(np.shares_memory(found, a) for a in case[:3])
    for a, b in zip(case[:3], before, strict=True):
        np.testing.assert_array_equal(a, b)
