"""LayerNorm and BatchNorm: values by hand, both passes, gradients, dtypes, messages."""

from __future__ import annotations

from statistics import fmean, pvariance

import numpy as np
import pytest

from funcnn import Array, BatchNorm, Gradients, Key, Layer, LayerNorm, Params, ShapeError, Tree, tree_map, vjp
from funcnn.authoring import Later
from funcnn.initializers import constant


def drawn(*shape: int) -> Array:
    return np.random.default_rng(9).normal(size=shape) * 2 + 1


def params_for(net: Layer[Array, Array], shape: tuple[int, ...]) -> Params:
    """Params in float64 that are no plain ones and zeros, with positive variances."""
    numbers = np.random.default_rng(4)
    _, params = net.init(Key(0), shape, dtype=np.float64)
    return tree_map(lambda leaf: leaf + numbers.uniform(0.1, 1.0, leaf.shape), params)


BOTH = pytest.mark.parametrize("net", [LayerNorm(), BatchNorm()], ids=repr)
PASSES = pytest.mark.parametrize("rng", [None, 1], ids=["inference", "training"])


# LayerNorm ------------------------------------------------------------------------------------------------------------
def test_layer_norm_worked_by_hand() -> None:
    """(1, 3) has mean 2 and variance 1: (-1, 1) / sqrt(1 + 3), times 2, plus 1."""
    params = {"scale": np.array([2.0, 2.0]), "offset": np.array([1.0, 1.0])}
    assert LayerNorm(eps=3.0).apply(params, np.array([[1.0, 3.0]])).tolist() == [[0.0, 2.0]]


def test_layer_norm_pullback_worked_by_hand() -> None:
    """With h = (-1/2, 1/2), s = 1/2, scale 2 and dy = (1, 0): dscale = dy h, doffset = dy, and dx by the formula."""
    params = {"scale": np.array([2.0, 2.0]), "offset": np.array([1.0, 1.0])}
    _, pullback = vjp(LayerNorm(eps=3.0).apply, params, np.array([[1.0, 3.0]]))
    dparams, dx = pullback(np.array([[1.0, 0.0]]))
    assert dparams.to_dict()["scale"].tolist() == [-0.5, 0.0]
    assert dparams.to_dict()["offset"].tolist() == [1.0, 0.0]
    # dh = (2, 0), mean(dh) = 1, mean(dh h) = -1/2: dx = (2 - 1 - 1/4, 0 - 1 + 1/4) / 2
    assert dx.tolist() == [[0.375, -0.375]]


@pytest.mark.parametrize("shape", [(5, 4), (2, 3, 6), (3,)])
def test_layer_norm_is_the_formula_row_by_row(shape: tuple[int, ...]) -> None:
    """Means and variances of Python's `statistics`, along the last axis."""
    x, net = drawn(*shape), LayerNorm()
    rows = x.reshape(-1, shape[-1]).tolist()
    wanted = [[(v - fmean(row)) / (pvariance(row) + 1e-5) ** 0.5 for v in row] for row in rows]
    found = net.apply(net.init(0, shape, dtype=np.float64)[1], x)
    assert found == pytest.approx(np.array(wanted).reshape(shape), rel=1e-12)


def test_layer_norm_is_the_same_in_both_passes() -> None:
    """It looks at one example only, so that a key changes nothing."""
    net = LayerNorm()
    params = params_for(net, (3, 4))
    assert net.apply(params, drawn(3, 4)).tolist() == net.apply(params, drawn(3, 4), rng=1).tolist()


def test_layer_norm_params() -> None:
    """One scale and one offset for every feature, 1 and 0 at first."""
    out, params = LayerNorm().init(Key(0), (-1, 7, 2))
    assert (out, params) == ((-1, 7, 2), Params({"scale": np.ones(2, np.float32), "offset": np.zeros(2, np.float32)}))


# BatchNorm ------------------------------------------------------------------------------------------------------------
def test_batch_norm_worked_by_hand() -> None:
    """(1, 3) has mean 2 and variance 1: (-1, 1) / sqrt(1 + 3) in training; (x - 5) / sqrt(6 + 3) in inference."""
    params = {"scale": np.ones(1) * 2, "offset": np.ones(1), "mean": np.ones(1) * 5, "var": np.ones(1) * 6}
    net, x = BatchNorm(eps=3.0), np.array([[1.0], [3.0]])
    assert net.apply(params, x, rng=0).tolist() == [[0.0], [2.0]]
    assert net.apply(params, x) == pytest.approx(np.array([[-5 / 3], [-1 / 3]]), rel=1e-15)


