"""Images taken apart: the convolution with gaps by convolutions without, against the sums of the other kernels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from funcnn import Array
from funcnn.kernels import dilated
from funcnn.kernels.windows import Windows
from tests.kernels.test_correlation import all_three
from tests.kernels.windowed import Case, agree, summed


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Images with gaps in the windows, of odd sizes, none or a few of them."""
    size, gaps = (tuple(draw(st.integers(1, 3)) for _ in range(2)) for _ in range(2))
    pads = tuple((draw(st.integers(0, 3)), draw(st.integers(0, 3))) for _ in range(2))
    spans = [(k - 1) * d + 1 - sum(pad) for k, d, pad in zip(size, gaps, pads, strict=True)]
    sizes = [draw(st.integers(max(1, n), max(1, n) + 5)) for n in spans]
    how, batch = Windows(size, (1, 1), gaps, pads), draw(st.integers(0, 3))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    x, w = rng.normal(size=(batch, *sizes, 2)), rng.normal(size=(*size, 2, 3))
    return Case(x, w, rng.normal(size=(batch, *how.counts(x.shape), 3)), how, 1)


def apart(case: Case) -> tuple[Array, Array, Array]:
    """What the kernels make of it."""
    x, w, dy, how, _ = case
    dw, db = dilated.convolve_params(x, dy, how)
    np.testing.assert_allclose(db, dy.sum((0, 1, 2)), rtol=0, atol=1e-12)
    return dilated.convolve(x, w, how), dw, dilated.convolve_input(dy, w, x.shape, how)


@given(case=cases())
def test_taken_apart_they_are_the_same(case: Case) -> None:
    """Value, cotangent of the weights, cotangent of the input."""
    agree(apart(case), summed(case))


@given(case=cases())
def test_the_bias_is_added_and_complex_numbers_flow_through(case: Case) -> None:
    """As in the other kernels."""
    b, a = np.array([1.0, 2.0, 3.0]), np.array(1 + 2j)
    wanted = dilated.convolve(case.x, case.w, case.how) * a + b
    np.testing.assert_allclose(dilated.convolve(case.x * a, case.w, case.how, b), wanted, rtol=1e-12)


@pytest.mark.parametrize("window", [3, 5])
@pytest.mark.parametrize("gaps", [(2, 2), (3, 1)])
def test_float32_goes_by_it_and_is_near_float64(window: int, gaps: tuple[int, int]) -> None:
    """Where there are channels and pixels enough; never in float64."""
    rng = np.random.default_rng(1)
    how = Windows((window, window), (1, 1), gaps, ((2, 3), (1, 2)))
    x, w = rng.normal(size=(3, 30, 27, 32)), rng.normal(size=(window, window, 32, 33))
    dy = rng.normal(size=(3, *how.counts(x.shape), 33))
    assert dilated.suits(x.shape, w.shape, how, np.dtype(np.float32))
    assert not dilated.suits(x.shape, w.shape, how, x.dtype)
    assert not dilated.suits(x.shape, w.shape, how._replace(strides=(2, 1)), np.dtype(np.float32))
    wide = Case(x, w, dy, how, 1)
    single = Case(x.astype(np.float32), w.astype(np.float32), dy.astype(np.float32), how, 1)
    for found, wanted in zip(all_three(single), all_three(wide), strict=True):
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-4 * float(np.abs(wanted).max()))
