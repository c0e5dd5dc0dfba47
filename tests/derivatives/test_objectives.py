"""Objectives: values and gradients of a network, and what is never computed."""

from __future__ import annotations

import pickle
from typing import Any, NoReturn

import numpy as np
import pytest
from tests.differences import drawn_like, inner, moved, slope
from tests.derivatives.small_objectives import LABELS, NET, PARAMS, Noise, T, X

from funcnn import (
    Array, Dense, Dropout, FanInSum, FanOut, Flatten, Key, Layer, Pullback, Shape, Tanh, Terms, Tree, grad, joint,
    l1, l2, layer, loss, parallel, serial, softmax_cross_entropy, squared_error, value_and_grad, vjp,
)  # fmt: skip
from funcnn.authoring import Later


def scaled(scale: float) -> Layer[Array, Array]:
    """A layer with a weight whose input cotangent nobody may ask for."""

    def out_shape(shape: Shape) -> Shape:
        return shape

    def rule(params: Tree, x: Array) -> tuple[Array, Pullback]:
        w: Any = params["w"]

        def never() -> NoReturn:
            raise AssertionError("the cotangent of the network's input was computed")

        return x * w, lambda dy: ({"w": np.array((dy * x).sum(), x.dtype).reshape(1)}, Later(never))

    return Layer.of(out_shape, lambda shape: {"w": (lambda key, s, dtype: np.full(s, scale, dtype), (1,))}, rule)


def test_value_and_gradients_are_those_of_vjp() -> None:
    """The chain rule, by hand."""
    y, pull_net = vjp(NET.apply, PARAMS, X)
    value, pull_loss = vjp(squared_error, y, T)
    expected, _ = pull_net(pull_loss(1.0)[0])
    assert value_and_grad(squared_error, NET.apply)(PARAMS, X, T) == (value, expected)


def test_gradients_agree_with_differences() -> None:
    """Two heads, weights, a penalty, a random layer: all at once."""
    net = serial(Dense(4), Noise(0.5), Tanh, FanOut(2), parallel(Dense(2), Dense(3)))
    _, params = net.init(Key(1), (-1, 3), dtype=np.float64)
    both = joint(squared_error, softmax_cross_entropy.bind(label_smoothing=0.1), scales=(1.0, 0.3))
    objective = value_and_grad(both, net.apply, l2(0.1), l1(0.01, where="**/b"))
    weights = np.array([1.0, 0.5, 2.0, 1.0, 0.0])

    def value(tree: Any) -> float:
        return objective(tree, X, (T, LABELS), weights=weights, rng=3)[0]

    tree = params.to_dict()
    tree["dense_0"]["b"] += 0.1  # away from the kink of l1
    tree["parallel_0"]["dense_0"]["b"] -= 0.2
    tree["parallel_0"]["dense_1"]["b"] += 0.3
    _, gradients = objective(tree, X, (T, LABELS), weights=weights, rng=3)
    for seed in range(3):
        d = drawn_like(tree, np.random.default_rng(seed))
        assert np.isclose(inner(gradients, d), slope(lambda t: value(moved(tree, t, d))), rtol=1e-8)


def test_grad_is_the_second_item() -> None:
    """`grad` gives the gradients alone."""
    assert grad(squared_error, NET.apply)(PARAMS, X, T) == value_and_grad(squared_error, NET.apply)(PARAMS, X, T)[1]


def test_with_prediction() -> None:
    """The prediction the value came from, read-only."""
    objective = value_and_grad(squared_error, NET.apply)
    value, gradients, prediction = objective.with_prediction(PARAMS, X, T)
    assert (value, gradients) == objective(PARAMS, X, T)
    assert np.array_equal(prediction, NET.apply(PARAMS, X)) and not prediction.flags.writeable


def test_the_prediction_of_a_training_pass() -> None:
    """With a key it is that of the training pass."""
    net = serial(Dense(2), Noise(0.5))
    _, params = net.init(Key(0), (-1, 3))
    _, _, prediction = value_and_grad(squared_error, net.apply).with_prediction(params, X, T, rng=7)
    assert np.array_equal(prediction, net.apply(params, X, rng=7))


def test_float32_stays() -> None:
    """Integer inputs, float64 targets and penalties leave float32 params float32; the value is a Python float."""
    _, params = NET.init(Key(0), (-1, 3))
    value, gradients = value_and_grad(squared_error, NET.apply, l2(0.1))(params, np.ones((5, 3), int), T)
    assert type(value) is float
    assert {gradients.at(path).dtype for path in gradients.paths()} == {np.dtype(np.float32)}


def test_nothing_is_written_to() -> None:
    """Not to params, inputs, targets or weights; twice gives the same."""
    objective, weights = value_and_grad(squared_error, NET.apply, l2(0.1)), np.ones(5)
    before = repr((PARAMS.to_dict(), X, T, weights))
    assert objective(PARAMS, X, T, weights=weights) == objective(PARAMS, X, T, weights=weights)
    assert repr((PARAMS.to_dict(), X, T, weights)) == before


def test_objectives_pickle() -> None:
    """With loss, network and penalties, they come back and work."""
    objective = value_and_grad(squared_error.bind(reduce="sum"), NET.apply, l2(0.1))
    again = pickle.loads(pickle.dumps(objective))
    assert repr(again) == repr(objective) and again(PARAMS, X, T) == objective(PARAMS, X, T)


def test_objectives_print() -> None:
    """With loss, network and penalties."""
    objective = value_and_grad(squared_error, NET.apply, l2(0.1))
    assert repr(objective) == "value_and_grad(squared_error, <apply of serial>, l2(0.1))"


# what is never computed -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "net",
    [
        scaled(2.0),
        serial(scaled(2.0), Dense(2)),
        serial(Flatten, scaled(2.0)),
        serial(Dropout(0.5), scaled(2.0)),
        serial(FanOut(2), parallel(scaled(2.0), scaled(3.0)), FanInSum),
    ],
    ids=["alone", "first", "behind Flatten", "behind Dropout", "behind FanOut"],
)
def test_the_cotangent_of_the_input_is_never_computed(net: Layer[Array, Array]) -> None:
    """A training step leaves it for later, for ever; `vjp` computes it."""
    _, params = net.init(0, (-1, 2), dtype=np.float64)
    value_and_grad(squared_error, net.apply)(params, T, T, rng=0)
    _, pullback = vjp(net.apply, params, T)
    with pytest.raises(AssertionError, match="the cotangent of the network's input was computed"):
        pullback(T)


def test_the_cotangent_of_the_target_is_never_computed() -> None:
    """A loss may leave it for later."""

    @loss
    def watched(prediction: Array, target: Array) -> Terms[Array]:
        def never() -> NoReturn:
            raise AssertionError("the cotangent of the target was computed")

        return prediction - target, lambda d: (d * np.ones_like(prediction), Later(never))

    value_and_grad(watched, NET.apply)(PARAMS, X, T)
    with pytest.raises(AssertionError, match="of the target"):
        vjp(watched, T, T)[1](1.0)
