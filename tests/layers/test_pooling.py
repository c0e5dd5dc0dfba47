"""MaxPool and AvgPool: values worked by hand, edges, messages, gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from funcnn import Array, AvgPool, Conv, Key, Layer, MaxPool, ShapeError, serial, vjp

IMAGE = np.array([[1.0, 5, 2, 0], [3, 4, 8, 1], [0, 2, 6, 7], [9, 1, 2, 3]])[None, :, :, None]
POOLS: tuple[Callable[..., Layer[Array, Array]], ...] = (MaxPool, AvgPool)


def seen(net: Layer[Array, Array], x: Array = IMAGE) -> Any:
    """The first channel of the first image of the output."""
    return net.apply({}, x)[0, :, :, 0].tolist()


# values ---------------------------------------------------------------------------------------------------------------
def test_maxima_of_quarters() -> None:
    """Windows side by side halve the image."""
    assert seen(MaxPool((2, 2), (2, 2))) == [[5, 8], [9, 7]]


def test_strides_are_one_by_default() -> None:
    """As in stax: windows overlap."""
    assert seen(MaxPool((2, 2))) == [[5, 8, 8], [4, 8, 8], [9, 6, 7]]
    assert MaxPool((2, 2)).out_shape((1, 4, 4, 1)) == MaxPool((2, 2), (1, 1)).out_shape((1, 4, 4, 1))


def test_maxima_at_a_border_are_of_real_pixels() -> None:
    """Padding is no zero: the maximum of negative pixels is negative. The one row and column of padding are behind."""
    assert seen(MaxPool((3, 3), (2, 2), "SAME"), -1 - IMAGE) == [[-1, -1], [-1, -3]]


def test_means_of_quarters() -> None:
    """13 / 4, 11 / 4, 12 / 4, 18 / 4."""
    assert seen(AvgPool((2, 2), (2, 2))) == [[3.25, 2.75], [3, 4.5]]


def test_means_at_a_border_count_real_pixels() -> None:
    """A window of 1 x 3 over 1, 5, 2, 0: at the borders two pixels are divided by two."""
    assert seen(AvgPool((1, 3), padding="SAME"), IMAGE[:, :1]) == [[3, 8 / 3, 7 / 3, 1]]


def test_the_mean_of_a_constant_image_is_that_constant() -> None:
    """At the borders too."""
    x = np.full((1, 5, 7, 2), 3.0)
    np.testing.assert_allclose(AvgPool((3, 4), (2, 2), "SAME").apply({}, x), 3.0, rtol=1e-15)


def test_channels_and_images_are_pooled_apart() -> None:
    """Pooling one channel of one image alone gives that channel of that image."""
    x = np.random.default_rng(0).normal(size=(3, 5, 5, 4))
    for pool in POOLS:
        net = pool((2, 3), (2, 1), "SAME")
        np.testing.assert_array_equal(net.apply({}, x)[1:2, :, :, 2:3], net.apply({}, x[1:2, :, :, 2:3]))


def test_a_window_of_one_pixel_copies() -> None:
    """The image itself, or every other pixel of it; in new memory."""
    for pool in POOLS:
        y = pool((1, 1)).apply({}, IMAGE)
        np.testing.assert_array_equal(y, IMAGE)
        assert not np.shares_memory(y, IMAGE)
        assert seen(pool((1, 1), (2, 2))) == [[1, 2], [0, 6]]


def test_nan_is_handed_on() -> None:
    """The windows that see NaN have NaN, the others not."""
    x = IMAGE.copy()
    x[0, 0, 0, 0] = np.nan
    for pool in POOLS:
        y = pool((2, 2), (2, 2)).apply({}, x)[0, :, :, 0]
        assert np.isnan(y).tolist() == [[True, False], [False, False]]


def test_minus_infinity_everywhere_is_the_maximum() -> None:
    """It is a pixel like any other, at a border too, and gets the cotangent."""
    x = np.full((1, 2, 2, 1), -np.inf)
    y, pullback = vjp(MaxPool((3, 3), padding="SAME").apply, {}, x)
    assert np.isneginf(y).all()
    assert pullback(np.ones_like(y))[1].ravel().tolist() == [4, 0, 0, 0]


# pullbacks ------------------------------------------------------------------------------------------------------------
def test_the_largest_pixel_gets_the_cotangent() -> None:
    """The places of 5, 8, 9 and 7 get 1, 2, 3 and 4."""
    _, pullback = vjp(MaxPool((2, 2), (2, 2)).apply, {}, IMAGE)
    _, dx = pullback(np.array([[1.0, 2], [3, 4]])[None, :, :, None])
    assert dx[0, :, :, 0].tolist() == [[0, 1, 0, 0], [0, 0, 2, 0], [0, 0, 0, 4], [3, 0, 0, 0]]


def test_of_equal_pixels_the_first_gets_it_all() -> None:
    """Row by row, not shared out."""
    _, pullback = vjp(MaxPool((2, 2), (2, 2)).apply, {}, np.array([[0.0, 7], [7, 7]])[None, :, :, None])
    assert pullback(np.full((1, 1, 1, 1), 3.0))[1].ravel().tolist() == [0, 3, 0, 0]


def test_a_pixel_in_several_windows_gets_the_sum() -> None:
    """8 is the maximum of four of the nine windows."""
    _, pullback = vjp(MaxPool((2, 2)).apply, {}, IMAGE)
    assert pullback(np.ones((1, 3, 3, 1)))[1][0, 1, 2, 0] == 4


def test_every_pixel_gets_its_share() -> None:
    """A window of four pixels gives each a quarter."""
    _, pullback = vjp(AvgPool((2, 2), (2, 2)).apply, {}, IMAGE)
    assert pullback(np.full((1, 2, 2, 1), 2.0))[1].ravel().tolist() == [0.5] * 16


# messages -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("pool", POOLS)
def test_impossible_arguments_are_refused(pool: Callable[..., Layer[Array, Array]]) -> None:
    """At construction, with name, value and range."""
    with pytest.raises(ValueError, match=r"window_shape must be two integers of at least 1.*got 2; write \(2, 2\)"):
        pool(2)
    with pytest.raises(ValueError, match=r"strides must be two integers of at least 1.*got \(0, 1\)"):
        pool((2, 2), (0, 1))
    with pytest.raises(ValueError, match=r"padding must be 'VALID' or 'SAME', or .*, got 'CAUSAL'"):
        pool((2, 2), (2, 2), "CAUSAL")


@pytest.mark.parametrize("pool", POOLS)
def test_nothing_left_to_pool_is_refused_with_the_path(pool: Callable[..., Layer[Array, Array]]) -> None:
    """At `init` and `out_shape`: the convolution leaves one pixel, the pool wants two."""
    net = serial(Conv(2, (3, 3)), pool((2, 2), (2, 2)))
    for build in (lambda: net.out_shape((-1, 3, 3, 1)), lambda: net.init(Key(0), (-1, 3, 3, 1))):
        with pytest.raises(ShapeError, match=r"pool_0.*\(2, 2\).*larger than the image \(1, 1\).*'VALID'"):
            build()


@pytest.mark.parametrize("pool", POOLS)
def test_an_image_without_batch_axis_is_told_so(pool: Callable[..., Layer[Array, Array]]) -> None:
    """`x[None]` makes a batch of one."""
    with pytest.raises(ShapeError, match=r"takes \(batch, height, width, channels\), got \(4, 4, 1\); .*x\[None\]"):
        pool((2, 2)).apply({}, IMAGE[0])
