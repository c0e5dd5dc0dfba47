"""Positions: what is added or turned at each step, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.differences import drawn_like
from funcnn import Layer, PositionalEmbedding, RotaryEmbedding, ShapeError, SinusoidalEncoding, decoder, vjp

X = np.random.default_rng(0).normal(size=(2, 5, 6))


def test_learned_positions_are_rows() -> None:
    """Those beyond the last step get no gradient."""
    net = PositionalEmbedding(8)
    _, params = net.init(0, X.shape, dtype=np.float64)
    y, pull = vjp(net.apply, params, X)
    assert np.array_equal(y, X + params.at("w")[:5])
    dy = drawn_like(y, np.random.default_rng(1))
    grads, dx = pull(dy)
    assert np.array_equal(grads.at("w")[:5], dy.sum(0))
    assert not grads.at("w")[5:].any()
    assert np.array_equal(dx, dy)


@pytest.mark.parametrize("n", [1, 2, 5, 6])
def test_sines_and_cosines(n: int) -> None:
    """Entry by entry, also for an odd number of features."""
    y = SinusoidalEncoding().apply({}, np.zeros((1, 4, n)))
    for t in range(4):
        for i in range(n):
            angle = t / 10000 ** ((i - i % 2) / n)
            assert y[0, t, i] == pytest.approx(np.cos(angle) if i % 2 else np.sin(angle), abs=1e-15)


def test_turns_keep_lengths_and_compare_distances() -> None:
    """The product of a step of one and a step of another depends on how far they are apart alone."""
    net = RotaryEmbedding()
    a, b = (np.broadcast_to(np.random.default_rng(i).normal(size=6), (1, 5, 6)) for i in (2, 3))
    p, q = net.apply({}, a)[0], net.apply({}, b)[0]
    assert np.allclose(np.linalg.norm(p, axis=-1), np.linalg.norm(a[0], axis=-1))
    products = p @ q.T
    for distance in range(-4, 5):
        assert np.ptp(np.diagonal(products, distance)) < 1e-13
    assert np.array_equal(p[0], a[0, 0])


def test_turns_are_those_of_complex_numbers() -> None:
    """Every pair is a number times exp(i t f)."""
    y = RotaryEmbedding(base=100.0).apply({}, X)
    z = (X[..., 0::2] + 1j * X[..., 1::2]) * np.exp(1j * np.multiply.outer(np.arange(5), 100.0 ** (-np.arange(3) / 3)))
    assert np.allclose(y[..., 0::2] + 1j * y[..., 1::2], z, rtol=1e-14)


@pytest.mark.parametrize("net", [PositionalEmbedding(5), SinusoidalEncoding(), RotaryEmbedding()], ids=repr)
def test_positions_go_on(net: Layer[Any, Any]) -> None:
    """Step by step they count on."""
    _, params = net.init(0, X.shape, dtype=np.float64)
    step = decoder(net)
    y, memory = step(params, X[:, :2])
    z, memory = step(params, X[:, 2:], memory)
    assert np.array_equal(np.concatenate([y, z], 1), net.apply(params, X))
    if isinstance(net.out_shape((1, 2, 6)), tuple) and net == PositionalEmbedding(5):
        with pytest.raises(ShapeError, match="has no place for 6 steps"):
            step(params, X[:, :1], memory)


@pytest.mark.parametrize(
    ("net", "shape", "message"),
    [
        (PositionalEmbedding(4), (2, 5, 6), "PositionalEmbedding(4) has no place for 5 steps; make it longer"),
        (PositionalEmbedding(4), (2, 5), "PositionalEmbedding takes (batch, time, features), got (2, 5)"),
        (RotaryEmbedding(), (2, 5, 3), "RotaryEmbedding turns pairs of features, got 3 features"),
        (SinusoidalEncoding(), ((2, 5, 3),), "SinusoidalEncoding takes (batch, time, features), got a tuple of 1"),
    ],
    ids=repr,
)
def test_wrong_shapes_say_so(net: Layer[Any, Any], shape: Any, message: str) -> None:
    """What came, and what was expected."""
    with pytest.raises(ShapeError) as caught:
        net.out_shape(shape)
    assert message in str(caught.value)


@pytest.mark.parametrize("make", [lambda: SinusoidalEncoding(base=0.0), lambda: RotaryEmbedding(base=-1.0)])
def test_bases_are_positive(make: Any) -> None:
    """At construction."""
    with pytest.raises(ValueError, match="base must be a positive finite number"):
        make()