@pytest.mark.parametrize(("axis", "shape"), [(None, (6, 3)), (None, (2, 3, 2, 3)), ((0, 2), (4, 3, 5)), (0, (5, 2, 3))])
def test_batch_norm_is_the_formula_column_by_column(
    axis: int | tuple[int, ...] | None, shape: tuple[int, ...]
) -> None:
    """NumPy's own means and variances over the averaged axes."""
    x, net = drawn(*shape), BatchNorm(axis=axis)
    over = tuple(range(len(shape) - 1)) if axis is None else axis
    wanted = (x - x.mean(over, keepdims=True)) / np.sqrt(x.var(over, keepdims=True) + 1e-5)
    assert net.apply(net.init(0, shape, dtype=np.float64)[1], x, rng=1) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize(
    ("axis", "sizes"), [(None, (5,)), ((0, 1, 2), (5,)), ((0, 2, 3), (3,)), ((0, -1), (3, 4)), (0, (3, 4, 5))]
)
def test_batch_norm_params_have_the_other_axes(axis: int | tuple[int, ...] | None, sizes: tuple[int, ...]) -> None:
    """Leaves are as large as the axes that are not averaged over; the averaged ones need not be known."""
    _, params = BatchNorm(axis=axis).init(0, (-1, 3, 4, 5))
    assert {name: params.at(name).shape for name in params} == dict.fromkeys(("scale", "offset", "mean", "var"), sizes)


def test_batch_norm_initial_values() -> None:
    """Before anything is learned or calibrated, inference changes nothing (but for `eps`)."""
    _, params = BatchNorm().init(0, (-1, 1))
    assert {name: params.at(name).tolist() for name in params} == {"scale": [1], "offset": [0], "mean": [0], "var": [1]}


def test_batch_norm_arguments_are_those_of_stax() -> None:
    """center, scale, beta_init and gamma_init: a leaf less, or drawn otherwise."""
    assert BatchNorm(center=False, scale=False).init(0, (-1, 2))[1].paths() == ("mean", "var")
    _, params = BatchNorm(beta_init=constant(2.0), gamma_init=constant(3.0)).init(0, (-1, 1))
    assert (params.at("offset").tolist(), params.at("scale").tolist()) == ([2.0], [3.0])


def gradients(net: Layer[Array, Array], x: Array, rng: int | None) -> tuple[Params, Gradients, Array]:
    """Params, their gradients, and that of the input, for a cotangent of ones and twos."""
    params = params_for(net, x.shape)
    y, pullback = vjp(net.apply, params, x, rng=rng)
    dparams, dx = pullback(1.0 + np.arange(y.size).reshape(y.shape) % 2)
    return params, dparams, dx


def test_statistics_have_no_gradient_in_training() -> None:
    """A training pass does not look at mean and var: their gradient is zero, in arrays of their own."""
    _, dparams, _ = gradients(BatchNorm(), drawn(5, 3), 1)
    assert [dparams.at("mean").tolist(), dparams.at("var").tolist()] == [[0.0] * 3] * 2
    assert not np.shares_memory(dparams.at("mean"), dparams.at("var"))


@BOTH
def test_the_cotangent_of_the_input_is_left_for_later(net: Layer[Array, Array]) -> None:
    """In front of a network, a norm costs nothing that nobody wants."""
    key = (Key(0),) if net.apply.random else ()
    _, pullback = net.apply.rule(params_for(net, (4, 3)).to_dict(), drawn(4, 3), *key)
    assert isinstance(pullback(drawn(4, 3))[1], Later)


@BOTH
def test_large_inputs_are_finite(net: Layer[Array, Array]) -> None:
    """Numbers of +-1e4, and rows that are all the same, are no trouble in float32."""
    x = np.array([[1e4, -1e4, 0.0], [1e4, 1e4, 1e4], [1e4, 1e4, 1e4]], np.float32)
    _, params = net.init(0, (-1, 3))
    y, pullback = vjp(net.apply, params, x, rng=0)
    assert np.isfinite(y).all() and np.isfinite(pullback(x)[1]).all()


@BOTH
def test_nan_goes_through(net: Layer[Array, Array]) -> None:
    """NaN in, NaN out."""
    x = drawn(3, 3)
    x[1, 1] = np.nan
    assert np.isnan(net.apply(params_for(net, (3, 3)), x)[1, 1])


@BOTH
@pytest.mark.parametrize("eps", [0.0, -1.0, float("nan")])
def test_eps_is_checked(net: Layer[Array, Array], eps: float) -> None:
    """It must be positive: constant inputs have no variance."""
    make = LayerNorm if net == LayerNorm() else BatchNorm
    with pytest.raises(ValueError, match=f"Norm: eps must be a positive finite number, got {eps}"):
        make(eps=eps)


def test_wrong_shapes_are_refused() -> None:
    """Messages name the layer, what it takes and what came."""
    with pytest.raises(ShapeError, match=r"BatchNorm takes an array of at least 2 axes, got \(3,\)"):
        BatchNorm().out_shape((3,))
    with pytest.raises(ShapeError, match="BatchNorm averages over axis 3, got an array of 2 axes; change `axis`"):
        BatchNorm(axis=(0, 3)).out_shape((-1, 3))
    with pytest.raises(ShapeError, match="LayerNorm takes an array of at least 1 axis, got a tuple of 2"):
        LayerNorm().out_shape(((-1, 3), (-1, 3)))


@BOTH
def test_another_width_names_both_shapes(net: Layer[Array, Array]) -> None:
    """An input of another width than the params were made for."""
    params: Tree = net.init(0, (-1, 3))[1]
    with pytest.raises(ShapeError, match=r"takes \(\.\.\., 3\), got \(2, 4\)"):
        net.apply(params, np.ones((2, 4)))
