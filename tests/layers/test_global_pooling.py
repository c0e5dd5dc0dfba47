"""GlobalAvgPool and GlobalMaxPool: values worked by hand, ties, messages."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from funcnn import Array, GlobalAvgPool, GlobalMaxPool, Layer, Relu, ShapeError, serial, vjp
from funcnn.kernels import global_pooling as kernel
from tests.refusals import refusal

X = np.array([[[1.0, 8.0], [3.0, 2.0], [2.0, 8.0]]])


def test_means_and_maxima_of_every_channel() -> None:
    """Over time."""
    assert GlobalAvgPool.apply({}, X).tolist() == [[2, 6]]
    assert GlobalMaxPool.apply({}, X).tolist() == [[3, 8]]


@pytest.mark.parametrize("shape", [(2, 5, 3), (2, 4, 5, 3), (2, 2, 3, 4, 3), (0, 4, 5, 3)])
def test_they_are_numpys_over_the_axes_between(shape: tuple[int, ...]) -> None:
    """Of sequences, images, volumes; of no row too."""
    x, axes = np.random.default_rng(0).normal(size=shape), tuple(range(1, len(shape) - 1))
    np.testing.assert_allclose(GlobalAvgPool.apply({}, x), x.mean(axes), rtol=1e-13, atol=1e-15)
    np.testing.assert_array_equal(GlobalMaxPool.apply({}, x), x.max(axes))


def test_every_pixel_gets_its_share() -> None:
    """A third each."""
    assert vjp(GlobalAvgPool.apply, {}, X)[1](np.array([[3.0, 6.0]]))[1].tolist() == [[[1, 2], [1, 2], [1, 2]]]


def test_of_equal_pixels_the_first_gets_it_all() -> None:
    """The second 8 gets nothing."""
    assert vjp(GlobalMaxPool.apply, {}, X)[1](np.array([[3.0, 6.0]]))[1].tolist() == [[[0, 6], [3, 0], [0, 0]]]


@pytest.mark.parametrize("net", [GlobalAvgPool, GlobalMaxPool])
def test_nan_is_handed_on(net: Layer[Array, Array]) -> None:
    """In its channel alone; the cotangent of a maximum goes to it."""
    x = X.copy()
    x[0, 1, 0] = np.nan
    y, pullback = vjp(net.apply, {}, x)
    assert np.isnan(y).tolist() == [[True, False]]
    assert pullback(np.ones((1, 2)))[1].sum() == pytest.approx(2)


@pytest.mark.parametrize("pixels", [1, 50, 40_000])
@pytest.mark.parametrize("levels", [1, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
def test_the_first_largest_pixel_is_that_of_argmax(pixels: int, levels: int, dtype: Any) -> None:
    """With as many ties as there are, infinities, and both zeros; of more pixels than a short number counts."""
    x = np.random.default_rng(2).integers(0, levels, (3, pixels, 2)).astype(dtype)
    x[1] *= -0.0
    x[2, :, 1] = -np.inf
    x[:, pixels // 2, 0] = np.inf if levels == 1 else 0
    y, dy = kernel.maxima(x), np.arange(1.0, 7).reshape(3, 2).astype(dtype)
    dx = kernel.maxima_input(x, y, dy)
    wanted = np.zeros_like(x)
    np.put_along_axis(wanted, np.argmax(x.real, axis=1)[:, None], dy[:, None], axis=1)
    np.testing.assert_array_equal(y.real, x.real.max(1))
    np.testing.assert_array_equal(dx, wanted)
    assert y.dtype == dx.dtype == dtype


def test_float32_means_of_large_images_are_near() -> None:
    """A plain sum along an outer axis is three times as far away."""
    x = (np.random.default_rng(1).random((1, 64, 64, 64)) + 100).astype(np.float32)
    np.testing.assert_allclose(GlobalAvgPool.apply({}, x), x.astype(np.float64).mean((1, 2)), rtol=2e-6)


@pytest.mark.parametrize("net", [GlobalAvgPool, GlobalMaxPool])
def test_without_an_axis_between_it_is_refused(net: Layer[Array, Array]) -> None:
    """At the layer's path."""
    said = refusal(lambda: serial(Relu, net).out_shape((-1, 3)), ShapeError)
    assert "_pool_0 in serial" in said and "at least 3 axes" in said
