"""Networks of ours as functions of JAX's. Needs it: `python -m tests.bridges jax`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from funcnn import (
    Dense,
    Dropout,
    Embedding,
    FanOut,
    MeanOver,
    ParamsError,
    Relu,
    ShapeError,
    Tanh,
    serial,
    squared_error,
    value_and_grad,
    vjp,
)
from funcnn.bridges.jax import from_jax, to_jax
from funcnn.testing import holds
from funcnn.testing.nested import leaves as leaves_of
from tests.bridges.derived_layers import program_of_the_page_runs

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


def test_the_program_of_the_page_runs(tmp_path: Path) -> None:
    """That for this library in docs/bridges.md, as printed."""
    program_of_the_page_runs("jax", tmp_path)
