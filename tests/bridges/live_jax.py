"""The bridge to JAX. Needs it: `python -m tests.bridges jax`."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from funcnn import (
    Array,
    Dense,
    Dropout,
    DTypeError,
    Embedding,
    FanOut,
    Key,
    Layer,
    MeanOver,
    NotAnalyticError,
    ParamsError,
    Relu,
    Shape,
    ShapeError,
    Spec,
    Tanh,
    adam,
    apply_updates,
    hvp,
    layer,
    serial,
    squared_error,
    value_and_grad,
    vjp,
)
from funcnn.authoring import axes, tokens
from funcnn.bridges.jax import derive, derive_loss, from_jax, to_jax
from funcnn.initializers import glorot_normal, zeros
from funcnn.testing import Case, LawBroken, holds, loss_laws, shapes
from funcnn.testing.nested import leaves as leaves_of
from tests.docs.pages import ROOT, blocks

RANDOM: Final = np.random.default_rng(0)


def drawn(*shape: int) -> Any:
    """Numbers of the size of weights."""
    return RANDOM.normal(size=shape).astype(np.float32) / 2


# five functions, the forms of params that people have ----------------------------------------------------------------
def perceptron(params: Any, x: Any) -> Any:
    """A list of pairs, as in JAX's own first example."""
    for w, b in params[:-1]:
        x = jnp.tanh(x @ w + b)
    return x @ params[-1][0] + params[-1][1]


