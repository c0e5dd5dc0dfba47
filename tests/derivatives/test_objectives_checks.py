"""Objectives: keys, and what is refused, with type and message."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from tests.derivatives.small_objectives import LABELS, NET, PARAMS, Noise, T, X

from funcnn import (
    Dense,
    Dropout,
    FanOut,
    Key,
    LabelError,
    Layer,
    ParamsError,
    Shape,
    ShapeError,
    Tanh,
    accumulate,
    differentiable,
    grad,
    joint,
    layer,
    loss,
    sam,
    serial,
    softmax_cross_entropy,
    squared_error,
    value_and_grad,
)


# keys -----------------------------------------------------------------------------------------------------------------
DEEP = serial(Dense(2), serial(Tanh, Noise(0.5)).named("block"), Noise(0.1))


def test_a_forgotten_key() -> None:
    """The message has the path of the first layer that takes a key, and `rng=`."""
    _, params = DEEP.init(0, (-1, 3))
    for f in (value_and_grad(squared_error, DEEP.apply), grad(squared_error, DEEP.apply)):
        with pytest.raises(TypeError, match="block/noise_0 takes a key in training: give rng=key.fold"):
            f(params, X, T)


def test_a_forgotten_key_of_a_single_layer() -> None:
    """It is named by its kind."""
    with pytest.raises(TypeError, match="dropout takes a key in training"):
        value_and_grad(squared_error, Dropout(0.5).apply)({}, X, X)


def test_inference_on_purpose() -> None:
    """`rng=None` is an answer."""
    _, params = DEEP.init(0, (-1, 3))
    value, _ = value_and_grad(squared_error, DEEP.apply)(params, X, T, rng=None)
    assert value == squared_error(DEEP.apply(params, X), T)


def test_the_key_decides() -> None:
    """The same key gives the same gradients, another one others; an int is a key."""
    _, params = DEEP.init(0, (-1, 3))
    f = grad(squared_error, DEEP.apply)
    assert f(params, X, T, rng=1) == f(params, X, T, rng=Key(1)) != f(params, X, T, rng=2)


def test_a_network_without_random_layers_takes_any_key() -> None:
    """So that one training loop serves all networks."""
    objective = value_and_grad(squared_error, NET.apply)
    assert objective(PARAMS, X, T) == objective(PARAMS, X, T, rng=0) == objective(PARAMS, X, T, rng=None)


def test_keys_that_are_none() -> None:
    """Floats are refused, as everywhere, whether the network needs a key or not."""
    half: Any = 0.5
    with pytest.raises(TypeError, match=re.escape("Key(0)")):
        value_and_grad(squared_error, NET.apply)(PARAMS, X, T, rng=half)


# data and arguments ---------------------------------------------------------------------------------------------------
def test_inputs_and_targets_of_different_lengths() -> None:
    """Both lengths are in the message, for arrays, lists and tuples."""
    objective: Any = value_and_grad(squared_error, NET.apply)
    for target in (T[:4], T[:4].tolist()):
        with pytest.raises(ShapeError, match="x has 5 rows and target has 4"):
            objective(PARAMS, X, target)
    both: Any = value_and_grad(joint(squared_error, squared_error), serial(NET, FanOut(2)).apply)
    with pytest.raises(ShapeError, match="x has 5 rows and target has 4"):
        both({"serial_0": PARAMS.to_dict()}, X, (T[:4], T[:4]))


def test_networks_may_change_the_first_axis() -> None:
    """Then the target goes with the prediction."""

    def out_shape(shape: Shape) -> Shape:
        batch, time, features = shape
        return (batch * time, features)  # type: ignore[operator]  # sizes

    Unroll = Layer.lift(out_shape, lambda x: (x.reshape(-1, x.shape[-1]), lambda dy: dy.reshape(x.shape)))
    value, _ = value_and_grad(squared_error, Unroll.apply)({}, np.ones((5, 1, 3)), np.zeros((5, 3)))
    assert value == 1.0
    value, _ = value_and_grad(squared_error, Unroll.apply)({}, np.ones((1, 5, 3)), np.zeros((5, 3)))
    assert value == 1.0


def test_an_empty_batch() -> None:
    """A mean over no rows is refused."""
    with pytest.raises(ShapeError, match="empty batch"):
        value_and_grad(squared_error, NET.apply)(PARAMS, X[:0], T[:0])


def test_labels_are_checked() -> None:
    """In training too."""
    with pytest.raises(LabelError, match="label 2 at index 0 is outside the range 0 to 1"):
        value_and_grad(softmax_cross_entropy, NET.apply)(PARAMS, X, LABELS + 2)


def test_targets_without_the_last_axis() -> None:
    """`(N,)` against `(N, 1)`."""
    net = Dense(1)
    _, params = net.init(0, (-1, 3))
    with pytest.raises(ShapeError, match=re.escape("(5, 1), got (5,); nothing is broadcast, write target[:, None]")):
        value_and_grad(squared_error, net.apply)(params, X, T[:, 0])


def test_errors_name_the_layer() -> None:
    """As those of `apply` do."""
    with pytest.raises(ShapeError, match=re.escape("dense_0 in serial: takes (..., 3), got (5, 2)")):
        value_and_grad(squared_error, NET.apply)(PARAMS, T, T)


def test_the_pair_of_init_as_params() -> None:
    """The message says to unpack it."""
    pair: Any = NET.init(0, (-1, 3))
    with pytest.raises(ParamsError, match="unpack"):
        value_and_grad(squared_error, NET.apply)(pair, X, T)


def test_two_outputs_want_a_joint_loss() -> None:
    """The message says so."""
    objective: Any = value_and_grad(squared_error, FanOut(2).apply)
    with pytest.raises(ShapeError, match="the prediction is a tuple of 2; use joint"):
        objective({}, T, T)


def test_arguments_of_the_wrong_kind() -> None:
    """A network for its apply, a plain function for a loss, a number for a penalty."""
    f: Any = value_and_grad
    with pytest.raises(TypeError, match="takes the apply of a network, got Layer; take its .apply"):
        f(squared_error, NET)
    with pytest.raises(TypeError, match="takes a loss first, got function; make a rule one with @loss"):
        f(lambda y, t: 0.0, NET.apply)
    objective = value_and_grad(squared_error, NET.apply)
    for whole in (objective, sam(objective), accumulate(objective, 2)):
        with pytest.raises(TypeError, match=r"an objective stands for both, fit\(objective, adam\(1e-3\), params, data\)"):
            f(whole, NET.apply)
    with pytest.raises(TypeError, match="penalties are differentiable functions of params, .* got 0.1"):
        f(squared_error, NET.apply, 0.1)
