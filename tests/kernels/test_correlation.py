"""Convolution over one, two and three axes against sums over every pixel of every window, in float64."""

from __future__ import annotations

from unittest import mock

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from funcnn import Array
from funcnn.kernels import correlation as kernel
from funcnn.kernels import threads
from tests.kernels.windowed import Case, agree, cases, summed


def all_three(case: Case) -> tuple[Array, Array, Array]:
    """What the kernels make of it."""
    x, w, dy, how, groups = case
    return (
        kernel.correlate(x, w, how, groups),
        kernel.correlate_params(x, dy, how, groups)[0],
        kernel.correlate_input(dy, w, x.shape, how, groups),
    )


@given(case=cases())
def test_all_three_passes_agree_with_sums(case: Case) -> None:
    """Value, cotangent of the weights, cotangent of the input."""
    agree(all_three(case), summed(case))


@given(case=cases(), block=st.sampled_from([1, 100, 2000]))
def test_the_size_of_the_blocks_does_not_matter(case: Case, block: int) -> None:
    """One row of windows at a time, or several images."""
    expected = all_three(case)
    with mock.patch.object(kernel, "_BLOCK", block):
        agree(all_three(case), expected)


@given(case=cases())
def test_several_threads_give_the_same(case: Case) -> None:
    """Images are shared out; what is added up over them is added in one order."""
    expected = all_three(case)
    with mock.patch.object(threads, "THREADS", 3), mock.patch.object(kernel, "_WORTHWHILE", 1):
        agree(all_three(case), expected)


@given(case=cases())
def test_the_bias_is_added_to_every_pixel(case: Case) -> None:
    """And its cotangent is the sum over all pixels."""
    x, w, dy, how, groups = case
    b = np.linspace(-1, 1, w.shape[-1])
    np.testing.assert_array_equal(kernel.correlate(x, w, how, groups, b), kernel.correlate(x, w, how, groups) + b)
    _, db = kernel.correlate_params(x, dy, how, groups)
    np.testing.assert_allclose(db, dy.sum(tuple(range(dy.ndim - 1))), rtol=1e-12, atol=1e-12)


@given(case=cases())
def test_complex_numbers_flow_through(case: Case) -> None:
    """The kernels are linear over the complex numbers, in each argument."""
    a, b = np.array(1 + 2j), np.array(3 - 1j)
    y, dw, dx = all_three(case)
    found = all_three(case._replace(x=case.x * a, dy=case.dy * b))
    assert all(each.dtype == np.complex128 for each in found)
    agree(found, (y * a, dw * a * b, dx * b))


@given(case=cases())
def test_the_layout_in_memory_does_not_matter(case: Case) -> None:
    """Fortran order, and every other channel of a wider array."""
    expected = all_three(case)
    for arranged in (np.asfortranarray, every_other):
        agree(all_three(case._replace(x=arranged(case.x), w=arranged(case.w), dy=arranged(case.dy))), expected)


def every_other(a: Array) -> Array:
    """The same array as a view of one that is twice as wide."""
    return np.repeat(a, 2, axis=-1)[..., ::2]


@given(case=cases())
def test_arguments_stay_what_they_are(case: Case) -> None:
    """And nothing comes out that shares memory with them."""
    before = [a.copy() for a in case[:3]]
    for found in all_three(case):
        assert not any(np.shares_memory(found, a) for a in case[:3])
    for a, b in zip(case[:3], before, strict=True):
        np.testing.assert_array_equal(a, b)


@given(case=cases())
def test_float32_stays_float32(case: Case) -> None:
    """And near float64."""
    single = case._replace(x=case.x.astype(np.float32), w=case.w.astype(np.float32), dy=case.dy.astype(np.float32))
    for found, wanted in zip(all_three(single), all_three(case), strict=True):
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)