def convolution(params: Any, x: Any) -> Any:
    """NHWC, strides 2, then a mean over pixels."""
    y = jax.lax.conv_general_dilated(x, params["w"], (2, 2), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
    return jax.nn.softplus(y + params["b"]).mean((1, 2))


class Norm(NamedTuple):
    """Params as a named tuple."""

    scale: Any
    offset: Any


def normalized(params: Norm, x: Any) -> Any:
    """Layer normalization."""
    h = (x - x.mean(-1, keepdims=True)) / jnp.sqrt(x.var(-1, keepdims=True) + 1e-5)
    return h * params.scale + params.offset


def attention(params: Any, x: Any) -> Any:
    """One head, from a sequence to itself."""
    q, k, v = (x @ params[name] for name in ("q", "k", "v"))
    return jax.nn.softmax(jnp.einsum("nqd,nkd->nqk", q, k) / 2.0) @ v


def recurrent(params: Any, x: Any) -> Any:
    """A tanh cell by `lax.scan`; every state comes out."""

    def step(s: Any, x: Any) -> Any:
        s = jnp.tanh(x @ params["cell"]["w"] + s @ params["cell"]["u"])
        return s, s

    start = jnp.zeros((x.shape[0], params["cell"]["u"].shape[0]), x.dtype)
    return jnp.swapaxes(jax.lax.scan(step, start, jnp.swapaxes(x, 0, 1))[1], 0, 1)


FIVE: Final = {
    "perceptron": (perceptron, [(drawn(3, 4), drawn(4)), (drawn(4, 2), drawn(2))], (4, 3)),
    "convolution": (convolution, {"w": drawn(3, 3, 2, 3), "b": drawn(3)}, (2, 5, 4, 2)),
    "normalized": (normalized, Norm(drawn(4), drawn(4)), (2, 3, 4)),
    "attention": (attention, {name: drawn(3, 4) for name in "qkv"}, (2, 5, 3)),
    "recurrent": (recurrent, {"cell": {"w": drawn(2, 3), "u": drawn(3, 3)}}, (2, 4, 2)),
}
ANALYTIC: Final = ("perceptron", "attention", "recurrent")
"""JAX's softplus and variance take absolute values of complex numbers: the others have no second derivative here."""


wrong_sine: Final[Any] = jax.custom_vjp(lambda x: jnp.sin(x))
"""A sine whose own backward says cosine over two."""

wrong_sine.defvjp(lambda x: (jnp.sin(x), x), lambda x, dy: (dy * jnp.cos(x) / 2,))


def wrongly_activated(params: Any, x: Any) -> Any:
    """It stands in the middle of what is right."""
    return wrong_sine(x @ params["w"]) * 2.0


@pytest.mark.law
@pytest.mark.parametrize("name", FIVE)
def test_five_functions_keep_the_laws(name: str) -> None:
    """In both dtypes, and on complex numbers where JAX's own functions take them."""
    f, params, shape = FIVE[name]
    net, _ = from_jax(f, params)
    holds(net, shape, kinks=False, analytic=name in ANALYTIC, examples=2)


@pytest.mark.law
def test_a_wrong_backward_is_convicted_by_name() -> None:
    """The message names the law, the function and the leaf."""
    net, _ = from_jax(wrongly_activated, {"w": drawn(3, 2)})
    with pytest.raises(LawBroken, match="true_pullback") as caught:
        holds(net, (4, 3), only=["true_pullback"], examples=3)
    assert "JaxFunction(wrongly_activated" in str(caught.value)


@pytest.mark.parametrize("name", FIVE)
def test_gradients_are_jaxs(name: str) -> None:
    """What `jax.grad` gives, to the last bits, under the names of the paths; the key of `init` changes nothing."""
    f, params, shape = FIVE[name]
    net, ours = from_jax(f, params)
    assert net.init(1, shape)[1] == ours
    case = Case(net, shape, dtype="float32")
    y, back = vjp(net.apply, ours, case.x)
    dparams, dx = back(np.ones_like(y))
    wanted, wanted_x = jax.grad(lambda p, x: f(p, x).sum(), argnums=(0, 1))(params, jnp.asarray(case.x))
    for path, g in jax.tree_util.tree_flatten_with_path(wanted)[0]:
        name = "/".join(str(getattr(step, "key", getattr(step, "idx", getattr(step, "name", "")))) for step in path)
        np.testing.assert_allclose(dparams.at(name), g, atol=1e-5)
    np.testing.assert_allclose(dx, wanted_x, atol=1e-5)


def test_names_are_paths() -> None:
    """Of lists, dicts, named tuples, and of one array alone."""
    assert from_jax(perceptron, FIVE["perceptron"][1])[1].paths() == ("0/0", "0/1", "1/0", "1/1")
    assert from_jax(normalized, Norm(drawn(4), drawn(4)))[1].paths() == ("offset", "scale")
    assert from_jax(lambda w, x: x * w, drawn(3))[1].paths() == ("params",)
    assert from_jax(lambda p, x: x, {"a/~/b": {"w": drawn(3)}})[1].paths() == ("a/~/b/w",)


def test_shapes_are_known_as_far_as_they_can_be() -> None:
    """A batch that is not known stays so; a size that the params fix is known."""
    assert from_jax(*FIVE["perceptron"][:2])[0].out_shape((-1, 3)) == (-1, 2)
    assert from_jax(*FIVE["perceptron"][:2])[0].out_shape((5, -1)) == (5, 2)
    assert from_jax(*FIVE["convolution"][:2])[0].out_shape((-1, -1, 4, 2)) == (-1, 3)
    assert from_jax(*FIVE["recurrent"][:2])[0].out_shape((-1, -1, 2)) == (-1, -1, 3)
    with pytest.raises(ShapeError, match=r"perceptron does not take \(2, 4\): .*"):
        from_jax(*FIVE["perceptron"][:2])[0].out_shape((2, 4))


def test_a_wrapped_function_is_data_and_composes() -> None:
    """It prints, pickles, compares and stands in series with ours."""
    net, params = from_jax(*FIVE["perceptron"][:2])
    assert repr(net).startswith("JaxFunction(perceptron, Params(4 leaves")
    assert pickle.loads(pickle.dumps(net)) == net == from_jax(perceptron, FIVE["perceptron"][1])[0]
    both = net >> Dense(1)
    _, started = both.init(0, (-1, 3))
    assert started.sub("jax_function_0") == params
    x, y = np.ones((8, 3), np.float32), np.zeros((8, 1), np.float32)
    objective, optimizer = value_and_grad(squared_error, both.apply), adam(1e-2)
    state = optimizer.init(started)
    for _ in range(60):
        value, grads = objective(started, x, y)
        updates, state = optimizer.update(grads, state, started)
        started = apply_updates(started, updates)
    assert value < 0.01


# derived rules --------------------------------------------------------------------------------------------------------
def dense(params: Any, x: Any) -> Any:
    """With a bias."""
    return jnp.tanh(x @ params["w"] + params["b"])


@layer
def Derived(units: int) -> Layer[Array, Array]:
    """A layer of somebody's own."""
    def spec(shape: Shape) -> Spec:
        return {"w": (glorot_normal, (*axes("Derived", shape)[-1:], units)), "b": (zeros, (units,))}

    return Layer.of(lambda s: (*s[:-1], units), spec, derive(dense))


@derive_loss
def log_cosh(prediction: Any, target: Any, *, width: float = 1.0) -> Any:
    """`log cosh((y - t) / w)`."""
    e = (prediction - target) / width
    return jnp.logaddexp(e, -e) - np.log(2.0).astype(e.dtype)


TestLogCosh = loss_laws(log_cosh, shapes("B", "D"), target="like", examples=3)


def test_derived_is_written() -> None:
    """Beside Dense and Tanh of ours, in float64 to 1e-12, under whatever configuration."""
    ours = serial(Dense(3), Tanh)
    case = Case(ours, (4, 2), seed=1)
    y, back = case.pull()
    z, back_too = vjp(Derived(3).apply, case.params.sub("dense_0"), case.x)
    dy = case.cotangent(y)
    np.testing.assert_allclose(z, y, rtol=1e-12, strict=True)
    for name, g in back_too(dy)[0].to_dict().items():
        np.testing.assert_allclose(g, back(dy)["params"]["dense_0"][name], rtol=1e-12, strict=True)
    assert jnp.ones(1).dtype == jnp.float32


def test_second_derivatives_go_through() -> None:
    """hvp by complex numbers through `jax.vjp`, as of our own layer."""
    ours = serial(Dense(3), Tanh)
    _, params = ours.init(0, (-1, 2), dtype=np.float64)
    x, y = np.random.default_rng(0).normal(size=(4, 2)), np.ones((4, 3))
    inner = params.sub("dense_0")
    wanted = hvp(value_and_grad(squared_error, ours.apply), params, params, x, y).sub("dense_0")
    found = hvp(value_and_grad(squared_error, Derived(3).apply), inner, inner, x, y)
    for name in ("w", "b"):
        np.testing.assert_allclose(found.at(name), wanted.at(name), rtol=1e-12)


def test_tuples_tokens_masks_and_keys() -> None:
    """Nested tuples out, integers and booleans that pass through, keys of JAX's."""

    def value(params: Any, x: Any, rng: Any) -> Any:
        features, (ids, mask) = x
        noise = 0.0 if rng is None else jax.random.normal(rng, features.shape, features.dtype)
        return jnp.where(mask, features, 0) * params["w"][ids] + noise, (ids, mask)

    net: Layer[Any, Any] = Layer.of(
        lambda s: (s[0], s[1]), lambda s: {"w": (glorot_normal, (5,))}, derive(value),
        takes=lambda out: {0: "features", 1: {0: "tokens", 1: "mask"}},
    )  # fmt: skip
    x = (np.ones((2, 3)), (np.array([[0, 1, 4], [2, 2, 2]]), np.array([[True, False, True]] * 2)))
    _, params = net.init(0, ((2, 3), ((2, 3), (2, 3))), dtype=np.float64)
    (y, (ids, mask)), back = vjp(net.apply, params, x)
    assert y.dtype == np.float64 and ids.tolist() == x[1][0].tolist() and mask.dtype == np.bool_
    dparams, (dx, (dids, _)) = back((np.ones_like(y), (ids, mask)))
    np.testing.assert_allclose(dparams.at("w"), [1, 0, 2, 0, 1])
    assert dids.tolist() == np.zeros((2, 3)).tolist() and dx.shape == (2, 3)
    first, again, other = (net.apply(params, x, rng=Key(seed))[0] for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_tokens_too_large_for_32_bits() -> None:
    """JAX alone would wrap them around without a word."""
    net = Layer.of(lambda s: s, lambda s: {}, derive(lambda p, x: (x % 7).astype(jnp.float32)), takes=tokens)
    assert net.apply({}, np.array([[2**40 + 1]])).tolist() == [[(2**40 + 1) % 7]]


def test_it_is_compiled_once_for_each_shape() -> None:
    """Python runs the function when a shape or a dtype is new, and not again."""
    seen: list[Any] = []

    def value(params: Any, x: Any) -> Any:
        seen.append(x.shape)
        return x * 2

    net = Layer.of(lambda s: s, lambda s: {}, derive(value))
    for rows in (2, 3, 2, 3, 2):
        y, back = vjp(net.apply, {}, np.ones((rows, 2), np.float32))
        back(y)
    assert len(seen) <= 4  # the door looks for wide numbers once more


@pytest.mark.parametrize("switched", [False, True])
def test_the_users_configuration_stays(switched: bool) -> None:
    """float32 stays float32 where 64 bits are on, float64 stays float64 where they are off."""
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", switched)
    try:
        net = Layer.of(lambda s: s, lambda s: {}, derive(lambda p, x: x * jnp.linspace(0.0, 1.0, 3)))
        for dtype in (np.float32, np.float64):
            y, back = vjp(net.apply, {}, np.ones((2, 3), dtype))
            assert y.dtype == back(y)[1].dtype == dtype
        assert jax.config.jax_enable_x64 is switched
    finally:
        jax.config.update("jax_enable_x64", before)


def test_what_strangers_do() -> None:
    """Python floats, lists, decisions by value, wrong params, kinks on complex numbers: each is named."""
    with pytest.raises(DTypeError, match=r"<lambda> returned a float; it must return arrays of jax.numpy"):
        Layer.of(lambda s: s, lambda s: {}, derive(lambda p, x: 0.5)).apply({}, np.ones((1, 2)))
    with pytest.raises(DTypeError, match="returned a NumPy array"):
        Layer.of(lambda s: s, lambda s: {}, derive(lambda p, x: np.ones((1, 2)))).apply({}, np.ones((1, 2)))
    with pytest.raises(jax.errors.TracerBoolConversionError) as caught:
        Layer.of(lambda s: s, lambda s: {}, derive(lambda p, x: x if x.sum() > 0 else -x)).apply({}, np.ones((1, 2)))
    assert "a function of arrays of jax.numpy" in str(caught.value.__notes__)
    with pytest.raises(ShapeError, match="its shape rule says"):
        Layer.of(lambda s: s, lambda s: {}, derive(lambda p, x: x.sum(1))).apply({}, np.ones((1, 2)))
    with pytest.raises(DTypeError, match="0 is int32; params are arrays of float32 or float64"):
        from_jax(lambda p, x: x, [jnp.ones(2, int)])
    with pytest.raises(DTypeError, match="b is bfloat16"):
        from_jax(lambda p, x: x, {"b": jnp.ones(2, jnp.bfloat16)})
    with pytest.raises(DTypeError, match="a is a float"):
        from_jax(lambda p, x: x, {"a": 0.5})
    with pytest.raises(ParamsError):
        from_jax(*FIVE["perceptron"][:2])[0].apply({"0": {"0": drawn(3, 4)}}, np.ones((1, 3)))
    with pytest.raises(TypeError, match="takes a function"):
        derive(3)  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match="the target must have the same shape"):
        log_cosh(np.zeros((4,)), np.zeros((4, 1)))


def test_zero_rows_and_threads() -> None:
    """An empty batch; eight threads with their own numbers."""
    _, params = Derived(2).init(0, (-1, 3))
    y, back = vjp(Derived(2).apply, params, np.zeros((0, 3), np.float32))
    assert y.shape == (0, 2) and not back(y)[0].at("w").any()

    def one(i: int) -> Any:
        return Derived(2).apply(params, np.full((4, 3), i, np.float32))

    with ThreadPoolExecutor(8) as pool:
        for i, found in enumerate(pool.map(one, range(40))):
            np.testing.assert_array_equal(found, one(i))


# the other way --------------------------------------------------------------------------------------------------------
net: Final = serial(Dense(4), Tanh, Dropout(0.5), Dense(2))
_, PARAMS = net.init(0, (-1, 3))
X: Final = np.random.default_rng(2).normal(size=(5, 3)).astype(np.float32)


def test_to_jax_gives_our_gradients() -> None:
    """Under grad and jit, by params and input; in a training pass by the seed."""
    f, target = to_jax(net), np.zeros((5, 2), np.float32)

    def lost(p: Any, x: Any, rng: Any) -> Any:
        return ((f(p, x, rng) - target) ** 2).mean()

    for rng in (None, 3):
        value, wanted = value_and_grad(squared_error, net.apply)(PARAMS, X, target, rng=rng)
        found, (grads, dx) = jax.jit(jax.value_and_grad(lost, argnums=(0, 1)))(PARAMS.to_dict(), X, rng)
        assert float(found) == pytest.approx(value, rel=1e-6) and dx.shape == X.shape
        for path, g in leaves_of(grads):
            np.testing.assert_allclose(g, wanted.at(path), rtol=1e-5, atol=1e-7)


def test_to_jax_in_64_bits_and_mapped() -> None:
    """JAX's own check of gradients; vmap, of the gradient too; keys of JAX's."""
    from jax.test_util import check_grads

    f = to_jax(net)
    with jax.enable_x64(True):
        _, wide = net.init(0, (-1, 3), dtype=np.float64)
        check_grads(f, (wide.to_dict(), X.astype(np.float64)), order=1, modes=["rev"])
        assert f(wide.to_dict(), X.astype(np.float64)).dtype == np.float64
    single = jax.vmap(lambda v: f(PARAMS.to_dict(), v[None])[0])(X)
    np.testing.assert_allclose(single, net.apply(PARAMS, X), rtol=1e-6)
    each = jax.vmap(jax.grad(lambda v: f(PARAMS.to_dict(), v[None]).sum()))(X)
    np.testing.assert_allclose(each, vjp(net.apply, PARAMS, X)[1](np.ones((5, 2)))[1], rtol=1e-5, atol=1e-6)
    first, again, other = (f(PARAMS.to_dict(), X, jax.random.key(i)) for i in (0, 0, 1))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_to_jax_with_tokens_tuples_and_errors() -> None:
    """Tokens have no gradient; tuples come out; mistakes are ours to tell, also under jit; twice is refused."""
    words = serial(Embedding(5, 3), MeanOver(1), Relu)
    _, params = words.init(0, (-1, 4))
    grads = jax.grad(lambda p: to_jax(words)(p, np.array([[1, 2, 3, 0]])).sum())(params.to_dict())
    assert not grads["embedding_0"]["w"][4].any() and grads["embedding_0"]["w"][:4].any()
    assert [part.shape for part in jnp.asarray(to_jax(FanOut(2))({}, X))] == [(5, 3), (5, 3)]
    with pytest.raises(ShapeError, match=r"dense_0 in serial: takes \(\.\.\., 3\)"):
        jax.jit(to_jax(net))(PARAMS.to_dict(), np.ones((5, 4)))
    with pytest.raises(ParamsError, match=r"a nested dict, params.to_dict\(\), got None"):
        to_jax(net)(None, X)
    with pytest.raises(TypeError, match="to_jax takes a network, got 3"):
        to_jax(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="custom_vjp"):
        jax.hessian(lambda x: to_jax(net)(PARAMS.to_dict(), x).sum())(X)


def test_there_and_back() -> None:
    """A network of ours as a function of JAX's as a layer of ours keeps laws."""
    back, params = from_jax(to_jax(serial(Dense(2), Tanh)), serial(Dense(2), Tanh).init(0, (-1, 3))[1].to_dict())
    assert params.paths() == ("dense_0/b", "dense_0/w")
    holds(back, ("B", 3), only=["true_pullback", "value_of_rule", "pure"], examples=3)


def test_kinks_do_not_pass_for_smooth() -> None:
    """A second derivative through what loses the imaginary part is refused, or right."""

    def bent_cubes(p: Any, x: Any) -> Any:
        return jnp.abs(x * p["w"]) ** 3

    bent: Layer[Array, Array] = Layer.of(lambda s: s, lambda s: {"w": (glorot_normal, (3,))}, derive(bent_cubes))
    _, params = bent.init(0, (-1, 3), dtype=np.float64)
    x, y = np.random.default_rng(0).normal(size=(4, 3)), np.ones((4, 3))
    with pytest.raises(NotAnalyticError):
        hvp(value_and_grad(squared_error, bent.apply), params, params, x, y)


def test_the_program_of_the_page_runs(tmp_path: Path) -> None:
    """That for this library in docs/bridges.md, as printed."""
    (text,) = [text for text in blocks(ROOT / "docs" / "bridges.md", "py") if "funcnn.bridges.jax" in text]
    (tmp_path / "program.py").write_text(text, encoding="utf-8")
    there = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-W", "error", "program.py"], cwd=tmp_path, check=True, env=there)
