"""hvp, ggn_vp, as_scipy: closed forms, symmetry, differences, and a solver that ends where algebra does."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

from funcnn import (
    Array,
    Conv,
    Dense,
    Dropout,
    Flatten,
    Gelu,
    Gradients,
    Key,
    Layer,
    LayerNorm,
    Params,
    ParamsError,
    Reshape,
    Sigmoid,
    Softplus,
    Tanh,
    as_scipy,
    ggn_vp,
    grad,
    hvp,
    joint,
    l1,
    l2,
    parallel,
    ravel,
    residual,
    serial,
    softmax_cross_entropy,
    squared_error,
    tree_map,
    value_and_grad,
)
from funcnn.derivatives import Objective
from tests.derivatives.small_objectives import LABELS, NET, PARAMS, T, Noise, X

NUMBERS = np.random.default_rng(4)


def like(params: Params, seed: int) -> Params:
    """Random numbers in the place of params."""
    numbers = np.random.default_rng(seed)
    return tree_map(lambda p: numbers.normal(size=p.shape), params)


def inner(a: Any, b: Any) -> float:
    """The inner product of two trees."""
    return float(ravel(a)[0] @ ravel(b)[0])


# closed forms ---------------------------------------------------------------------------------------------------------
def test_the_hessian_of_least_squares() -> None:
    """`2 X^T X / n`, for every column."""
    net = Dense(2)
    _, params = net.init(0, (-1, 3), dtype=np.float64)
    objective = value_and_grad(squared_error.bind(reduce="batch"), net.apply)
    v = like(params, 1)
    for product in (hvp, ggn_vp):
        found = product(objective, params, v, X, T)
        moved = 2 * (X @ v.at("w") + v.at("b")) / len(X)
        np.testing.assert_allclose(found.at("w"), X.T @ moved, rtol=1e-13)
        np.testing.assert_allclose(found.at("b"), moved.sum(0), rtol=1e-13)
        assert type(found) is Gradients


def test_the_hessian_of_a_softmax() -> None:
    """`X^T (diag(p) - p p^T) X v / n`, weights and all."""
    net = Dense(2)
    _, params = net.init(0, (-1, 3), dtype=np.float64)
    objective = value_and_grad(softmax_cross_entropy, net.apply)
    v, w = like(params, 2), np.array([1.0, 0.0, 2.0, 1.0, 1.0])
    logits = net.apply(params, X)
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    along = X @ v.at("w") + v.at("b")
    moved = p * (along - (p * along).sum(-1, keepdims=True)) * w[:, None] / w.sum()
    for product in (hvp, ggn_vp):
        found = product(objective, params, v, X, LABELS, weights=w)
        np.testing.assert_allclose(found.at("w"), X.T @ moved, rtol=1e-13)


def test_penalties_are_in_the_hessian() -> None:
    """`2 rate v` of l2, nothing of l1; none of them is in Gauss and Newton's part."""
    v = like(PARAMS, 3)
    bare = hvp(value_and_grad(squared_error, NET.apply), PARAMS, v, X, T)
    both = hvp(value_and_grad(squared_error, NET.apply, l2(0.5), l1(0.1)), PARAMS, v, X, T)
    np.testing.assert_allclose(both.at("dense_0/w") - bare.at("dense_0/w"), v.at("dense_0/w"), rtol=1e-12)
    np.testing.assert_allclose(both.at("dense_0/b"), bare.at("dense_0/b"), rtol=1e-13)
    ggn = ggn_vp(value_and_grad(squared_error, NET.apply, l2(0.5)), PARAMS, v, X, T)
    assert ggn == ggn_vp(value_and_grad(squared_error, NET.apply), PARAMS, v, X, T)


def test_a_part_of_a_tree_is_a_vector() -> None:
    """What is left out is zero in it."""
    objective = value_and_grad(squared_error, NET.apply)
    v = like(PARAMS, 5)
    zeros = tree_map(np.zeros_like, PARAMS)
    part = {"dense_1": {"w": v.at("dense_1/w")}}
    assert hvp(objective, PARAMS, part, X, T) == hvp(objective, PARAMS, zeros | part, X, T)


