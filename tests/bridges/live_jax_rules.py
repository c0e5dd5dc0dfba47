"""Rules and losses that JAX derives. Needs it: `python -m tests.bridges jax`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from funcnn import (
    Array,
    Dense,
    DTypeError,
    Key,
    Layer,
    NotAnalyticError,
    ParamsError,
    ShapeError,
    Tanh,
    hvp,
    serial,
    squared_error,
    value_and_grad,
    vjp,
)
from funcnn.authoring import tokens
from funcnn.bridges.jax import derive, derive_loss, from_jax
from funcnn.initializers import glorot_normal
from funcnn.testing import Case, loss_laws, shapes
from tests.bridges.derived_layers import dense_by, second_derivatives_are_ours
from tests.bridges.jax_functions import FIVE, drawn


def dense(params: Any, x: Any) -> Any:
    """With a bias."""
    return jnp.tanh(x @ params["w"] + params["b"])


Derived: Final = dense_by(derive(dense))


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
    """By complex numbers through `jax.vjp`, as of our own layers."""
    second_derivatives_are_ours(Derived(3))


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


def test_kinks_do_not_pass_for_smooth() -> None:
    """A second derivative through what loses the imaginary part is refused, or right."""

    def bent_cubes(p: Any, x: Any) -> Any:
        return jnp.abs(x * p["w"]) ** 3

    bent: Layer[Array, Array] = Layer.of(lambda s: s, lambda s: {"w": (glorot_normal, (3,))}, derive(bent_cubes))
    _, params = bent.init(0, (-1, 3), dtype=np.float64)
    x, y = np.random.default_rng(0).normal(size=(4, 3)), np.ones((4, 3))
    with pytest.raises(NotAnalyticError):
        hvp(value_and_grad(squared_error, bent.apply), params, params, x, y)
