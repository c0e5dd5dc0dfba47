"""Conv1D, Conv and Conv3D: values worked by hand, edges, messages, gradients."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pytest

from funcnn import (
    Array, Conv, Conv1D, Conv3D, Dense, Flatten, Key, Layer, Params, Relu, ShapeError, decoder, serial,
    summary, vjp,
)  # fmt: skip

PADDINGS: tuple[Literal["VALID", "SAME"], ...] = ("VALID", "SAME")


def line(*pixels: float) -> Array:
    """One image of one row and one channel."""
    return np.array(pixels, np.float64).reshape(1, 1, -1, 1)


def powers(window: tuple[int, int], bias: float = 0.0) -> Params:
    """Weights 1, 10, 100, ... so that a sum shows its terms."""
    w = 10.0 ** np.arange(window[0] * window[1])
    return Params({"w": w.reshape(*window, 1, 1), "b": np.array([bias])})


# values ---------------------------------------------------------------------------------------------------------------
def test_the_first_weight_meets_the_first_pixel() -> None:
    """Windows are not turned round: 1 + 10 2 + 100 3 = 321, then 2 + 10 3 + 100 4 = 432; the bias is added."""
    net = Conv(1, (1, 3))
    y = net.apply(powers((1, 3), 0.5), line(1, 2, 3, 4))
    assert y.ravel().tolist() == [321.5, 432.5]


def test_rows_come_before_columns() -> None:
    """A window of 2 x 2 over an image of 2 x 3."""
    net = Conv(1, (2, 2))
    y = net.apply(powers((2, 2)), np.arange(1.0, 7.0).reshape(1, 2, 3, 1))
    assert y.ravel().tolist() == [1 + 20 + 400 + 5000, 2 + 30 + 500 + 6000]


def test_channels_are_summed_and_outputs_kept_apart() -> None:
    """One pixel of two channels, three outputs: a matrix product."""
    net = Conv(3, (1, 1))
    params = Params({"w": np.array([[[[1.0, 0, 2], [0, 1, 3]]]]), "b": np.array([10.0, 20, 30])})
    assert net.apply(params, np.array([[[[5.0, 7.0]]]])).ravel().tolist() == [15, 27, 30 + 10 + 21]


def test_same_padding_puts_the_odd_zero_behind() -> None:
    """Four pixels, a window of 3 and stride 2 need one zero: 1 + 20 + 300 from the start, 3 + 40 + 0 at the end."""
    net = Conv(1, (1, 3), (1, 2), "SAME")
    assert net.apply(powers((1, 3)), line(1, 2, 3, 4)).ravel().tolist() == [321, 43]


def test_same_padding_centres_odd_windows() -> None:
    """At stride 1 the middle weight is above the pixel."""
    net = Conv(1, (1, 3), padding="SAME")
    assert net.apply(powers((1, 3)), line(1, 2, 3)).ravel().tolist() == [10 + 200, 1 + 20 + 300, 2 + 30]


def test_same_padding_of_an_even_window_is_behind() -> None:
    """A window of 2 needs one zero: it is the last pixel's right neighbour."""
    net = Conv(1, (1, 2), padding="SAME")
    assert net.apply(powers((1, 2)), line(1, 2, 3)).ravel().tolist() == [21, 32, 3]


def test_a_window_larger_than_the_image_fits_with_same_padding() -> None:
    """One pixel under a window of 3 x 3 meets the middle weight alone."""
    net = Conv(1, (3, 3), padding="SAME")
    assert net.apply(powers((3, 3)), line(2)).ravel().tolist() == [2 * 10.0**4]


def test_strides_larger_than_the_window_skip_pixels() -> None:
    """Skipped pixels have no part in the output, and no cotangent."""
    net = Conv(1, (1, 1), (1, 3))
    y, pullback = vjp(net.apply, powers((1, 1)), line(1, 2, 3, 4, 5))
    assert y.ravel().tolist() == [1, 4]
    assert pullback(np.ones((1, 1, 2, 1)))[1].ravel().tolist() == [1, 0, 0, 1, 0]