# properties -----------------------------------------------------------------------------------------------------------
NETS: dict[str, tuple[Layer[Any, Any], Any, Any, Any]] = {
    "dense": (serial(Dense(4), Tanh, Dense(2)), X, T, squared_error),
    "norms": (serial(Dense(4), LayerNorm(), Gelu, Dense(2)), X, LABELS, softmax_cross_entropy),
    "residual": (serial(residual(serial(Dense(3), Softplus)), Dense(2), Sigmoid), X, T, squared_error),
    "images": (
        serial(Reshape((3, 1, 1)), Conv(3, (2, 1)), Tanh, Flatten, Dense(2)), X, T, squared_error,
    ),
    "two heads": (
        parallel(serial(Dense(3), Tanh), Dense(2)), (X, T), (X + 1, LABELS), joint(squared_error, softmax_cross_entropy),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NETS)
def test_the_hessian_is_symmetric_and_right(name: str) -> None:
    """`<u, H v> = <H u, v>`, and Romberg's differences of the gradient say the same."""
    net, x, target, loss = NETS[name]
    shape: Any = tuple(a.shape for a in x) if isinstance(x, tuple) else x.shape
    _, params = net.init(0, shape, dtype=np.float64)
    objective: Objective[Any, Any, Any] = value_and_grad(loss, net.apply)
    u, v = like(params, 6), like(params, 7)
    hu, hv = hvp(objective, params, u, x, target), hvp(objective, params, v, x, target)
    assert inner(u, hv) == pytest.approx(inner(hu, v), rel=1e-12)

    def slope(h: float) -> Array:
        ends = [tree_map(lambda p, d, s=s: p + s * d, params, v) for s in (h, -h)]
        up, down = (ravel(objective(end, x, target)[1])[0] for end in ends)
        return (up - down) / (2 * h)

    a, b, c = slope(4e-3), slope(2e-3), slope(1e-3)
    ab, bc = (4 * b - a) / 3, (4 * c - b) / 3
    np.testing.assert_allclose((16 * bc - ab) / 15, ravel(hv)[0], atol=1e-9 * float(abs(ravel(hv)[0]).max()))


@pytest.mark.parametrize("name", ["dense", "norms", "residual"])
def test_gauss_newton_is_never_negative(name: str) -> None:
    """For losses convex in the prediction; and symmetric."""
    net, x, target, loss = NETS[name]
    _, params = net.init(1, x.shape, dtype=np.float64)
    objective = value_and_grad(loss, net.apply)
    u, v = like(params, 8), like(params, 9)
    gu, gv = ggn_vp(objective, params, u, x, target), ggn_vp(objective, params, v, x, target)
    assert inner(u, gu) >= 0 and inner(v, gv) >= 0
    assert inner(u, gv) == pytest.approx(inner(gu, v), rel=1e-11)


def test_float32_agrees_with_float64() -> None:
    """To seven digits, in its own dtype."""
    import funcnn

    objective = value_and_grad(squared_error, NET.apply)
    small = funcnn.astype(PARAMS, np.float32)
    v = like(PARAMS, 1)
    found, wanted = hvp(objective, small, v, X, T), hvp(objective, PARAMS, v, X, T)
    assert ravel(found)[0].dtype == np.float32
    np.testing.assert_allclose(ravel(found)[0], ravel(wanted)[0], atol=2e-5 * float(abs(ravel(wanted)[0]).max()))


def test_a_key_is_asked_for() -> None:
    """As by the objective; the same key is the same matrix."""
    net = serial(Dense(4), Noise(0.3), Dense(2))
    _, params = net.init(0, (-1, 3), dtype=np.float64)
    objective = value_and_grad(squared_error, net.apply)
    v = like(params, 1)
    with pytest.raises(TypeError, match="noise_0 takes a key in training"):
        hvp(objective, params, v, X, T)
    assert hvp(objective, params, v, X, T, rng=Key(1)) == hvp(objective, params, v, X, T, rng=Key(1))
    assert hvp(objective, params, v, X, T, rng=Key(1)) != hvp(objective, params, v, X, T, rng=None)


NO_OBJECTIVE: Any = NET


def test_a_word_for_it() -> None:
    """What is taken for an objective, or for a vector."""
    objective = value_and_grad(squared_error, NET.apply)
    for f in (hvp, ggn_vp):
        with pytest.raises(TypeError, match=re.escape(f"{f.__name__} takes an objective first, value_and_grad(loss")):
            f(NO_OBJECTIVE, PARAMS, PARAMS, X, T)
    with pytest.raises(ParamsError, match="a direction is a tree like the params or a part of it"):
        hvp(objective, PARAMS, {"dense_7": {}}, X, T)
    for vector in (None, X):
        with pytest.raises(ParamsError, match="a direction of params is a tree like them or a part of it, got"):
            hvp(objective, PARAMS, vector, X, T)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="as_scipy takes an objective first"):
        as_scipy(NO_OBJECTIVE, PARAMS, X, T)


# for solvers of other libraries ---------------------------------------------------------------------------------------
def test_a_solver_ends_where_algebra_does() -> None:
    """Ridge regression by scipy's L-BFGS-B."""
    net = Dense(2)
    _, params = net.init(0, (-1, 3), dtype=np.float64)
    fun, x0, unravel = as_scipy(value_and_grad(squared_error.bind(reduce="sum"), net.apply, l2(0.3)), params, X, T)
    found = unravel(minimize(fun, x0, jac=True, method="L-BFGS-B", options={"ftol": 1e-16, "gtol": 1e-10}).x)
    centred, targets = X - X.mean(0), T - T.mean(0)
    wanted = np.linalg.solve(centred.T @ centred + 0.3 * np.eye(3), centred.T @ targets)
    np.testing.assert_allclose(found.at("w"), wanted, rtol=1e-6)


def test_the_function_is_the_objective() -> None:
    """Value and gradient, in float64 whatever the params are; the same key at every call."""
    net = serial(Dense(4), Dropout(0.5), Dense(2))
    _, params = net.init(0, (-1, 3))
    objective = value_and_grad(squared_error, net.apply)
    fun, x0, unravel = as_scipy(objective, params, X, T, rng=Key(5))
    value, gradient = fun(x0)
    wanted, gradients = objective(params, X, T, rng=Key(5))
    assert value == wanted == fun(x0)[0]
    assert x0.dtype == gradient.dtype == np.float64
    np.testing.assert_array_equal(gradient, ravel(gradients)[0])
    assert unravel(x0) == params and gradient.flags.writeable
    with pytest.raises(TypeError, match="dropout_0 takes a key in training"):
        as_scipy(objective, params, X, T)


def test_a_gradient_is_the_hessian_of_a_quadratic() -> None:
    """Newton's method ends in one step where the objective is quadratic."""
    net = Dense(1)
    _, params = net.init(0, (-1, 3), dtype=np.float64)
    objective = value_and_grad(squared_error, net.apply)
    g = grad(squared_error, net.apply)(params, X, T[:, :1])
    flat, unravel = ravel(params)
    columns = [ravel(hvp(objective, params, unravel(e), X, T[:, :1]))[0] for e in np.eye(flat.size)]
    best = unravel(flat - np.linalg.solve(np.array(columns), ravel(g)[0]))
    assert abs(ravel(grad(squared_error, net.apply)(best, X, T[:, :1]))[0]).max() < 1e-13


