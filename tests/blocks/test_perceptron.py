"""mlp is the serial it stands for."""

from __future__ import annotations

import numpy as np
import pytest

from funcnn import Dense, Layer, Relu, Sigmoid, Tanh, mlp, rebuild, serial
from funcnn.types import Array


def test_it_is_dense_layers_with_activations_between() -> None:
    """The same params and values as the written-out serial."""
    x = np.random.default_rng(0).normal(size=(4, 3))
    net, written = mlp((5, 6, 2), Tanh), serial(Dense(5), Tanh, Dense(6), Tanh, Dense(2))
    params = net.init(0, x.shape)[1]
    assert params == written.init(0, x.shape)[1]
    assert np.array_equal(net.apply(params, x), written.apply(params, x))


def test_one_width_is_one_dense() -> None:
    """No activation."""
    assert mlp((3,)).init(0, (1, 2))[1].paths() == ("dense_0/b", "dense_0/w")


def test_its_children_can_be_rebuilt() -> None:
    """It nests as one level, and stays editable."""

    def swap(path: str, layer: Layer[Array, Array]) -> Layer[Array, Array]:
        return Sigmoid if layer == Relu else layer

    x = np.random.default_rng(0).normal(size=(4, 3))
    net = serial(mlp((5, 2)), Dense(1))
    params = net.init(0, x.shape)[1]
    assert params.paths()[0] == "dense_0/b" and params.paths()[2] == "mlp_0/dense_0/b"
    other = serial(mlp((5, 2), Sigmoid), Dense(1))
    assert np.array_equal(rebuild(net, swap).apply(params, x), other.apply(params, x))


@pytest.mark.parametrize(
    ("widths", "message"), [((), "at least one width"), ((3, 0), "widths[1] must be an integer of at least 1, got 0")]
)
def test_wrong_widths_are_refused(widths: tuple[int, ...], message: str) -> None:
    """At construction, saying which."""
    with pytest.raises(ValueError) as caught:
        mlp(widths)
    assert message in str(caught.value)
