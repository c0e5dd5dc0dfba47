"""Layers and losses that Autograd derives are as good as written ones."""

from __future__ import annotations

import pickle
from typing import Any

import autograd.numpy as anp
import numpy as np
import pytest

import funcnn
from funcnn import (
    Array,
    Dense,
    Key,
    Layer,
    ShapeError,
    Tree,
    adam,
    fit,
    hvp,
    input_gradient,
    laplacian,
    second_tangent,
    squared_error,
    tangent,
    value_and_grad,
    vjp,
)
from funcnn.bridges.autograd import derive
from funcnn.testing import Case, holds, loss_laws, shapes
from funcnn.testing.nested import leaves as leaves_of
from tests.bridges.autograd_layers import (
    Averaged,
    Derived,
    plain_layer,
    pseudo_huber,
    spec_of_dense,
    tanh_of_dense,
    worst,
)
from tests.bridges.plain_layers import PLAIN, Plain, dense
from tests.evaluated import public_names


# beside written pullbacks ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("plain", PLAIN, ids=lambda plain: plain.source)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_derived_pullbacks_are_the_written_ones(plain: Plain, dtype: str) -> None:
    """Value and every gradient of each analytic layer, to 1e-12 in float64, to 1e-5 in float32."""
    ours: Layer[Any, Any] = eval(plain.source, public_names())
    its = ours.definition
    derived: Layer[Any, Any] = Layer.of(its.out_shape, its.spec, derive(plain.f), takes=its.takes)
    case = Case(ours, plain.shape, dtype=dtype, seed=3, tokens=plain.tokens or 5)
    (y, back), (z, back_too) = case.pull(), vjp(derived.apply, case.params, case.x)
    dy = case.cotangent(y)
    dparams, dx = back_too(dy)
    written, found = dict(leaves_of((y, back(dy)))), dict(leaves_of((z, {"params": dparams.to_dict(), "x": dx})))
    assert found.keys() == written.keys()
    for path, wanted in written.items():
        near = 1e-12 if dtype == "float64" else 1e-5
        np.testing.assert_allclose(found[path], wanted, rtol=near, atol=near, err_msg=str(path), strict=True)


@pytest.mark.law
def test_a_derived_layer_keeps_every_law() -> None:
    """Those for analytic layers among them: complex numbers go through Autograd."""
    holds(Derived(3), shapes("B", ..., "D"), kinks=False, analytic=True, examples=10)


@pytest.mark.law
def test_tuples_keep_every_law() -> None:
    """Nested in the output, tokens among them."""
    holds(Averaged(), (("B", "T"), ("B", "T")), kinks=False, analytic=True, examples=10)


@pytest.mark.law
def test_nested_params_keep_every_law() -> None:
    """A perceptron, in series with ours."""
    hidden = (dense, lambda s: {"one": spec_of_dense(s, 3), "two": spec_of_dense((3,), 2)})

    def value(p: Any, x: Any) -> Any:
        return dense(p["two"], anp.tanh(hidden[0](p["one"], x)))

    holds(plain_layer(value, lambda s: (*s[:-1], 2), hidden[1]) >> Dense(2), shapes("B", "D"), kinks=False, examples=10)


TestPseudoHuber = loss_laws(pseudo_huber, shapes("B", "D"), target="like")


# values ---------------------------------------------------------------------------------------------------------------
def test_a_derived_layer_is_data() -> None:
    """It prints, compares and pickles by its constructor; its rule by the function."""
    assert repr(Derived(3) >> Derived(2)) == "serial(Derived(3), Derived(2))"
    assert pickle.loads(pickle.dumps(Derived(3))) == Derived(3) != Derived(2)
    rule: Any = derive(tanh_of_dense)
    assert repr(rule) == "derive(tanh_of_dense)" and rule == derive(tanh_of_dense) != derive(dense)
    assert hash(rule) == hash(derive(tanh_of_dense)) and pickle.loads(pickle.dumps(rule)) == rule
    with pytest.raises(AttributeError, match="never changes"):
        rule.f = dense


def test_a_derived_loss_is_a_loss() -> None:
    """Weights, reductions, options, pickles; the derivative of `e^2 / 2` near 0 is `e`."""
    y, t = np.array([0.0, 3.0]), np.zeros(2)
    assert pseudo_huber(y, t, width=4.0, weights=np.array([0.0, 1.0])) == 4.0
    assert pseudo_huber.bind(width=4.0, reduce="sum")(y, t) == 4.0
    assert repr(pseudo_huber.bind(width=4.0)) == "pseudo_huber.bind(width=4.0)"
    assert pickle.loads(pickle.dumps(pseudo_huber)) == pseudo_huber
    assert vjp(pseudo_huber, y, t, width=4.0, reduce="sum")[1](1.0)[0].tolist() == [0.0, 2.4000000000000004]
    assert pseudo_huber.__doc__ == "`w^2 (sqrt(1 + (e / w)^2) - 1)`."


