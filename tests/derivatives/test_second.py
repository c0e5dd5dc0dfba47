"""second_tangent and laplacian: closed forms, exactness for every layer, losses made of them, what they refuse."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from funcnn import (
    Array,
    Conv,
    Dense,
    Exp,
    Flatten,
    FanInProduct,
    FanInSum,
    FanOut,
    Gelu,
    Key,
    Layer,
    LayerNorm,
    MaxPool,
    NotAnalyticError,
    Relu,
    ShapeError,
    Sigmoid,
    Sin,
    Softplus,
    Square,
    Tanh,
    Tree,
    elementwise,
    grad,
    hvp,
    input_gradient,
    joint,
    jvp,
    laplacian,
    parallel,
    residual,
    second_tangent,
    serial,
    squared_error,
    tangent,
    tree_map,
    value_and_grad,
    vjp,
)
from funcnn.derivatives import circles
from funcnn.derivatives.jets import Jet
from funcnn.nested import arrays, mapped
from tests.catalogue import COMBINATORS, LAYERS, LayerRow, build
from tests.derivatives.small_objectives import X
from tests.derivatives.test_directions import dot, drawn, random_like

V = np.cos(X)

sigmoid = 1 / (1 + np.exp(-X))
t = np.tanh(X)
SECOND: dict[str, tuple[Layer[Any, Any], Any]] = {  # d^2 y / dx^2
    "Tanh": (Tanh, -2 * t * (1 - t * t)),
    "Sin": (Sin, -np.sin(X)),
    "Exp": (Exp, np.exp(X)),
    "Square": (Square, np.full_like(X, 2)),
    "Sigmoid": (Sigmoid, sigmoid * (1 - sigmoid) * (1 - 2 * sigmoid)),
    "Softplus": (Softplus, sigmoid * (1 - sigmoid)),
    "Relu": (Relu, np.zeros_like(X)),
}


@pytest.mark.parametrize("name", SECOND)
def test_second_derivatives_of_activations(name: str) -> None:
    """`u_vv = f'' v^2`, from any table of derivatives."""
    f, wanted = SECOND[name]
    u, u_v, u_vv = second_tangent(f).apply({}, (X, V))
    np.testing.assert_allclose(u, f.apply({}, X), rtol=1e-15)
    np.testing.assert_allclose(u_v, tangent(f).apply({}, (X, V))[1], rtol=1e-13, atol=1e-16)
    np.testing.assert_allclose(u_vv, wanted * V * V, rtol=1e-12, atol=1e-16)


def test_a_network_by_hand() -> None:
    """`u = tanh(x w) a`: the second derivative, and the gradients of its sum by all that there is."""
    f = serial(Dense(4, bias=False), Tanh, Dense(1, bias=False))
    net = second_tangent(f)
    _, params = net.init(0, (X.shape, X.shape), dtype=np.float64)
    w, a = params.at("dense_0/w"), params.at("dense_1/w")[:, 0]
    (u, u_v, u_vv), pullback = vjp(net.apply, params, (X, V))
    y, s = np.tanh(X @ w), V @ w
    first = 1 - y * y
    second, third = -2 * y * first, first * (6 * y * y - 2)
    np.testing.assert_allclose(u[:, 0], y @ a, rtol=1e-14)
    np.testing.assert_allclose(u_v[:, 0], (first * s) @ a, rtol=1e-13)
    np.testing.assert_allclose(u_vv[:, 0], (second * s * s) @ a, rtol=1e-13)
    grads, (dx, dv) = pullback((np.zeros_like(u), np.zeros_like(u), np.ones_like(u)))
    np.testing.assert_allclose(grads.at("dense_1/w")[:, 0], (second * s * s).sum(0), rtol=1e-13)
    np.testing.assert_allclose(grads.at("dense_0/w"), X.T @ (third * s * s * a) + V.T @ (2 * second * s * a), rtol=1e-12)
    np.testing.assert_allclose(dx, (third * s * s * a) @ w.T, rtol=1e-12)
    np.testing.assert_allclose(dv, (2 * second * s * a) @ w.T, rtol=1e-12)


# every layer ----------------------------------------------------------------------------------------------------------
ROWS = [
    row for row in (*LAYERS, *COMBINATORS)
    if not re.search("tangent|input_gradient|laplacian", row.source)  # they are derivatives themselves
    and "true_pullback" not in row.except_  # another pullback on purpose
]  # fmt: skip
LINEAR = r"Conv|Upsample"  # that jets do not go through


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.source)
@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
def test_exact_for_every_layer(row: LayerRow, training: bool) -> None:
    """The value and first derivative are `tangent`'s, the second one its difference; the pullback is the transpose."""
    numbers = np.random.default_rng(1)
    f: Layer[Any, Any] = build(row)
    net, x = second_tangent(f), drawn(row, numbers)
    _, params = f.init(Key(2), mapped(np.shape, x), dtype=np.float64)
    params = tree_map(lambda p: p + numbers.uniform(0.1, 0.5, p.shape), params)
    key, v = Key(3) if training else None, random_like(x, numbers)
    (u, u_v, u_vv), pullback = vjp(net.apply, params, (x, v), rng=key)

    def along(s: float) -> Any:
        return tangent(f).apply(params, (mapped(lambda a, b: a + s * b if a.dtype.kind == "f" else a, x, v), v), rng=key)

    for found, wanted in zip(arrays((u, u_v)), arrays(along(0.0)), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-11, atol=1e-12)
    ahead, behind = along(1e-5)[1], along(-1e-5)[1]
    for found, up, down in zip(arrays(u_vv), arrays(ahead), arrays(behind), strict=True):
        np.testing.assert_allclose(found, (up - down) / 2e-5, rtol=1e-4, atol=2e-4 * (1 + abs(found).max(initial=0)))
    c = random_like((u, u_v, u_vv), numbers)
    grads, (dx, dv) = pullback(c)
    d, dxs = tree_map(lambda p: numbers.normal(size=p.shape), params), (random_like(x, numbers), random_like(v, numbers))
    taken = dot(grads.to_dict(), d.to_dict()) + sum(
        dot(a, b) for a, b, z in zip(arrays((dx, dv)), arrays(dxs), [*arrays(x)] * 2, strict=True) if z.dtype.kind == "f"
    )
    if re.search(LINEAR, row.source):
        with pytest.raises(NotAnalyticError, match="a complex step cannot go through that as well"):
            jvp(net.apply, (params, (x, v)), (d, dxs), rng=key)
        return
    given = dot(c, jvp(net.apply, (params, (x, v)), (d, dxs), rng=key)[1])
    assert abs(given - taken) <= 1e-10 * (abs(given) + abs(taken) + 1)


