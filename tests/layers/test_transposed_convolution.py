"""Conv1DTranspose, ConvTranspose and Conv3DTranspose: values worked by hand, sizes, messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from funcnn import (
    Array, Conv, Conv1DTranspose, Conv3DTranspose, ConvTranspose, Params, Relu, ShapeError, serial, summary, vjp,
)  # fmt: skip
from tests.refusals import refusal


def series(*steps: float) -> Array:
    """One sequence of one channel."""
    return np.array(steps, np.float64).reshape(1, -1, 1)


def weights(*w: float) -> Params:
    """Those of one window, from one channel to one."""
    return Params({"w": np.array(w, np.float64).reshape(-1, 1, 1)})


# values ---------------------------------------------------------------------------------------------------------------
def test_every_step_adds_its_window() -> None:
    """2 (1, 10, 100) from the start, 3 (1, 10, 100) one stride of two later."""
    net = Conv1DTranspose(1, 3, 2, bias=False)
    assert net.apply(weights(1, 10, 100), series(2, 3)).ravel().tolist() == [2, 20, 203, 30, 300]


def test_same_padding_gives_stride_times_the_size() -> None:
    """A window of three and stride two reach one step too far: that is cut off behind."""
    net = Conv1DTranspose(1, 3, 2, "SAME", bias=False)
    assert net.apply(weights(1, 10, 100), series(2, 3)).ravel().tolist() == [2, 20, 203, 30]


def test_same_padding_cuts_half_before() -> None:
    """A window of three and stride one: one step is cut off at each end."""
    net = Conv1DTranspose(1, 3, 1, "SAME", bias=False)
    assert net.apply(weights(1, 10, 100), series(2, 3)).ravel().tolist() == [2 * 10 + 3, 2 * 100 + 3 * 10]


def test_causal_padding_never_looks_ahead() -> None:
    """A later step changes no earlier output."""
    net = Conv1DTranspose(1, 5, 2, "CAUSAL", bias=False)
    y = net.apply(weights(1, 2, 3, 4, 5), series(1, 0, 0))
    later = net.apply(weights(1, 2, 3, 4, 5), series(1, 0, 7))
    assert y.ravel().tolist() == [1, 2, 3, 4, 5, 0]
    assert later.ravel().tolist()[:4] == [1, 2, 3, 4]


def test_room_between_and_behind_windows_has_the_bias_alone() -> None:
    """A stride of three leaves a gap behind each window of two, the last one too."""
    net = Conv1DTranspose(1, 2, 3)
    params = weights(1, 10) | Params({"b": np.array([0.5])})
    assert net.apply(params, series(2, 3)).ravel().tolist() == [2.5, 20.5, 0.5, 3.5, 30.5, 0.5]


def test_explicit_padding_cuts_off_or_leaves_room() -> None:
    """One before; and one more behind, which PyTorch calls `padding=1, output_padding=...`."""
    for padding, wanted in (((1, 1), [20, 203, 30]), ((0, -1), [2, 20, 203, 30, 300, 0])):
        net = Conv1DTranspose(1, 3, 2, padding, bias=False)
        assert net.apply(weights(1, 10, 100), series(2, 3)).ravel().tolist() == wanted


def test_groups_give_their_own_outputs() -> None:
    """Two groups of one channel and two outputs."""
    net = Conv1DTranspose(4, 1, groups=2, bias=False)
    params = Params({"w": np.array([[[1.0, 2.0, 3.0, 4.0]]])})
    assert net.apply(params, np.array([[[10.0, 100.0]]])).ravel().tolist() == [10, 20, 300, 400]


@pytest.mark.parametrize("padding", ["VALID", "SAME"])
@pytest.mark.parametrize("groups", [1, 2])
def test_it_is_the_pullback_of_a_convolution(padding: Any, groups: int) -> None:
    """With weights that lead from outputs to inputs; where the stride divides the size."""
    conv = Conv(4, (3, 2), (2, 2), padding, groups=groups, bias=False)
    x = np.random.default_rng(0).normal(size=(2, 6 if padding == "SAME" else 7, 8, 6))
    _, params = conv.init(0, x.shape, dtype=np.float64)
    y, pullback = vjp(conv.apply, params, x)
    w = params.at("w").reshape(3, 2, 6 // groups, groups, 4 // groups)
    back = Params({"w": w.transpose(0, 1, 4, 3, 2).reshape(3, 2, 4 // groups, 6)})
    net = ConvTranspose(6, (3, 2), (2, 2), padding, groups=groups, bias=False)
    np.testing.assert_allclose(net.apply(back, y), pullback(y)[1], rtol=0, atol=1e-12)


def test_volumes_and_images_agree() -> None:
    """A window of depth one and stride one turns every slice by itself."""
    x = np.random.default_rng(2).normal(size=(2, 3, 4, 5, 2))
    net, flat = Conv3DTranspose(3, (1, 3, 2), (1, 2, 2)), ConvTranspose(3, (3, 2), (2, 2))
    _, params = net.init(0, x.shape, dtype=np.float64)
    slices = Params({"w": params.at("w")[0], "b": params.at("b")})
    np.testing.assert_allclose(net.apply(params, x)[:, 1], flat.apply(slices, x[:, 1]), rtol=1e-12)


# shapes ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("padding", ["VALID", "SAME", ((1, 0), (0, 2))])
def test_unknown_sizes_stay_unknown(padding: Any) -> None:
    """And the others are what they are."""
    net = ConvTranspose(2, (3, 4), (2, 3), padding)
    known = net.out_shape((5, 6, 7, 3))
    assert net.out_shape((-1, -1, 7, -1)) == (-1, -1, *known[2:])
    out_shape, params = net.init(0, (5, 6, 7, 3))
    assert out_shape == net.apply(params, np.zeros((5, 6, 7, 3))).shape == known


def test_params_are_those_of_a_convolution() -> None:
    """(window, inputs of a group, outputs)."""
    _, params = ConvTranspose(6, (3, 2), groups=2).init(0, (-1, 5, 5, 4))
    assert (params.at("w").shape, params.at("b").shape) == ((3, 2, 2, 6), (6,))


def test_multiply_adds_are_those_of_every_pixel_of_the_input() -> None:
    """9 pixels, a window of 4, from 4 channels to 2."""
    assert summary(ConvTranspose(2, (2, 2), (2, 2)), (1, 3, 3, 4)).multiply_adds == 9 * 4 * 4 * 2


CAUSAL: Any = "CAUSAL"


# messages -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("make", "parts"),
    [
        (lambda: ConvTranspose(3, (3, 3), groups=2), ("ConvTranspose: channels must be divisible by groups",)),
        (lambda: Conv1DTranspose(3, 3, 2, (-1, 0)), ("padding before the output is not negative", "(-1, 0)")),
        (lambda: Conv1DTranspose(3, 3, 2, (0, -2)), ("larger than -max(stride, dilation)", "make it with Pad")),
        (lambda: ConvTranspose(3, (3, 3), padding=CAUSAL), ("only Conv1D and Conv1DTranspose",)),
        (lambda: Conv3DTranspose(3, (3, 3, 3), (1, 2)), ("three integers",)),  # type: ignore[arg-type]
    ],
)
def test_impossible_arguments_are_refused(make: Callable[[], object], parts: tuple[str, ...]) -> None:
    """At construction."""
    said = refusal(make, ValueError)
    assert all(part in said for part in parts), said


def test_padding_that_leaves_nothing_is_refused_at_the_layer() -> None:
    """With what would be left."""
    net = serial(Relu, Conv1DTranspose(1, 2, 1, (2, 1)))
    said = refusal(lambda: net.out_shape((-1, 2, 1)), ShapeError)
    assert "conv1d_transpose_0" in said and "(0,) is left" in said and "take less padding" in said
    assert net.out_shape((-1, 3, 1)) == (-1, 1, 1)


def test_channels_that_groups_cannot_share_out_are_refused() -> None:
    """At the layer's path."""
    net = serial(ConvTranspose(4, (2, 2), groups=2))
    assert "conv_transpose_0" in refusal(lambda: net.out_shape((-1, 4, 4, 3)), ShapeError)