def test_pullback_worked_by_hand() -> None:
    """Two windows of 1 x 2 over three pixels: the pixel in the middle hears from both."""
    net = Conv(1, (1, 2))
    _, pullback = vjp(net.apply, powers((1, 2)), line(1, 2, 3))
    dparams, dx = pullback(line(5, 7))
    assert dparams.at("w").ravel().tolist() == [1 * 5 + 2 * 7, 2 * 5 + 3 * 7]
    assert dparams.at("b").tolist() == [12]
    assert dx.ravel().tolist() == [5, 10 * 5 + 7, 10 * 7]


def test_a_window_as_large_as_the_image_is_dense() -> None:
    """`Conv(n, (h, w))` of an image is `Dense(n)` of its pixels."""
    x = np.random.default_rng(0).normal(size=(3, 4, 5, 2))
    conv, dense = Conv(6, (4, 5)), serial(Flatten, Dense(6))
    _, params = conv.init(0, (-1, 4, 5, 2), dtype=np.float64)
    flat = Params({"dense_0": {"w": params.at("w").reshape(40, 6), "b": params.at("b")}})
    np.testing.assert_allclose(conv.apply(params, x)[:, 0, 0], dense.apply(flat, x), rtol=1e-12)


def series(*steps: float) -> Array:
    """One sequence of one channel."""
    return np.array(steps, np.float64).reshape(1, -1, 1)


def test_causal_padding_sees_what_came_before() -> None:
    """The last weight meets the step itself, the first the one two steps before; the first steps see zeros."""
    net = Conv1D(1, 3, padding="CAUSAL", bias=False)
    w = Params({"w": np.array([100.0, 10.0, 1.0]).reshape(3, 1, 1)})
    assert net.apply(w, series(1, 2, 3, 4)).ravel().tolist() == [1, 12, 123, 234]


@pytest.mark.parametrize("pieces", [(1,) * 9, (4, 5), (2, 1, 6), (9,)])
def test_causal_convolutions_go_on_step_by_step(pieces: tuple[int, ...]) -> None:
    """A dilated stack, as it is applied to the whole; in pieces longer and shorter than what a window sees."""
    x = np.random.default_rng(4).normal(size=(2, 9, 4))
    net = serial(
        Conv1D(6, 2, padding="CAUSAL"), Relu, Conv1D(6, 3, padding="CAUSAL", dilation=2, groups=3), Conv1D(2, 1)
    )
    _, params = net.init(0, x.shape, dtype=np.float64)
    step, memory, found = decoder(net), None, list[Array]()
    for n in np.split(x, np.cumsum(pieces)[:-1], axis=1):
        y, memory = step(params, n, memory)
        found.append(y)
    np.testing.assert_allclose(np.concatenate(found, axis=1), net.apply(params, x), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("net", "why"),
    [
        (Conv1D(2, 3, padding="SAME"), "with padding 'SAME' it looks ahead"),
        (Conv1D(2, 3, padding=(2, 0)), "with padding ((2, 0),)"),
        (Conv1D(2, 3, 2, "CAUSAL"), "its stride leaves steps out"),
    ],
)
def test_other_convolutions_say_why_they_cannot_go_on(net: Layer[Array, Array], why: str) -> None:
    """With their path."""
    refused(lambda: decoder(serial(Relu, net)), TypeError, "conv1d_0", why)


def test_dilation_leaves_gaps() -> None:
    """A window of two with dilation 2 sees every other step: 1 + 30, 2 + 40."""
    net = Conv1D(1, 2, dilation=2, bias=False)
    w = Params({"w": np.array([1.0, 10.0]).reshape(2, 1, 1)})
    assert net.apply(w, series(1, 2, 3, 4)).ravel().tolist() == [31, 42]


def test_explicit_padding_is_before_and_behind() -> None:
    """One zero before and two behind a single step: it meets the second weight, then the first."""
    w = Params({"w": np.array([1.0, 10.0]).reshape(2, 1, 1)})
    for padding in ((1, 2), ((1, 2),)):
        net = Conv1D(1, 2, padding=padding, bias=False)
        assert net.apply(w, series(5)).ravel().tolist() == [50, 5, 0]