def test_conv_and_pools_at_kinks() -> None:
    """Linear layers at points of a circle are exact, and pools take pixels by value, ties and all."""
    f: Layer[Array, Array] = serial(Conv(3, (2, 2)), Relu, MaxPool((2, 2), (2, 2)), Tanh, Flatten, Dense(2))
    x = np.random.default_rng(0).normal(size=(2, 5, 5, 1))
    v = np.cos(3 * x)
    _, params = f.init(0, x.shape, dtype=np.float64)
    _, _, u_vv = second_tangent(f).apply(params, (x, v))
    lines = [np.asarray(tangent(f).apply(params, (x + s * v, v))[1]) for s in (1e-6, -1e-6)]
    np.testing.assert_allclose(u_vv, (lines[0] - lines[1]) / 2e-6, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("weight", [1.0, 30.0, 1000.0])
def test_large_weights_cost_nothing(weight: float) -> None:
    """`sin(w x)`: by jets to rounding; and by a circle, whose radius is found, for a layer of ones own."""
    for f, tolerance in ((Sin, 1e-15), (elementwise(np.sin, np.cos), 1e-12)):
        net = second_tangent(serial(Dense(3, bias=False), f))
        w = np.full((3, 3), weight) * np.array([[1.0, 0.5, 0.25]])
        _, u_v, u_vv = net.apply({"dense_0": {"w": w}}, (X, V))
        z, s = X @ w, V @ w
        assert abs(u_v - np.cos(z) * s).max() <= tolerance * abs(s).max() * max(weight, 1)
        assert abs(u_vv + np.sin(z) * s * s).max() <= 4 * tolerance * abs(s * s).max() * max(weight, 1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtypes_are_kept(dtype: Any) -> None:
    """And single precision is as near as it can be."""
    f = serial(Dense(4), LayerNorm(), Gelu, residual(serial(Dense(4), Tanh)), Dense(1))
    _, params = f.init(0, X.shape, dtype=dtype)
    wide = f.init(0, X.shape, dtype=np.float64)[1]
    wide = tree_map(lambda p: p.astype(np.float64), params) if dtype is np.float32 else wide
    found, pullback = vjp(second_tangent(f).apply, params, (X, V))
    wanted = second_tangent(f).apply(wide, (X, V))
    grads, dx = pullback(found)
    assert {a.dtype for a in arrays((found, grads.to_dict(), dx))} == {np.dtype(dtype)}
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3 if dtype is np.float32 else 1e-15)


# laplacian ------------------------------------------------------------------------------------------------------------
def test_a_harmonic_function() -> None:
    """`x^2 - y^2` has none, `x^2 + y^2` has 4, `x y^2` has 2 x."""
    f = serial(Square, Dense(2, bias=False))
    u, lap = laplacian(f).apply({"dense_0": {"w": np.array([[1.0, 1.0], [-1.0, 1.0]])}}, X[:, :2])
    np.testing.assert_allclose(u[:, 1], (X[:, :2] ** 2).sum(1), rtol=1e-15)
    np.testing.assert_array_equal(lap, np.tile([0.0, 4.0], (5, 1)))
    one = {"w": np.array([[1.0], [0.0]])}, {"w": np.array([[0.0], [1.0]])}
    g: Layer[Any, Any] = serial(
        FanOut(2), parallel(Dense(1, bias=False), serial(Dense(1, bias=False), Square)), FanInProduct
    )
    params: Tree = {"parallel_0": {"dense_0": one[0], "serial_0": {"dense_0": one[1]}}}
    np.testing.assert_allclose(laplacian(g).apply(params, X[:, :2])[1], 2 * X[:, :1], rtol=1e-14)


def test_a_laplacian_is_a_sum_of_second_tangents() -> None:
    """Of those along the axes; so are its gradients."""
    f = serial(Dense(5), Tanh, Dense(2))
    _, params = f.init(0, X.shape, dtype=np.float64)
    (u, lap), pullback = vjp(laplacian(f).apply, params, X)
    a, c = np.cos(u), np.sin(u)
    grads, dx = pullback((a, c))
    value, cotangent = 0.0 * u, 0.0 * X
    total = tree_map(lambda p: 0 * p, params)
    for i, e in enumerate(np.eye(3)):
        (_, _, u_vv), back = vjp(second_tangent(f).apply, params, (X, np.tile(e, (5, 1))))
        more, (dxi, _) = back((a if i == 0 else 0 * a, 0 * a, c))
        value, cotangent, total = value + u_vv, cotangent + dxi, tree_map(np.add, total, more)
    np.testing.assert_allclose(lap, value, rtol=1e-13)
    np.testing.assert_allclose(dx, cotangent, rtol=1e-12, atol=1e-15)
    for path in params.paths():
        np.testing.assert_allclose(grads.at(path), total.at(path), rtol=1e-12, atol=1e-15)


def test_hvp_goes_through() -> None:
    """A complex step goes through jets: the Hessian of a physics-informed loss times a vector is its own transpose."""
    f = serial(Dense(4), Tanh, Dense(1))
    _, params = f.init(0, (-1, 2), dtype=np.float64)
    loss, net, x = joint(squared_error, squared_error), laplacian(f), X[:, :2]
    target = (np.ones((5, 1)), np.zeros((5, 1)))
    numbers = np.random.default_rng(0)
    a, b = (tree_map(lambda p: numbers.normal(size=p.shape), params) for _ in range(2))
    ha, hb = (hvp(value_and_grad(loss, net.apply), params, d, x, target) for d in (a, b))
    assert abs(dot(ha.to_dict(), b.to_dict()) - dot(hb.to_dict(), a.to_dict())) < 1e-12 * abs(dot(ha.to_dict(), b.to_dict()))
    up, down = (grad(loss, net.apply)(tree_map(lambda p, d: p + s * d, params, a), x, target) for s in (1e-5, -1e-5))  # noqa: B023
    for path in params.paths():
        np.testing.assert_allclose(ha.at(path), (up.at(path) - down.at(path)) / 2e-5, rtol=1e-6, atol=1e-7)


def test_third_derivatives() -> None:
    """A tangent of a second tangent: `u_vvv` of the sine."""
    _, (_, _, u_vvv) = tangent(second_tangent(Sin)).apply({}, ((X, V), (V, 0 * V)))
    np.testing.assert_allclose(u_vvv, -np.cos(X) * V**3, rtol=1e-13)


# what is refused ------------------------------------------------------------------------------------------------------
def test_they_do_not_nest() -> None:
    """Jets in jets, and complex steps behind jets, by name."""
    for inner, words in (
        (second_tangent(Tanh), "second_tangent is made of derivatives itself, and they do not nest"),
        (tangent(Tanh), "tangent takes a complex step itself, and there is one imaginary unit"),
    ):
        net: Layer[Any, Any] = second_tangent(inner)
        with pytest.raises(NotAnalyticError, match=words):
            net.apply({}, ((X, X), (X, X)))
    forces = laplacian(input_gradient(serial(Dense(3), Tanh, Dense(1))))
    _, params = forces.init(0, X.shape, dtype=np.float64)
    y, pullback = vjp(forces.apply, params, X)  # its value is right
    with pytest.raises(NotAnalyticError, match="input_gradient takes a complex step itself"):
        pullback(y)


def test_a_word_for_it() -> None:
    """Shapes, and layers that lose what is needed, by their path."""
    with pytest.raises(ShapeError, match=re.escape("second_tangent takes (x, v), a direction of the shape of x, (5, 3), got (5, 2)")):  # noqa: E501
        second_tangent(Dense(2)).init(0, ((5, 3), (5, 2)))
    with pytest.raises(ShapeError, match=re.escape("laplacian takes (batch, n), got (5, 4, 3)")):
        laplacian(Dense(2)).init(0, (5, 4, 3))
    lost = Layer.lift(lambda shape: shape, lambda x: (np.abs(x) * x, lambda dy: 2 * np.abs(x) * dy))
    net = second_tangent(serial(Dense(2), lost))
    _, params = net.init(0, (X.shape, X.shape), dtype=np.float64)
    with pytest.raises(NotAnalyticError, match="layer_0 in serial: .*loses the imaginary part of its input"):
        net.apply(params, (X, V))


def test_a_series_that_does_not_converge() -> None:
    """What loses imaginary parts is found by the circle too."""
    definition = Layer.lift(lambda shape: shape, lambda x: (np.abs(x) * x, lambda dy: dy)).definition
    jets = mapped(lambda a: Jet(a, np.ones_like(a), np.zeros_like(a)), X)
    with pytest.raises(NotAnalyticError, match="the Taylor series of this layer does not converge"):
        circles.value(definition, {}, jets, ())


def test_not_a_number_stays_one() -> None:
    """In the row it came in."""
    x = X.copy()
    x[1, 0] = np.nan
    assert all(np.isnan(a[1, 0]) for a in second_tangent(Tanh).apply({}, (x, V)))
    y: Any = circles.value(Sin.definition, {}, Jet(x, V, 0 * V), ())
    assert all(np.isnan(a[1, 0]) for a in y.series)


def test_the_others_stay_numbers() -> None:
    """Rows beside it are what they are without it, and an overflow far out is none at the point."""
    x = X.copy()
    x[1, 0] = np.nan
    functions: tuple[Any, ...] = (np.sin, lambda z: np.exp(200 * z))
    for f in functions:
        definition = Layer.lift(lambda shape: shape, lambda z: (f(z), lambda dy: dy)).definition  # noqa: B023
        some: Any = circles.value(definition, {}, Jet(x, V, 0 * V), ())
        every: Any = circles.value(definition, {}, Jet(X, V, 0 * V), ())
        for a, b in zip(some.series, every.series, strict=True):
            np.testing.assert_array_equal(np.isnan(a), np.isnan(x))
            np.testing.assert_array_equal(a[~np.isnan(x)], b[~np.isnan(x)])
