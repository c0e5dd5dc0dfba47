"""The arithmetic of LayerNorm by blocks, against the formulas row by row in float64."""

from __future__ import annotations

from typing import Any, NamedTuple
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from funcnn import Array, LayerNorm, vjp
from funcnn.kernels import layer_norm as kernel
from funcnn.kernels import threads
from funcnn.kernels.normalization import standardize


class Case(NamedTuple):
    """Rows of two batch axes, their cotangents, and numbers for every column."""

    x: Array
    dy: Array
    scale: Array
    offset: Array


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Any number of rows, odd ones too, and of columns."""
    batch, rows, columns = draw(st.integers(1, 6)), draw(st.integers(1, 20)), draw(st.integers(1, 9))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    x, dy = rng.normal(size=(2, batch, rows, columns))
    return Case(x, dy, *rng.normal(size=(2, columns)))


def found(case: Case, block: int, line: int, long: int = 1) -> tuple[Array, ...]:
    """What the kernels make of it in blocks of these sizes."""
    x, dy, scale, offset = case
    with mock.patch.multiple(kernel, _LONG=long, _BLOCK=block, _LINE=line, _WORTHWHILE=8):
        made = kernel.normalized(x, scale, offset, 1e-5)
        assert np.array_equal(kernel.value(x, scale, offset, 1e-5), made.y)
        dscale, doffset, means = kernel.params_cotangents(dy, made, scale)
        return made.y, dscale, doffset, kernel.input_cotangent(dy, scale, made, means)


def formulas(case: Case) -> tuple[Array, ...]:
    """The same, row by row."""
    x, dy, scale, offset = case
    y, dx = np.empty_like(x), np.empty_like(x)
    dscale, doffset = np.zeros_like(scale), np.zeros_like(offset)
    for i in np.ndindex(x.shape[:-1]):
        s = 1 / np.sqrt(x[i].var() + 1e-5)
        h = s * (x[i] - x[i].mean())
        y[i] = scale * h + offset
        dscale += dy[i] * h
        doffset += dy[i]
        dh = dy[i] * scale
        dx[i] = s * (dh - dh.mean() - h * (dh * h).mean())
    return y, dscale, doffset, dx


@given(cases(), st.integers(1, 100), st.integers(1, 40), st.integers(1, 3))
def test_blocks_are_the_formulas(case: Case, block: int, line: int, cores: int) -> None:
    """Whatever the sizes of blocks and lines are, and however many threads there are."""
    with mock.patch.object(threads, "THREADS", cores):
        blocks = found(case, block, line)
    for got, whole, wanted in zip(blocks, found(case, 1, 1, 1 << 20), formulas(case), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(whole, wanted, rtol=1e-9, atol=1e-9)


@given(cases())
def test_cotangents_in_another_order_of_memory(case: Case) -> None:
    """Such go as a whole, though the value went by blocks."""
    turned = case._replace(dy=np.asfortranarray(case.dy))
    for got, wanted in zip(found(turned, 16, 8), formulas(case), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("shape", [(2, 600, 128), (3000, 50), (1, 1 << 17), (1 << 17, 1)])
def test_long_float32_tracks_float64(shape: tuple[int, ...]) -> None:
    """Value and gradients; NaN stays in its row."""
    rng = np.random.default_rng(0)
    x, dy = rng.normal(size=(2, *shape)).astype(np.float32)
    net = LayerNorm()
    _, params = net.init(0, shape)
    _, wide = net.init(0, shape, dtype=np.float64)
    y, pullback = vjp(net.apply, params, x)
    wanted, back = vjp(net.apply, wide, x.astype(np.float64))
    np.testing.assert_allclose(y, wanted, atol=1e-5)
    (grads, dx), (exact, dexact) = pullback(dy), back(dy.astype(np.float64))
    np.testing.assert_allclose(dx, dexact, rtol=1e-4, atol=1e-5)
    for path in grads.paths():
        a: Any = exact.at(path)
        np.testing.assert_allclose(grads.at(path), a, rtol=1e-4, atol=1e-3)
    x[(0,) * len(shape)] = np.nan
    spoilt = np.isnan(net.apply(params, x)).any(-1)
    assert spoilt.sum() == 1 and spoilt.reshape(-1)[0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1,), (5,), (1, 128), (1, 1, 7), (1, 20_000)])
def test_a_row_alone_is_what_it_is_among_others(shape: tuple[int, ...], dtype: Any) -> None:
    """It goes another way: the value, the factor, their shapes and dtypes."""
    rng = np.random.default_rng(0)
    x = (3 + rng.normal(size=shape)).astype(dtype)
    h, inverse = standardize(x, 1e-5)
    others, factors = standardize(np.stack([x, rng.normal(size=shape).astype(dtype)]), 1e-5)
    assert h.shape == shape
    assert inverse.shape == (*shape[:-1], 1)
    assert h.dtype == inverse.dtype == dtype
    close: Any = {"rtol": 2e-5, "atol": 2e-6} if dtype is np.float32 else {"rtol": 1e-12, "atol": 1e-13}
    np.testing.assert_allclose(h, others[0], **close)
    np.testing.assert_allclose(inverse, factors[0], **close)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_row_alone_that_is_not_finite_is_nan(value: float) -> None:
    """As one among others is."""
    with np.errstate(invalid="ignore"):
        for x in (np.array([1.0, value]), np.array([[1.0, value], [1.0, value]])):
            h, _ = standardize(x, 1e-5)
            assert np.isnan(h[..., 1]).all()