def test_groups_see_their_own_channels() -> None:
    """Two groups of two channels, an output each: 1 + 20 and 3 + 40."""
    net = Conv(2, (1, 1), groups=2, bias=False)
    params = Params({"w": np.array([[[[1.0, 1.0], [10.0, 10.0]]]])})
    assert net.apply(params, np.array([[[[1.0, 2.0, 3.0, 4.0]]]])).ravel().tolist() == [21, 43]


def test_depthwise_outputs_lie_group_by_group() -> None:
    """Two outputs of each of two channels: those of the first channel come first."""
    net = Conv1D(4, 1, groups=2, bias=False)
    params = Params({"w": np.array([[[1.0, 2.0, 3.0, 4.0]]])})
    assert net.apply(params, np.array([[[10.0, 100.0]]])).ravel().tolist() == [10, 20, 300, 400]


def test_a_separable_convolution_is_depthwise_then_pointwise() -> None:
    """Its weights, multiplied, are those of a convolution."""
    x = np.random.default_rng(1).normal(size=(2, 5, 6, 3))
    apart = serial(Conv(3, (2, 3), groups=3, bias=False), Conv(4, (1, 1), bias=False))
    _, params = apart.init(0, x.shape, dtype=np.float64)
    each, mix = params.at("conv_0/w"), params.at("conv_1/w")
    whole = Params({"w": np.einsum("pqc,co->pqco", each[:, :, 0], mix[0, 0])})
    np.testing.assert_allclose(apart.apply(params, x), Conv(4, (2, 3), bias=False).apply(whole, x), rtol=1e-12)


def test_volumes_are_images_of_images() -> None:
    """A window of depth one convolves every slice by itself."""
    x = np.random.default_rng(2).normal(size=(2, 3, 4, 5, 2))
    net, flat = Conv3D(3, (1, 2, 2)), Conv(3, (2, 2))
    _, params = net.init(0, x.shape, dtype=np.float64)
    slices = Params({"w": params.at("w")[0], "b": params.at("b")})
    np.testing.assert_allclose(net.apply(params, x)[:, 1], flat.apply(slices, x[:, 1]), rtol=1e-12)


def test_without_bias_there_is_none() -> None:
    """Not in the params, not in the gradients, nothing added."""
    net = Conv(2, (2, 2), bias=False)
    _, params = net.init(0, (-1, 3, 3, 1))
    y, pullback = vjp(net.apply, params, np.zeros((1, 3, 3, 1), np.float32))
    assert params.paths() == pullback(np.ones_like(y))[0].paths() == ("w",)
    assert not y.any()


# shapes and params ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("strides", [(1, 1), (2, 3)])
@pytest.mark.parametrize("window", [(1, 1), (3, 2), (5, 4)])
def test_out_shape_is_the_shape_of_the_output(
    window: tuple[int, int], strides: tuple[int, int], padding: Literal["VALID", "SAME"]
) -> None:
    """For windows, strides and padding; and so it is where batch and height are not known."""
    net = Conv(2, window, strides, padding)
    x = np.zeros((2, 7, 9, 3), np.float32)
    out_shape, params = net.init(0, x.shape)
    assert net.apply(params, x).shape == out_shape
    assert net.out_shape((-1, -1, 9, 3)) == (-1, -1, *out_shape[2:])


def test_params_are_drawn_for_the_fans_of_the_window() -> None:
    """Glorot: variance 2 / (9 * 16 + 9 * 32); the bias starts at zero."""
    _, params = Conv(32, (3, 3)).init(0, (-1, 28, 28, 16))
    assert {path: params.at(path).shape for path in params.paths()} == {"w": (3, 3, 16, 32), "b": (32,)}
    assert float(params.at("w").var()) == pytest.approx(2 / (9 * 16 + 9 * 32), rel=0.05)
    assert not params.at("b").any()


def test_strides_are_one_by_default() -> None:
    """None, as stax writes it, and (1, 1) are the same."""
    shape = (1, 5, 6, 1)
    assert Conv(1, (3, 3), None).out_shape(shape) == Conv(1, (3, 3), (1, 1)).out_shape(shape) == (1, 3, 4, 1)


