"""stax's own conventions: positions, keep rates, the batch in batch normalization, messages; and the laws."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import funcnn
from funcnn import Array, Key, Layer, ShapeError, serial, stax
from funcnn.testing import laws, shapes
from tests.refusals import refusal

RNG = np.random.default_rng(6)


# initializers ---------------------------------------------------------------------------------------------------------
def test_initializers_by_position() -> None:
    """Weights first, then the bias, which is drawn where nothing is said."""
    _, params = stax.Dense(3, stax.ones, stax.zeros).init(Key(0), (-1, 2))
    assert (params.at("w") == 1).all() and not params.at("b").any()
    assert stax.Dense(3).init(Key(0), (-1, 2))[1].at("b").any()


def test_initializers_of_a_key_and_a_shape_will_do() -> None:
    """As stax programs write them; float64 params hold what they gave."""

    def half(key: Key, shape: Sequence[int]) -> Array:
        return np.full(shape, 0.5, np.float32)

    _, params = stax.Conv(2, (1, 1), None, "VALID", half, half).init(Key(0), (-1, 3, 3, 1), dtype=np.float64)
    assert params.at("w").dtype == np.float64 and (params.at("w") == 0.5).all() and (params.at("b") == 0.5).all()


def test_glorot_counts_the_axes_it_is_told() -> None:
    """Of ("NCHW", "OIHW", "NCHW") the weights are (outputs, inputs, ...): variance 2 / (9 (16 + 32))."""
    net = stax.GeneralConv(("NCHW", "OIHW", "NCHW"), 32, (3, 3))
    w = net.init(Key(0), (-1, 16, 9, 9))[1].at("w")
    assert w.shape == (32, 16, 3, 3)
    assert float(w.var()) == pytest.approx(2 / (9 * 48), rel=0.1)


def test_networks_print_as_what_they_are() -> None:
    """Where funcnn has the same, it is that; and all of them come back from a pickle."""
    net = stax.serial(stax.Dense(3, stax.glorot_normal(), stax.normal()), stax.Relu, stax.Dropout(0.75))
    assert repr(net) == "serial(Dense(3, W_init=glorot_normal, b_init=normal(0.01)), Relu, Dropout(0.25))"
    for each in (net, stax.MaxPool((2, 2), spec="NCHW"), stax.BatchNorm(), stax.ConvTranspose(2, [2, 2])):
        assert pickle.loads(pickle.dumps(each)) == each


# dropout, batch normalization, elementwise ----------------------------------------------------------------------------
def test_dropout_keeps_at_this_rate() -> None:
    """Nine of ten stay, and are divided by 0.9."""
    y = stax.Dropout(0.9).apply({}, np.ones((100, 100)), rng=Key(0))
    assert set(np.unique(y)) == {0, 1 / 0.9} or np.allclose(np.unique(y), [0, 1 / 0.9])
    assert (y > 0).mean() == pytest.approx(0.9, abs=0.02)
    assert stax.Dropout(0.9, "test") == stax.Identity


def test_batch_norm_standardizes_by_the_batch() -> None:
    """Without a key as with one; without scale and offset there are no params."""
    net = stax.BatchNorm(axis=(0, 1, 2), center=False, scale=False)
    x = RNG.normal(3.0, 2.0, size=(4, 5, 6, 7))
    out_shape, params = net.init(Key(0), x.shape, dtype=np.float64)
    y = net.apply(params, x)
    assert out_shape == x.shape and params.paths() == ()
    np.testing.assert_allclose(y.mean((0, 1, 2)), 0, atol=1e-12)
    np.testing.assert_allclose(y.std((0, 1, 2)), 1, rtol=1e-5)


@pytest.mark.parametrize(("axis", "shape"), [((0, 1, 2), (4, 5, 6, 7)), ((0, 2, 3), (4, 5, 6, 7)), (0, (4, 7))])
def test_batch_norm_has_params_for_the_other_axes(axis: Any, shape: tuple[int, ...]) -> None:
    """Scale and offset of the size that is left; channels first or last."""
    net = stax.BatchNorm(axis=axis, beta_init=stax.randn(1.0), gamma_init=stax.randn(1.0))
    _, params = net.init(Key(0), shape)
    over = (axis,) if isinstance(axis, int) else axis
    sizes = tuple(n for i, n in enumerate(shape) if i not in over)
    assert params.paths() == ("offset", "scale") and params.at("scale").shape == params.at("offset").shape == sizes
    x = RNG.normal(size=shape).astype(np.float32)
    wide = tuple(1 if i in over else n for i, n in enumerate(shape))
    h = (x - x.mean(over, keepdims=True)) / np.sqrt(x.var(over, keepdims=True) + 1e-5)
    wanted = params.at("scale").reshape(wide) * h + params.at("offset").reshape(wide)
    np.testing.assert_allclose(net.apply(params, x), wanted, rtol=1e-4, atol=1e-5)


def test_elementwise_takes_the_derivative_and_options() -> None:
    """The options go to both."""

    def power(x: Array, n: int) -> Array:
        return x**n

    def slope(x: Array, y: Array, n: int) -> Array:
        return n * x ** (n - 1)

    y, pullback = funcnn.vjp(stax.elementwise(power, slope, n=3).apply, {}, np.array([2.0]))
    assert (y.tolist(), pullback(np.ones(1))[1].tolist()) == ([8], [12])
    assert "write elementwise(f, df)" in refusal(lambda: stax.elementwise(np.sin), TypeError)


def test_softmax_of_a_row_that_is_all_the_same() -> None:
    """Large numbers too."""
    y = stax.Softmax.apply({}, np.array([[1000.0, 1000.0]]))
    assert y.tolist() == [[0.5, 0.5]]


def test_the_windows_of_a_transposed_convolution_are_turned_round() -> None:
    """As in JAX: a single one spreads the window in reverse."""
    net = stax.Conv1DTranspose(1, (3,), (1,), "VALID")
    params = funcnn.Params({"w": np.array([1.0, 2.0, 3.0]).reshape(3, 1, 1), "b": np.zeros(1)})
    assert net.apply(params, np.ones((1, 1, 1))).ravel().tolist() == [3, 2, 1]


def test_pairs_of_padding_pad_the_input_that_is_spread_out() -> None:
    """(2, 2) around a window of three is all of the output; (0, 0) what a whole window sees."""
    for pair, n in (((2, 2), 7), ((0, 0), 3), ((1, 1), 5)):
        assert stax.Conv1DTranspose(1, (3,), (2,), [pair]).out_shape((1, 3, 1)) == (1, n, 1)


# messages -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("make", "part"),
    [
        (lambda: stax.Dropout(0.0), "rate is the probability of keeping, in (0, 1], got 0.0"),
        (lambda: stax.Dropout(0.5, "eval"), "mode must be 'train' or 'test'"),  # type: ignore[arg-type]
        (lambda: stax.GeneralConv(("NHWC", "HWIO", "NHC"), 3, (2, 2)), "dimension_numbers are the axes"),
        (lambda: stax.GeneralConv(("NHWC", "HWIO"), 3, (2, 2)), "('NHWC', 'HWIO', 'NHWC')"),  # type: ignore[arg-type]
        (lambda: stax.GeneralConv(("NHWC", "HWIO", "NHWC"), 3, (2,)), "1 beside N and C"),
        (lambda: stax.MaxPool((2, 2), spec="NCH"), "spec names N, C and 2 more axes, such as 'NCHW', got 'NCH'"),
        (lambda: stax.Conv(3, (2, 2), padding="full"), "padding must be 'VALID' or 'SAME'"),
    ],
)
def test_impossible_arguments_are_refused(make: Callable[[], object], part: str) -> None:
    """At construction."""
    assert part in refusal(make, ValueError)


def test_shapes_that_do_not_fit_are_refused_at_the_layer() -> None:
    """In the order of axes that the layer has."""
    net = serial(stax.GeneralConv(("NCHW", "OIHW", "NCHW"), 3, (2, 2)), stax.MaxPool((2, 2), spec="NCHW"))
    assert "general_conv_0 in serial: GeneralConv takes (N, C, H, W)" in refusal(
        lambda: net.out_shape((-1, 4, 4)), ShapeError
    )
    assert "max_pool_0 in serial" in refusal(lambda: net.out_shape((-1, 3, 2, 2)), ShapeError)


# the laws -------------------------------------------------------------------------------------------------------------
TestGeneralConv = laws(stax.GeneralConv(("NCHW", "OIHW", "NHWC"), 3, (2, 2), (1, 2), "SAME"), shapes("B", 2, 3, 4))
TestGeneralConvTranspose = laws(
    stax.GeneralConvTranspose(("NCH", "OIH", "NCH"), 2, (3,), (2,), "SAME"), shapes("B", "C", range(1, 4))
)
TestMaxPool = laws(stax.MaxPool((2, 2), spec="NCHW"), shapes("B", "C", range(2, 4), range(2, 4)), kinks=True)
TestAvgPool = laws(stax.AvgPool((2,), padding="SAME", spec="NCH"), shapes("B", "C", "T"))
TestBatchNorm = laws(stax.BatchNorm(axis=0), shapes("B", "D"), mixes_batch=True)


def test_shape_dependent_makes_a_layer_for_a_shape() -> None:
    """As in stax: the maker gets the shape; its first size, which is the batch, is not told."""
    net = stax.serial(stax.Dense(5), stax.shape_dependent(lambda shape: stax.Dense(2 * shape[-1])))
    assert net.init(Key(0), (-1, 3))[0] == (-1, 10)
