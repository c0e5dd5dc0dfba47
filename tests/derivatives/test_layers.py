"""tangent and input_gradient: closed forms, losses made of them, what they refuse."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from funcnn import (
    Array,
    Dense,
    Dropout,
    Embedding,
    FanInSum,
    FanOut,
    Key,
    Layer,
    NotAnalyticError,
    Relu,
    ShapeError,
    Square,
    Tanh,
    Terms,
    calibrate,
    hvp,
    input_gradient,
    jvp,
    loss,
    parallel,
    rebuild,
    serial,
    squared_error,
    tangent,
    trace,
    tree_map,
    value_and_grad,
    vjp,
)
from funcnn.nested import mapped
from tests.derivatives.small_objectives import X

V = np.cos(X)


def test_a_tangent_is_a_jvp() -> None:
    """Value and derivative, with the params of what it is made of."""
    f = serial(Dense(4), Tanh, Dense(2))
    net = tangent(f)
    _, params = net.init(0, (X.shape, X.shape), dtype=np.float64)
    assert params == f.init(0, X.shape, dtype=np.float64)[1]
    y, dy = net.apply(params, (X, V))
    wanted = jvp(f.apply, (params, X), (None, V))
    np.testing.assert_allclose(y, wanted[0], rtol=1e-14)
    np.testing.assert_array_equal(dy, wanted[1])


def test_the_gradient_of_a_quadratic_form() -> None:
    """Of `sum_k (x w)_k^2 a_k` it is `2 w (a (x w))`, and so are the gradients of that by hand."""
    f = serial(Dense(4, bias=False), Square, Dense(1, bias=False))
    net = input_gradient(f)
    _, params = net.init(0, X.shape, dtype=np.float64)
    w, a = params.at("dense_0/w"), params.at("dense_1/w")[:, 0]
    g, pullback = vjp(net.apply, params, X)
    np.testing.assert_allclose(g, 2 * ((X @ w) * a) @ w.T, rtol=1e-13)
    grads, dx = pullback(V)
    np.testing.assert_allclose(dx, 2 * ((V @ w) * a) @ w.T, rtol=1e-13)
    np.testing.assert_allclose(grads.at("dense_1/w")[:, 0], 2 * ((X @ w) * (V @ w)).sum(0), rtol=1e-12)
    np.testing.assert_allclose(grads.at("dense_0/w"), 2 * (X.T @ ((V @ w) * a) + V.T @ ((X @ w) * a)), rtol=1e-12)


@loss
def lipschitz(gradient: Array, target: Array) -> Terms[Array]:
    """`(|g| - target)^2` for every row."""
    size = np.sqrt((gradient * gradient).sum(-1))
    off = size - target

    def pullback(d: Any) -> tuple[Array, Array]:
        return (2 * off * d / size)[:, None] * gradient, -2 * off * d

    return off * off, pullback


def test_a_gradient_penalty_trains() -> None:
    """The penalty of Wasserstein critics, by an objective like any other: steps against its gradient lower it."""
    critic = serial(Dense(8), Tanh, Dense(1))
    net = input_gradient(critic)
    _, params = net.init(0, X.shape, dtype=np.float64)
    objective = value_and_grad(lipschitz, net.apply)
    values = []
    for _ in range(200):
        value, grads = objective(params, X, np.ones(5))
        values.append(value)
        params = tree_map(lambda p, g: p - 0.1 * g, params, grads)
    assert values[-1] < 0.02 * values[0]


def test_tokens_have_no_direction() -> None:
    """Embeddings behind a tangent: what stands for tokens in v is not read."""
    f: Layer[Any, Any] = serial(parallel(Embedding(4, 3), Dense(3)), FanInSum, Tanh)
    net = tangent(f)
    x = (np.array([0, 1, 2, 3, 1]), X)
    _, params = net.init(0, (((5,), (5, 3)),) * 2, dtype=np.float64)
    for junk in (np.zeros(5), np.full(5, 7)):
        y, dy = net.apply(params, (x, (junk, V)))
    h = params.at("parallel_0/embedding_0/w")[x[0]] + X @ params.at("parallel_0/dense_0/w")
    np.testing.assert_allclose(dy, (1 - np.tanh(h) ** 2) * (V @ params.at("parallel_0/dense_0/w")), rtol=1e-12)


def test_they_are_layers() -> None:
    """They print, rebuild, trace and train by the paths of what they are made of."""
    net = tangent(serial(Dense(4), Relu, Dropout(0.5), Dense(1)))
    assert eval(repr(net), {"tangent": tangent, "serial": serial, "Dense": Dense, "Relu": Relu, "Dropout": Dropout}) == net
    other = rebuild(net, lambda path, layer: Tanh if layer == Relu else layer)
    assert repr(other) == "tangent(serial(Dense(4), Tanh, Dropout(0.5), Dense(1)))"
    _, params = net.init(0, (X.shape, X.shape))
    assert params.paths()[0] == "dense_0/b"
    a, b = (net.apply(params, (X, V), rng=Key(3)) for _ in range(2))
    np.testing.assert_array_equal(a[1], b[1])
    seen = trace(net)(params, (X, V))[1]["dense_0"]
    assert seen.dtype == np.float32 and seen.shape == (5, 4)
    assert calibrate(net, params, [(X, V)]) == params


NESTED: dict[str, tuple[Layer[Any, Any], Any]] = {
    "tangent of tangent": (tangent(tangent(serial(Dense(3), Tanh))), ((X, V), (X, V))),
    "tangent of gradient": (tangent(input_gradient(serial(Dense(3), Tanh, Dense(1)))), (X, V)),
    "gradient of tangent": (input_gradient(serial(FanOut(2), tangent(Dense(1)), FanInSum)), X),
    "gradient of gradient": (input_gradient(serial(input_gradient(serial(Dense(3), Tanh, Dense(1))), Dense(1))), X),
}


@pytest.mark.parametrize("name", NESTED)
def test_they_do_not_nest(name: str) -> None:
    """There is one imaginary unit: refused where it would go wrong, by name."""
    net, x = NESTED[name]
    shape: Any = mapped(np.shape, x)
    _, params = net.init(0, shape, dtype=np.float64)
    with pytest.raises(NotAnalyticError, match="takes a complex step itself, and there is one imaginary unit"):
        y, pullback = vjp(net.apply, params, x)
        pullback(y)


def test_no_second_complex_step() -> None:
    """hvp goes through layers that step themselves as little."""
    net = input_gradient(serial(Dense(3), Tanh, Dense(1)))
    _, params = net.init(0, X.shape, dtype=np.float64)
    with pytest.raises(NotAnalyticError, match="input_gradient takes a complex step itself, and there is one imaginary"):
        hvp(value_and_grad(squared_error, net.apply), params, params, X, X)


def test_a_word_for_it() -> None:
    """Shapes, and layers that lose what is needed."""
    with pytest.raises(ShapeError, match=re.escape("takes (x, v), a direction of the shape of x, (5, 3), got (5, 2)")):
        tangent(Dense(2)).init(0, ((5, 3), (5, 2)))
    with pytest.raises(ShapeError, match=re.escape("input_gradient takes a layer with one number a row, (batch,) or (batch, 1), got (5, 2)")):  # noqa: E501
        input_gradient(Dense(2)).init(0, (5, 3))
    lost = Layer.lift(lambda shape: shape, lambda x: (np.abs(x) * x, lambda dy: 2 * np.abs(x) * dy))
    net = tangent(serial(Dense(2), lost))
    _, params = net.init(0, (X.shape, X.shape), dtype=np.float64)
    with pytest.raises(NotAnalyticError, match="layer_0 in serial: the rule loses"):
        net.apply(params, (X, V))
