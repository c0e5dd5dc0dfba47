"""split and FanInProduct: parts, products, messages."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import pytest

from funcnn import Array, Embedding, FanInConcat, FanInProduct, Layer, ShapeError, parallel, serial, split, vjp


def test_halves_and_parts() -> None:
    """In order along the axis; the cotangents are put one after the other."""
    x = np.arange(12.0).reshape(2, 6)
    (a, b), pullback = vjp(split(2).apply, {}, x)
    assert (a.tolist(), b.tolist()) == (x[:, :3].tolist(), x[:, 3:].tolist())
    assert pullback((a, 10 * b))[1].tolist() == np.concatenate([a, 10 * b], 1).tolist()
    c, d, e = split((1, 2, 3)).apply({}, x)
    assert [v.shape for v in (c, d, e)] == [(2, 1), (2, 2), (2, 3)] and e.tolist() == x[:, 3:].tolist()


@pytest.mark.parametrize("net", [split(2, axis=1), split((1, 3), axis=-2), split(4, axis=1), split((4,), axis=1)])
def test_concatenation_undoes_it(net: Layer[Array, tuple[Array, ...]]) -> None:
    """`FanInConcat(axis)` of the parts is the array."""
    x = np.random.default_rng(0).normal(size=(3, 4, 2))
    assert serial(net, FanInConcat(1)).apply({}, x).tolist() == x.tolist()


def test_unknown_sizes() -> None:
    """Halves of what is not known are not known; parts are what was said."""
    assert split(2).out_shape((-1, -1)) == ((-1, -1), (-1, -1))
    assert split((2, 3)).out_shape((4, -1)) == ((4, 2), (4, 3))


def test_tokens_are_split_too() -> None:
    """They stay integers for what comes behind."""
    parts: list[Any] = [split(2), parallel(Embedding(5, 3), Embedding(5, 3)), FanInConcat()]
    net = serial(*parts)
    _, params = net.init(0, (-1, 4))
    assert net.apply(params, np.array([[0, 1, 2, 4]])).shape == (1, 2, 6)


@pytest.mark.parametrize(
    ("net", "shape", "message"),
    [
        (split(2), (3, 5), r"split\(2\) takes a multiple of 2 entries along axis -1, got \(3, 5\)"),
        (split((1, 2)), (3, 5), r"split\(\(1, 2\)\) takes 3 entries along axis -1, got \(3, 5\)"),
        (split(2, axis=2), (4, 4), r"split cuts along axis 2, got an array of 2 axes: \(4, 4\)"),
        (split(2), ((2, 4), (2, 4)), "split takes an array .* got a tuple of 2"),
    ],
)
def test_what_cannot_be_split(net: Layer[Array, tuple[Array, ...]], shape: tuple[int, ...], message: str) -> None:
    """With what is taken and what came."""
    with pytest.raises(ShapeError, match=message):
        net.out_shape(shape)


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_a_product_and_its_cotangents(n: int) -> None:
    """`dx_i` is dy times the product of the others, zeros among them too: nothing is divided."""
    xs = tuple(np.random.default_rng(i).integers(-2, 3, (4, 3)).astype(np.float64) for i in range(n))
    dy = np.random.default_rng(9).normal(size=(4, 3))
    y, pullback = vjp(FanInProduct.apply, {}, xs)
    assert y == pytest.approx(prod(xs[1:], start=xs[0]))
    for i, dx in enumerate(pullback(dy)[1]):
        others = [x for j, x in enumerate(xs) if j != i]
        assert dx == pytest.approx(prod(others, start=dy))


def test_a_product_broadcasts_nothing() -> None:
    with pytest.raises(ShapeError, match=r"FanInProduct multiplies arrays of one shape, got \(2, 3\) and \(2, 1\)"):
        FanInProduct.out_shape(((2, 3), (2, 1)))
