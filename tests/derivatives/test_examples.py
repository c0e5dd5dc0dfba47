"""per_example_grads: the gradients of a loop, for every kind of layer."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from funcnn import (
    GRU,
    BatchNorm,
    Conv,
    Dense,
    Embedding,
    FanInSum,
    Flatten,
    Gradients,
    Layer,
    LayerNorm,
    Loss,
    MaxPool,
    Relu,
    Reshape,
    Shape,
    ShapeError,
    Tanh,
    initializers,
    joint,
    l2,
    layer,
    parallel,
    per_example_grads,
    ravel,
    residual,
    serial,
    softmax_cross_entropy,
    squared_error,
    sum_squared_error,
    tree_map,
    value_and_grad,
)
from funcnn.authoring import Child, Combined
from tests.derivatives.small_objectives import LABELS, NET, PARAMS, T, X

IMAGES = np.random.default_rng(3).normal(size=(5, 6, 6, 2))
TOKENS = np.array([[0, 1, 1], [2, 2, 2], [3, 0, 1], [1, 2, 3], [0, 0, 3]])
STEPS = np.random.default_rng(4).normal(size=(5, 4, 3))

CASES: dict[str, tuple[Layer[Any, Any], Any, Any, Loss[Any, Any]]] = {
    "dense": (serial(Dense(4), Tanh, Dense(2)), X, T, squared_error),
    "sums": (serial(Dense(4, bias=False), Tanh, Dense(2)), X, T, sum_squared_error),
    "batch": (serial(Dense(4), Tanh, Dense(2)), X, T, squared_error.bind(reduce="batch")),
    "labels": (serial(Dense(4), LayerNorm(), Dense(2)), X, LABELS, softmax_cross_entropy),
    "images": (
        serial(Conv(3, (3, 3)), BatchNorm(), Relu, MaxPool((2, 2)), Flatten, Dense(2)), IMAGES, T, squared_error,
    ),
    "tokens": (serial(Embedding(4, 3), Dense(2)), TOKENS, np.repeat(T[:, None], 3, 1), squared_error),
    "steps": (serial(GRU(3, last=True), Dense(2)), STEPS, LABELS, softmax_cross_entropy),
    "residual": (serial(residual(serial(Dense(3), Tanh)), Dense(2)), X, T, squared_error),
    "several": (serial(parallel(Dense(2), Dense(2)), FanInSum), (X, T), T, squared_error),
    "heads": (
        parallel(Dense(3), Dense(2)), (X, T), (X + 1, LABELS),
        joint(squared_error, softmax_cross_entropy, scales=(2.0, 0.5)),
    ),
}  # fmt: skip


def cut(value: Any, i: int) -> Any:
    """Row i, as a batch of one."""
    return tuple(cut(v, i) for v in value) if isinstance(value, tuple) else value[i : i + 1]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("penalties", [(), (l2(0.1),)], ids=["bare", "penalty"])
def test_it_is_the_gradient_of_every_row(name: str, penalties: tuple[Any, ...]) -> None:
    """One after the other."""
    net, x, target, loss = CASES[name]
    shape: Any = tuple(a.shape for a in x) if isinstance(x, tuple) else x.shape
    _, params = net.init(0, shape, dtype=np.float64)
    objective = value_and_grad(loss, net.apply, *penalties)
    found = per_example_grads(objective, params, x, target)
    assert type(found) is Gradients and found.paths() == params.paths()
    for i in range(5):
        wanted = objective(params, cut(x, i), cut(target, i), rng=None)[1]
        row = tree_map(lambda g, i=i: np.array(g[i]), found)
        np.testing.assert_allclose(ravel(row)[0], ravel(wanted)[0], rtol=1e-11, atol=1e-14)


def test_their_mean_is_the_gradient() -> None:
    """Of a loss that is a mean over rows."""
    objective = value_and_grad(squared_error, NET.apply)
    mean = tree_map(lambda g: g.mean(0), per_example_grads(objective, PARAMS, X, T))
    np.testing.assert_allclose(ravel(mean)[0], ravel(objective(PARAMS, X, T)[1])[0], rtol=1e-13)


@layer
def Scaled(f: Layer[Any, Any]) -> Layer[Any, Any]:
    """A combinator with a param of its own: `s f(x)`."""

    def build(child: Child) -> Combined:
        def rule(params: Any, x: Any) -> tuple[Any, Any]:
            y, pull = child.pull(params, x, None)

            def pullback(dy: Any) -> tuple[Any, Any]:
                dparams, dx = pull(params["s"] * dy)
                return {"s": np.sum(y * dy).reshape(()), **child.grads(dparams)}, dx

            return params["s"] * y, pullback

        return Combined(lambda shape, go: go(child, shape), rule, own=lambda shape: {"s": (initializers.ones, ())})

    return Layer.over((f,), build, where="Scaled")


@pytest.mark.parametrize("n", [5, 0])
def test_a_combinator_with_params_of_its_own(n: int) -> None:
    """Goes row by row as a whole."""
    net = serial(Scaled(Dense(4)), Tanh, Dense(2))
    _, params = net.init(0, X.shape, dtype=np.float64)
    params = params.set("scaled_0/s", np.array(0.7))
    objective = value_and_grad(squared_error, net.apply, l2(0.1))
    found = per_example_grads(objective, params, X[:n], T[:n])
    assert found.at("scaled_0/s").shape == (n,)
    for i in range(n):
        wanted = objective(params, X[i : i + 1], T[i : i + 1])[1]
        row = tree_map(lambda g, i=i: np.array(g[i]), found)
        np.testing.assert_allclose(ravel(row)[0], ravel(wanted)[0], rtol=1e-12)


def test_no_rows() -> None:
    """Leaves of no rows."""
    found = per_example_grads(value_and_grad(sum_squared_error, NET.apply), PARAMS, X[:0], T[:0])
    assert found.at("dense_0/w").shape == (0, 3, 4)


def _merged(shape: Any) -> Shape:
    return (shape[0] * shape[1], *shape[2:])


def test_a_word_for_it() -> None:
    """Rows that get lost on the way, or are missing."""
    net = serial(Reshape((-1,)), Reshape((1,)))
    objective = value_and_grad(squared_error, NET.apply)
    with pytest.raises(TypeError, match=re.escape("per_example_grads takes an objective first, value_and_grad(loss")):
        per_example_grads(net, PARAMS, X, T)  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match="x has 5 rows, the target has not"):
        per_example_grads(objective, PARAMS, X, T[:4])
    merged: Layer[Any, Any] = Layer.lift(
        _merged,
        lambda x: (x.reshape(-1, *x.shape[2:]), lambda dy: dy.reshape(x.shape)),
    )
    mixing = serial(merged, Dense(2))
    _, params = mixing.init(0, STEPS.shape, dtype=np.float64)
    with pytest.raises(ShapeError, match="dense_0 in serial: a layer with params must get a row for each of the 5"):
        per_example_grads(value_and_grad(squared_error, mixing.apply), params, STEPS, np.zeros((5, 2)))