def test_multiply_adds_are_counted_for_a_group() -> None:
    """2 x 3 x 3 windows, 4 outputs, 9 pixels of 2 channels each: 1296 for two images."""
    assert summary(Conv(4, (3, 3), groups=2), (2, 5, 5, 4)).multiply_adds == 2 * 3 * 3 * 4 * 9 * 2
    assert summary(Conv1D(3, 2, 2, "SAME"), (1, 5, 4)).multiply_adds == 3 * 3 * 2 * 4


# gradients ------------------------------------------------------------------------------------------------------------
def test_float32_stays_float32() -> None:
    """Value, gradients and cotangent, for integer pixels too."""
    net = Conv(2, (3, 3))
    _, params = net.init(0, (-1, 5, 5, 1))
    pixels: Any = np.arange(50, dtype=np.uint8).reshape(2, 5, 5, 1)
    y, pullback = vjp(net.apply, params, pixels)
    dparams, dx = pullback(np.ones_like(y))
    assert {a.dtype for a in (y, dx, dparams.at("w"), dparams.at("b"))} == {np.dtype(np.float32)}


# messages -------------------------------------------------------------------------------------------------------------
def refused(build: Callable[[], object], error: type[Exception], *parts: str) -> None:
    """The call fails with this error, and its message has these parts."""
    with pytest.raises(error) as caught:
        build()
    for part in parts:
        assert re.search(re.escape(part), str(caught.value)), (part, str(caught.value))


ONE: Any = 1  # what type checkers refuse
SQUARE: Any = (3, 3)
SMALL: Any = "causal"


@pytest.mark.parametrize(
    ("build", "parts"),
    [
        (lambda: Conv(0, (3, 3)), ["channels", "0"]),
        (lambda: Conv(2, 3), ["filter_shape", "(height, width)", "write (3, 3)"]),  # type: ignore[arg-type]
        (lambda: Conv(2, (3, 0)), ["filter_shape", "at least 1", "(3, 0)"]),
        (lambda: Conv(2, (3, 3), (1,)), ["strides", "(1,)"]),  # type: ignore[arg-type]
        (lambda: Conv(2, (3, 3), (True, 1)), ["strides", "(True, 1)"]),
        (lambda: Conv(2, (3, 3), padding="same"), ["padding", "'VALID' or 'SAME'", "'same'"]),  # type: ignore[arg-type]
        (lambda: Conv(2, (3, 3), padding="CAUSAL"), ["only Conv1D"]),  # type: ignore[arg-type]
        (lambda: Conv(2, (3, 3), padding=ONE), ["((top, bottom), (left, right))", "write ((1, 1), (1, 1))"]),
        (lambda: Conv(2, (3, 3), padding=((1, -1), (0, 0))), ["padding is not negative", "slicing"]),
        (lambda: Conv(2, (3, 3), dilation=(0, 1)), ["Conv: dilation", "at least 1", "(0, 1)"]),
        (lambda: Conv(3, (3, 3), groups=2), ["channels must be divisible by groups", "channels=3, groups=2"]),
        (lambda: Conv(3, (3, 3), groups=0), ["groups", "at least 1"]),
        (lambda: Conv(3, (3, 3), bias=None), ["bias must be True or False, got None"]),  # type: ignore[arg-type]
        (lambda: Conv1D(2, SQUARE), ["Conv1D: filter_shape must be an integer of at least 1", "(3, 3)"]),
        (lambda: Conv1D(2, 3, padding=SMALL), ["'VALID', 'SAME' or 'CAUSAL'", "write 'CAUSAL'"]),
        (lambda: Conv1D(2, 3, padding=ONE), ["(before, behind)", "write (1, 1)"]),
        (lambda: Conv3D(2, (3, 3)), ["three integers", "(depth, height, width)"]),  # type: ignore[arg-type]
    ],
)
def test_impossible_arguments_are_refused(build: Callable[[], object], parts: list[str]) -> None:
    """At construction, with name, value and range."""
    refused(build, ValueError, *parts)


