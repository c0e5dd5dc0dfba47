"""GroupNorm, InstanceNorm and RMSNorm: formulas, width 1, batch 1, one place, no rows, messages."""

from __future__ import annotations

from statistics import fmean, pvariance
from typing import Any

import numpy as np
import pytest

from funcnn import Array, GroupNorm, InstanceNorm, Key, Layer, LayerNorm, RMSNorm, ShapeError, Tree, vjp
from funcnn.initializers import ones, zeros


def drawn(*shape: int) -> Array:
    return np.random.default_rng(7).normal(size=shape) * 3 + 1


def plain(net: Layer[Array, Array], x: Array) -> Array:
    """With params as they are at first: scale 1, offset 0."""
    return net.apply(net.init(Key(0), x.shape, dtype=np.float64)[1], x)


@pytest.mark.parametrize("shape", [(2, 3, 2, 6), (1, 4, 6), (3, 6), (1, 1, 6)])
@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_group_norm_is_the_formula(shape: tuple[int, ...], groups: int) -> None:
    """Means and variances of Python's `statistics` over the places and the channels of a group."""
    x = drawn(*shape)
    wanted, width = np.empty(shape), shape[-1] // groups
    for i in range(len(x)):
        for g in range(groups):
            part = x[i, ..., g * width : (g + 1) * width]
            numbers = part.ravel().tolist()
            wanted[i, ..., g * width : (g + 1) * width] = (part - fmean(numbers)) / (pvariance(numbers) + 1e-5) ** 0.5
    assert plain(GroupNorm(groups), x) == pytest.approx(wanted, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("shape", [(2, 3, 2, 4), (1, 5, 4), (3, 1, 1)])
def test_norms_that_are_others(shape: tuple[int, ...]) -> None:
    """InstanceNorm is GroupNorm of single channels; one group over no places is LayerNorm."""
    x, dy = drawn(*shape), np.random.default_rng(1).normal(size=shape)
    params: Tree = {"scale": drawn(shape[-1]), "offset": drawn(shape[-1])}
    y, pullback = vjp(InstanceNorm().apply, params, x)
    z, pull = vjp(GroupNorm(shape[-1]).apply, params, x)
    assert (y == z).all() and pullback(dy)[0] == pull(dy)[0] and (pullback(dy)[1] == pull(dy)[1]).all()
    rows = x.reshape(-1, shape[-1])
    assert GroupNorm(1).apply(params, rows) == pytest.approx(LayerNorm().apply(params, rows), rel=1e-13, abs=1e-13)


def test_scale_and_offset_are_those_of_each_channel() -> None:
    """By hand: a group (0, 2 | 4, 6) has mean 3 and variance 5."""
    x = np.array([[[0.0, 2.0], [4.0, 6.0]]])
    params = {"scale": np.array([1.0, 10.0]), "offset": np.array([0.0, 100.0])}
    y, pullback = vjp(GroupNorm(1, eps=4.0).apply, params, x)
    assert y == pytest.approx(np.array([[[-1.0, 100 - 10 / 3], [1 / 3, 110.0]]]))
    dparams, _ = pullback(np.array([[[1.0, 2.0], [3.0, 4.0]]]))
    assert dparams.at("scale") == pytest.approx([-1.0 + 1.0, -2 / 3 + 4.0])
    assert dparams.at("offset").tolist() == [4.0, 6.0]


def test_rms_norm_by_hand() -> None:
    """(1, 7) has mean square 25: (0.2, 1.4), times the scale; dx = s (dh - h mean(dh h))."""
    params = {"scale": np.array([10.0, 1.0])}
    y, pullback = vjp(RMSNorm(eps=1e-300).apply, params, np.array([[1.0, 7.0]]))
    assert y == pytest.approx(np.array([[2.0, 1.4]]))
    dparams, dx = pullback(np.array([[1.0, 1.0]]))
    assert dparams.at("scale") == pytest.approx([0.2, 1.4])
    mean = (10 * 0.2 + 1 * 1.4) / 2
    assert dx == pytest.approx(np.array([[(10 - 0.2 * mean) / 5, (1 - 1.4 * mean) / 5]]))


@pytest.mark.parametrize("net", [LayerNorm(), RMSNorm(), GroupNorm(1), InstanceNorm()], ids=repr)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_number_has_no_spread(net: Layer[Array, Array], dtype: type[np.float32] | type[np.float64]) -> None:
    """Width 1, batch 1, one place: the number less its mean is 0, and nothing pulls at it; RMSNorm gives its sign."""
    x = np.full((1, 1, 1), -5.0, dtype)
    y, pullback = vjp(net.apply, net.init(Key(0), x.shape, dtype=dtype)[1], x)
    assert y == pytest.approx(np.full((1, 1, 1), -1.0 if net == RMSNorm() else 0.0), rel=1e-6)
    assert pullback(np.ones_like(y))[1] == pytest.approx(np.zeros((1, 1, 1)), abs=1e-6)


@pytest.mark.parametrize("net", [LayerNorm(), RMSNorm(), GroupNorm(2), InstanceNorm()], ids=repr)
def test_no_rows_are_no_rows(net: Layer[Array, Array]) -> None:
    """Empty in, empty out, and gradients of zero."""
    x = np.zeros((0, 3, 4))
    y, pullback = vjp(net.apply, net.init(Key(0), (-1, 3, 4), dtype=np.float64)[1], x)
    dparams, dx = pullback(y)
    assert (y.shape, dx.shape) == (x.shape, x.shape)
    assert all(not dparams.at(path).any() for path in dparams.paths())


def test_a_large_mean_does_not_drown_the_spread() -> None:
    """In float32, at 1000 + noise over 4096 places; the mean is taken off before squares are."""
    x = (1000 + np.random.default_rng(0).normal(size=(2, 64, 64, 2))).astype(np.float32)
    wide = plain(InstanceNorm(), x.astype(np.float64))
    narrow = InstanceNorm().apply(InstanceNorm().init(Key(0), x.shape)[1], x)
    assert np.abs(narrow - wide).max() < 5e-4


@pytest.mark.parametrize(
    ("net", "shape", "message"),
    [
        (GroupNorm(4), (2, 8, 6), r"GroupNorm\(4\) takes a multiple of 4 channels, got \(2, 8, 6\)"),
        (GroupNorm(2), (4,), r"GroupNorm takes \(batch, ..., channels\), got \(4,\)"),
        (InstanceNorm(), (2, 6), r"InstanceNorm takes \(batch, ..., channels\) with places between, got \(2, 6\)"),
        (RMSNorm(), (), "RMSNorm takes an array of at least 1 axis"),
    ],
)
def test_shapes_that_do_not_fit(net: Layer[Array, Array], shape: tuple[int, ...], message: str) -> None:
    """With what is taken and what came."""
    with pytest.raises(ShapeError, match=message):
        net.out_shape(shape)


def test_unknown_channels_are_silent() -> None:
    assert GroupNorm(4).out_shape((2, 8, -1)) == (2, 8, -1)


NORMS: dict[str, Any] = {
    "layer": lambda **options: LayerNorm(**options),
    "groups": lambda **options: GroupNorm(2, **options),
    "channels": lambda **options: InstanceNorm(**options),
}


@pytest.mark.parametrize("shape", [(2, 5, 4), (3, 1, 4), (1, 40, 64, 8)])
@pytest.mark.parametrize("name", NORMS)
@pytest.mark.parametrize(("center", "scale"), [(False, False), (True, False), (False, True)])
def test_params_that_are_left_out(name: str, shape: tuple[int, ...], center: bool, scale: bool) -> None:
    """It is the norm whose scale is 1, or whose offset 0; the gradients of the others are the same."""
    full, net = NORMS[name](), NORMS[name](center=center, scale=scale)
    x, dy, n = drawn(*shape), drawn(*shape)[::-1], shape[-1]
    _, params = net.init(0, shape, dtype=np.float64)
    assert params.paths() == ("offset",) * center + ("scale",) * scale
    mine = {path: drawn(n) for path in params.paths()}
    whole = {"scale": np.ones(n), "offset": np.zeros(n)} | mine
    y, pullback = vjp(net.apply, mine, x)
    wanted, back = vjp(full.apply, whole, x)
    (dparams, dx), (all_, dw) = pullback(dy), back(dy)
    assert np.array_equal(y, wanted) and np.array_equal(net.apply(mine, x), full.apply(whole, x))
    assert np.array_equal(dx, dw) and all(np.array_equal(dparams.at(path), all_.at(path)) for path in mine)


def test_the_root_mean_square_alone() -> None:
    """Without a scale."""
    x = drawn(5, 6)
    net = RMSNorm(scale=False)
    assert len(net.init(0, x.shape)[1]) == 0
    np.testing.assert_allclose(net.apply({}, x), x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-5), rtol=1e-13)


def test_how_params_begin() -> None:
    """A block that starts as nothing has a norm whose scale is 0."""
    for make in (LayerNorm, InstanceNorm, lambda **options: GroupNorm(2, **options)):
        _, params = make(gamma_init=zeros, beta_init=ones).init(0, (2, 3, 4))
        assert not params.at("scale").any() and (params.at("offset") == 1).all()
    assert not RMSNorm(gamma_init=zeros).init(0, (2, 4))[1].at("scale").any()
