"""The bridge to Autograd: derived pullbacks beside written ones, under the laws, and what strangers do to it."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import autograd.numpy as anp
import numpy as np
import pytest

import funcnn
from funcnn import (
    Array,
    Dense,
    DTypeError,
    Key,
    Layer,
    Params,
    ParamsError,
    Shape,
    ShapeError,
    Spec,
    Tokens,
    Tree,
    adam,
    fit,
    hvp,
    input_gradient,
    laplacian,
    layer,
    second_tangent,
    squared_error,
    tangent,
    value_and_grad,
    vjp,
)
from funcnn.authoring import axes, branches, display, leaves, same, tokens
from funcnn.bridges.autograd import derive, derive_loss
from funcnn.initializers import glorot_normal, zeros
from funcnn.testing import Case, holds, loss_laws, shapes
from funcnn.testing.nested import leaves as leaves_of
from tests.bridges.plain_layers import PLAIN, Plain, dense, layer_norm


def tanh_of_dense(params: Tree, x: Array) -> Array:
    """Typed, as people may write it."""
    w, b = leaves(params, "w", "b")
    return anp.tanh(x @ w + b)


def widened(shape: Shape, units: int) -> Shape:
    """The shape rule of Dense."""
    return (*shape[:-1], units)


def spec_of_dense(shape: Shape, units: int) -> Spec:
    """The spec of Dense."""
    return {"w": (glorot_normal, (int(shape[-1]), units)), "b": (zeros, (units,))}  # type: ignore[arg-type]


@layer
def Derived(units: int) -> Layer[Array, Array]:
    """A layer of somebody's own, in a line."""
    return Layer.of(lambda s: widened(s, units), lambda s: spec_of_dense(s, units), derive(tanh_of_dense))


@layer
def Averaged() -> Layer[tuple[Array, Tokens], tuple[Array, tuple[Array, Tokens]]]:
    """Tuples in and out, one of them nested, tokens that pass through."""

    def out_shape(shape: Shape) -> Shape:
        a, b = (axes("Averaged", s, exactly=2) for s in branches("Averaged", shape, 2))
        if not (same(a[0], b[0]) and same(a[1], b[1])):
            raise ShapeError(f"Averaged takes tokens like the features, got {display(shape)}")
        return a, (a, b)

    def value(params: Tree, x: tuple[Array, Tokens]) -> tuple[Array, tuple[Array, Tokens]]:
        features, ids = x
        (w,) = leaves(params, "w")
        return features * w[ids], (anp.sin(features), ids)

    return Layer.of(
        out_shape, lambda s: {"w": (glorot_normal, (5,))}, derive(value),
        takes=lambda out: {0: "features", 1: "tokens"},
    )  # fmt: skip


@derive_loss
def pseudo_huber(prediction: Array, target: Array, *, width: float = 1.0) -> Array:
    """`w^2 (sqrt(1 + (e / w)^2) - 1)`."""
    return width**2 * (anp.sqrt(1 + ((prediction - target) / width) ** 2) - 1)


@derive_loss
def worst(prediction: Array, target: Array) -> object:
    """One number for all: nothing to weigh."""
    return anp.sum((prediction - target) ** 2) ** 0.5


def plain_layer(f: Any, out_shape: Any = lambda s: s, spec: Any = lambda s: {}) -> Layer[Any, Any]:
    """A layer of a function that is not typed."""
    return Layer.of(out_shape, spec, derive(f))


# beside written pullbacks ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("plain", PLAIN, ids=lambda plain: plain.source)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_derived_pullbacks_are_the_written_ones(plain: Plain, dtype: str) -> None:
    """Value and every gradient of each analytic layer, to 1e-12 in float64, to 1e-5 in float32."""
    ours: Layer[Any, Any] = eval(plain.source, vars(funcnn))
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


# what strangers do ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("returned", "got"), [
    (lambda p, x: 0.5, "returned a float"),
    (lambda p, x: [x, x], "returned a list"),
    (lambda p, x: (x, None), "returned a NoneType"),
    (lambda p, x: {"y": x}, "returned a dict"),
    (lambda p, x: (), "returned a tuple"),
    (lambda p, x: np.ma.masked_array(np.ones((2, 3))), "returned a MaskedArray"),
])  # fmt: skip
def test_other_results_are_named(returned: Any, got: str) -> None:
    """With the name of the function, and what it must return."""
    returned.__name__ = "mine"
    wanted = f"^mine {got}; it must return arrays of autograd.numpy, or a tuple of them$"
    with pytest.raises(DTypeError, match=wanted):
        plain_layer(returned).apply({}, np.ones((2, 3)))


def test_a_shape_that_the_rule_does_not_promise_is_refused() -> None:
    """As of every layer of people's own."""
    with pytest.raises(ShapeError, match=r"returned float64 of shape \(2,\), but its shape rule says \(2, 3\)"):
        plain_layer(lambda p, x: anp.sum(x, axis=1)).apply({}, np.ones((2, 3)))


def test_params_of_another_dtype_are_refused_and_wide_numbers_too() -> None:
    """At the door, and where NumPy's own numbers make float64 of float32."""
    _, params = Derived(3).init(0, (-1, 2))
    with pytest.raises(ParamsError, match="float64"):
        Derived(3).apply({**params, "b": np.zeros(3)}, np.ones((1, 2)))
    with pytest.raises(ParamsError, match="float64"):
        plain_layer(lambda p, x: x * np.sqrt(2.0)).apply({}, np.ones((1, 2), np.float32))