def test_a_window_that_does_not_fit_is_refused_by_the_shape_rule() -> None:
    """At `out_shape` and `init`, with path, sizes and padding."""
    net = serial(Relu, Conv(2, (5, 5)))
    for build in (lambda: net.out_shape((-1, 4, 9, 1)), lambda: net.init(Key(0), (-1, 4, 9, 1))):
        refused(build, ShapeError, "conv_0", "(5, 5)", "(4, 9)", "'VALID'", "padding='SAME'")


def test_a_window_that_cannot_fit_is_refused_though_the_other_size_is_not_known() -> None:
    """What is known is checked."""
    refused(lambda: Conv(2, (5, 5)).out_shape((-1, 4, -1, 1)), ShapeError, "(4, ?)")


def test_an_image_without_batch_axis_is_told_so() -> None:
    """`x[None]` makes a batch of one."""
    net = Conv(2, (3, 3))
    _, params = net.init(0, (-1, 8, 8, 3))
    refused(lambda: net.apply(params, np.zeros((8, 8, 3))), ShapeError, "(batch, height, width, channels)", "x[None]")


def test_channels_first_are_told_to_come_last() -> None:
    """The number of channels that the weights have stands where the height is wanted."""
    net = Conv(2, (3, 3))
    _, params = net.init(0, (-1, 8, 8, 3))
    x = np.zeros((2, 3, 8, 8))
    refused(lambda: net.apply(params, x), ShapeError, "(2, 3, 8, 8)", "3 of them", "transpose(0, 2, 3, 1)")


def test_channels_first_are_told_so_where_the_window_does_not_fit() -> None:
    """One channel is too small a height for the window; the weights know how many channels there are."""
    net = Conv(2, (3, 3))
    _, params = net.init(0, (-1, 8, 8, 1))
    x = np.zeros((2, 1, 8, 8))
    refused(lambda: net.apply(params, x), ShapeError, "(..., 1)", "(2, 1, 8, 8)", "1 of them", "transpose(0, 2, 3, 1)")
    refused(lambda: net.init(0, x.shape), ShapeError, "(2, 1, 8, 8)", "8 of them", "transpose(0, 2, 3, 1)")


def test_another_number_of_channels_is_refused() -> None:
    """With what the weights want."""
    net = serial(Conv(2, (3, 3)))
    _, params = net.init(0, (-1, 8, 8, 3))
    refused(lambda: net.apply(params, np.zeros((2, 8, 8, 4))), ShapeError, "conv_0", "(..., 3)", "(2, 8, 8, 4)")


def test_channels_that_groups_cannot_share_out_are_refused() -> None:
    """At the layer's path, by the shape rule; and not where they are unknown."""
    net = serial(Relu, Conv(4, (3, 3), groups=4))
    refused(lambda: net.out_shape((-1, 8, 8, 6)), ShapeError, "conv_0", "6 channels", "(?, 8, 8, 6)", "groups=4")
    assert net.out_shape((-1, 8, 8, -1)) == (-1, 6, 6, 4)


def test_dilated_windows_that_do_not_fit_say_so() -> None:
    """A window of 3 with dilation 3 reaches over 7 steps."""
    net = serial(Conv1D(2, 3, dilation=3))
    refused(lambda: net.out_shape((-1, 6, 1)), ShapeError, "conv1d_0", "(3,) with dilation (3,)", "sequence (6,)")
    assert net.out_shape((-1, 7, 1)) == (-1, 1, 2)


def test_padding_by_pairs_is_shown_where_the_window_does_not_fit() -> None:
    """With what was given."""
    refused(lambda: Conv(2, (5, 5), padding=((1, 1), (0, 0))).out_shape((-1, 3, 4, 1)), ShapeError, "((1, 1), (0, 0))")


def test_numbers_and_tuples_of_one_are_the_same() -> None:
    """For sequences; and NumPy's counts are recorded as Python's."""
    assert Conv1D(2, (3,), (2,)).out_shape((-1, 9, 1)) == Conv1D(2, 3, 2).out_shape((-1, 9, 1)) == (-1, 4, 2)
    assert repr(Conv1D(2, np.int64(3), groups=np.int8(2))) == "Conv1D(2, 3, groups=2)"  # type: ignore[arg-type]
