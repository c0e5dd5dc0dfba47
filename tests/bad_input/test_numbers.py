"""NumPy's scalars are taken for the numbers that they are, and arguments for what they were when they were given."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import funcnn
from funcnn import (
    Array, BatchNorm, Dense, FanOut, Key, Layer, batches, evaluate, fit, joint, layer, mlp, parallel, predict, r2,
    serial, sgd, squared_error, summary, value_and_grad,
)  # fmt: skip
from funcnn.values import fixed
from tests.evaluated import public_names

SAME: list[tuple[Any, Any]] = [
    (Dense(np.int64(3)), Dense(3)),  # type: ignore[arg-type]
    (Dense(np.array([2, 9]).max() + 1), Dense(10)),
    (BatchNorm(eps=np.float64(1e-5)), BatchNorm(eps=1e-5)),
    (mlp(tuple(np.array([3, 2], np.int8))), mlp((3, 2))),
]


@pytest.mark.parametrize(("with_numpy", "plain"), SAME, ids=[repr(plain) for _, plain in SAME])
def test_scalars_make_the_same_layer(with_numpy: Layer[Any, Any], plain: Layer[Any, Any]) -> None:
    """Equal, printed as source that evaluates, pickled alike."""
    assert with_numpy == plain and repr(with_numpy) == repr(plain)
    assert eval(repr(with_numpy), public_names()) == plain
    assert pickle.loads(pickle.dumps(with_numpy)) == plain


def test_small_integers_do_not_overflow() -> None:
    """Sizes are counted and scaled in Python's own numbers."""
    assert summary(Dense(np.int32(70000)), (-1, 70000)).rows[0].params == 4900070000  # type: ignore[arg-type]
    drawn = Dense(np.int8(100)).init(Key(0), (-1, 100))[1]  # type: ignore[arg-type]
    assert drawn == Dense(100).init(Key(0), (-1, 100))[1]


def test_float64_scalars_do_not_widen_a_float32_network() -> None:
    """An eps of one's own included."""
    net = serial(Dense(4), BatchNorm(eps=np.float64(1e-5)), Dense(2))
    _, params = net.init(Key(0), (-1, 3))
    assert net.apply(params, np.ones((5, 3), np.float32)).dtype == np.float32


def test_a_network_does_not_change_with_its_arguments() -> None:
    """A list is copied when it is given."""
    widths: Any = [3, 2]
    net = mlp(widths)
    shown = repr(net)
    widths.append(5)
    assert repr(net) == shown and pickle.loads(pickle.dumps(net)) == net == mlp([3, 2])  # type: ignore[arg-type]


@layer
def Scaled(by: Array) -> Layer[Array, Array]:
    """A layer with an array for an argument."""
    return Layer.lift(lambda shape: shape, lambda x: (x * by, lambda dy: dy * by))


def test_arrays_are_copied_when_they_are_given() -> None:
    """For the record as for the layer."""
    by = np.ones(2)
    net = Scaled(by)
    by[0] = 7
    assert net == Scaled(np.ones(2)) and net.apply({}, np.ones(2)).tolist() == [1, 1]


def test_arguments_are_fixed() -> None:
    """Inside tuples and dicts too; what is none of ours is left alone."""
    found = fixed({"a": [np.float32(0.5), (np.int8(3), np.bool_(True))], "b": np.str_("x"), "c": 1 + 2j})
    assert found == {"a": [0.5, (3, True)], "b": "x", "c": 1 + 2j}
    assert [type(v) for v in (*found["a"], *found["a"][1], found["b"])] == [float, tuple, int, bool, str]


def test_batch_sizes_do_not_overflow() -> None:
    """Every row is predicted, evaluated and batched, whatever kind of integer says how many at a time."""
    x = np.arange(32500, dtype=np.float32)[:, None]
    net = Dense(1)
    _, params = net.init(Key(0), x.shape)
    size: Any = np.int16(1000)
    assert np.array_equal(predict(net.apply, params, x, batch_size=size), predict(net.apply, params, x, batch_size=1000))
    small: Any = np.int8(32)
    assert [len(rows) for (rows,) in batches((x[:100],), small)] == [32, 32, 32, 4]
    found = evaluate(net.apply, params, (x[:300], x[:300]), r2, batch_size=small)
    assert found == evaluate(net.apply, params, (x[:300], x[:300]), r2, batch_size=32)
    steps = fit(squared_error, net.apply, sgd(1e-9), params, (x[:300], x[:300]), batch_size=small, epochs=1)
    assert len(list(steps)) == 10


def test_scales_of_joint_losses_are_numbers() -> None:
    """NumPy's train a float32 network as Python's do."""
    net = serial(FanOut(2), parallel(Dense(1), Dense(1)))
    x = np.ones((4, 2), np.float32)
    _, params = net.init(Key(0), x.shape)
    target = (np.ones((4, 1), np.float32), np.zeros((4, 1), np.float32))
    scales: Any = tuple(np.array([1.0, 0.5]))
    loss, grads = value_and_grad(joint(squared_error, squared_error, scales=scales), net.apply)(params, x, target)
    plain = value_and_grad(joint(squared_error, squared_error, scales=(1.0, 0.5)), net.apply)(params, x, target)
    assert (loss, grads) == plain