def test_an_error_inside_says_where() -> None:
    """It stays what it is, with a note."""
    with pytest.raises(ValueError) as caught:
        plain_layer(dense, lambda s: (*s[:-1], 3), lambda s: {"w": (zeros, (4, 3)), "b": (zeros, (3,))}).apply(
            {"w": np.zeros((4, 3)), "b": np.zeros(3)}, np.ones((2, 5))
        )
    assert "in dense, a function of arrays of autograd.numpy" in caught.value.__notes__


def test_no_function_is_no_rule() -> None:
    """Said where it is given."""
    with pytest.raises(TypeError, match="derive takes a function of params and input, got 3"):
        derive(3)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match=r"a rule takes \(params, x\) or \(params, x, rng\), got \(x\)"):
        plain_layer(lambda x: x)


def test_what_does_not_depend_has_no_gradient() -> None:
    """Of the params, of the input, of both."""
    _, params = Derived(2).init(0, (-1, 2), dtype=np.float64)
    x = np.ones((3, 2))
    for f in (lambda p, x: p["w"][:1] * 0 + anp.ones((3, 1)), lambda p, x: x * 1.0, lambda p, x: np.ones((3, 2))):
        net = plain_layer(f, lambda s: (3, 2), lambda s: spec_of_dense(s, 2))
        y, back = vjp(net.apply, params, x)
        dparams, dx = back(np.ones_like(y))
        assert dparams.paths() == params.paths() and dparams.at("b").tolist() == [0.0, 0.0] and dx.shape == x.shape


def test_tokens_alone_make_a_layer() -> None:
    """No floating-point input and no params: nothing to derive by, and nothing goes wrong."""

    def cosines(params: Tree, x: Tokens) -> Array:
        return np.cos(x.astype(np.float32))

    net = Layer.of(lambda s: s, lambda s: {}, derive(cosines), takes=tokens)
    y, back = vjp(net.apply, {}, np.array([[1, 2]]))
    assert y.dtype == np.float32 and back(np.ones_like(y))[1].tolist() == [[0.0, 0.0]]


def test_zero_rows() -> None:
    """An empty batch comes out as one, with gradients that are zero."""
    _, params = Derived(2).init(0, (-1, 3))
    y, back = vjp(Derived(2).apply, params, np.zeros((0, 3), np.float32))
    assert y.shape == (0, 2) and not back(y)[0].at("w").any()


def test_nobody_writes_into_params_or_tokens() -> None:
    """Autograd's boxes refuse assignment, and what is no box is read-only."""

    def writes(p: Any, x: Any) -> Any:
        x[0][...] = 0
        return x[1]

    takes = {0: "tokens", 1: "features"}
    net = Layer.of(lambda s: branches("", s)[1], lambda s: {}, derive(writes), takes=lambda out: takes)
    ids = np.array([[1, 2]])
    with pytest.raises(ValueError, match="read-only"):
        net.apply({}, (ids, np.ones((1, 2))))
    assert ids.tolist() == [[1, 2]]


def test_a_rule_decorates_and_partials_have_no_name() -> None:
    """Both are callables that pickles and messages can do with."""
    assert pickle.loads(pickle.dumps(decorated)) is decorated
    import functools

    assert "partial" in repr(derive(functools.partial(dense)))


@derive
def decorated(params: Tree, x: Array) -> Array:
    """A rule under its own name."""
    return x * 2


def test_threads_derive_side_by_side() -> None:
    """Functions that differentiate inside, in eight threads: each gets its own second derivative."""
    from autograd import elementwise_grad  # type: ignore[attr-defined]

    net = plain_layer(lambda p, x: elementwise_grad(lambda z: anp.sin(z) ** 3)(x))

    def one(seed: int) -> float:
        x = np.random.default_rng(seed).normal(size=(5, 4))
        y, back = vjp(net.apply, {}, x)
        s, c = np.sin(x), np.cos(x)
        return float(abs(y - 3 * s * s * c).max() + abs(back(np.ones_like(y))[1] - (6 * s * c * c - 3 * s**3)).max())

    with ThreadPoolExecutor(8) as pool:
        assert max(pool.map(one, range(200))) < 1e-12


def test_gradients_are_params_like_and_read_only() -> None:
    """What comes out is what `vjp` hands out of every layer."""
    _, params = Derived(2).init(0, (-1, 3))
    y, back = vjp(Derived(2).apply, params, np.ones((1, 3), np.float32))
    dparams, dx = back(np.ones_like(y))
    assert isinstance(params, Params) and not dparams.at("w").flags.writeable and not dx.flags.writeable
    with pytest.raises(ShapeError, match="cotangent"):
        back(np.ones((1, 3)))


def test_normalization_is_scale_invariant_when_derived() -> None:
    """A law that is asked for by name."""
    net = plain_layer(layer_norm, spec=lambda s: {"scale": (glorot_normal, s[-1:]), "offset": (zeros, s[-1:])})
    holds(net, shapes("B", "D"), also=["shift_invariant"], only=["true_pullback", "shift_invariant"], examples=10)