def test_a_loss_of_one_number_takes_no_weights() -> None:
    """Its value is that number, for nothing is left to average."""
    y, t = np.array([3.0, 4.0]), np.zeros(2)
    assert worst(y, t) == 5.0
    assert vjp(worst, y, t)[1](1.0)[0] == pytest.approx([0.6, 0.8])
    with pytest.raises(ShapeError, match="weights"):
        worst(y, t, weights=np.ones(2))


def test_a_derived_layer_trains() -> None:
    """With ours behind, by a derived loss."""
    x = np.random.default_rng(0).normal(size=(64, 3)).astype(np.float32)
    y = np.sin(x.sum(1, keepdims=True))
    net = Derived(16) >> Dense(1)
    _, params = net.init(0, (-1, 3))
    *_, (last, _) = fit(pseudo_huber, net.apply, adam(1e-2), params, (x, y), epochs=60, batch_size=16, rng=0)
    assert squared_error(net.apply(last.params, x), y) < 0.1 * squared_error(net.apply(params, x), y)


def test_second_derivatives_are_those_of_ours() -> None:
    """By complex numbers through Autograd's tape."""
    ours, x = Dense(3) >> funcnn.Tanh, np.random.default_rng(1).normal(size=(4, 2))
    _, params = Derived(3).init(1, (-1, 2), dtype=np.float64)
    target = np.ones((4, 3))
    found = hvp(value_and_grad(squared_error, Derived(3).apply), params, params, x, target)
    wanted = hvp(
        value_and_grad(squared_error, ours.apply), {"dense_0": params}, {"dense_0": params}, x, target
    )
    for name in ("w", "b"):
        np.testing.assert_allclose(found.at(name), wanted.at(f"dense_0/{name}"), rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_layers_of_derivatives_hold_derived_ones(dtype: Any) -> None:
    """Of the sum of cubes, in both dtypes: what derivatives look at in wider numbers is no leak."""

    def cubed(params: Tree, x: Array) -> Array:
        y: Array = anp.sum(x**3, 1, keepdims=True)
        return y

    cubes: Layer[Array, Array] = Layer.of(lambda shape: (shape[0], 1), lambda shape: {}, derive(cubed))
    x = np.arange(1, 7).reshape(2, 3).astype(dtype)
    for found, wanted in (
        (laplacian(cubes).apply({}, x)[1], (6 * x).sum(1, keepdims=True)),
        (input_gradient(cubes).apply({}, x), 3 * x**2),
        (second_tangent(cubes).apply({}, (x, x))[2], (6 * x**3).sum(1, keepdims=True)),
        (tangent(cubes).apply({}, (x, x))[1], (3 * x**3).sum(1, keepdims=True)),
    ):
        assert found.dtype == dtype
        np.testing.assert_allclose(found, wanted, rtol=1e-5 if dtype is np.float32 else 1e-12)


def test_the_key_is_handed_on() -> None:
    """A third parameter named rng makes the layer random: None at inference, a key in training."""

    def noisy(params: Tree, x: Array, rng: Key | None) -> Array:
        return x if rng is None else x * rng.generator().normal(size=x.shape)

    net = Layer.of(lambda s: s, lambda s: {}, derive(noisy))
    x = np.ones((2, 3))
    assert net.apply({}, x).tolist() == x.tolist()
    y, back = vjp(net.apply, {}, x, rng=1)
    assert back(x)[1].tolist() == y.tolist() != vjp(net.apply, {}, x, rng=2)[0].tolist()


@pytest.mark.parametrize(("prediction", "target", "said"), [
    ((4, 1), (4,), r"the terms must have the leading axes of the prediction, \(4, 1\).*got \(4, 4\)"),
    ((4,), (4, 1), "the target must have the same shape"),
    ((4, 3), (4, 1), "the target must have the same shape"),
    ((4, 3), (1, 3), "the target must have the same shape"),
    ((3, 3), (2,), "the target must have as many rows"),
])  # fmt: skip
def test_a_loss_broadcasts_nothing(prediction: tuple[int, ...], target: tuple[int, ...], said: str) -> None:
    """Where Autograd would, and give a number that means nothing."""
    with pytest.raises(ShapeError, match=said):
        pseudo_huber(np.zeros(prediction), np.zeros(target))
