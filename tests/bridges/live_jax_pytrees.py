"""Params as JAX's trees, and optax's optimizers on them. Needs JAX and optax: `python -m tests.bridges jax`."""

from __future__ import annotations

import importlib
import pickle
import subprocess
import sys
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from funcnn import (
    Dense,
    Gradients,
    Params,
    Tanh,
    adam,
    apply_updates,
    load_params,
    save_params,
    serial,
    squared_error,
    value_and_grad,
)
from funcnn.bridges.jax import register_pytrees, to_jax

optax: Final[Any] = importlib.import_module("optax")
register_pytrees()

NET: Final = serial(Dense(4), Tanh, Dense(1))
_, PARAMS = NET.init(0, (-1, 3))
X: Final = np.random.default_rng(2).normal(size=(32, 3)).astype(np.float32)
Y: Final = X[:, :1] * 2
OBJECTIVE: Final = value_and_grad(squared_error, NET.apply)


def read_only(params: Params) -> bool:
    """Are all leaves NumPy's, and not to be written to?"""
    leaves: list[Any] = [params.at(path) for path in params.paths()]
    return all(type(leaf) is np.ndarray and not leaf.flags.writeable for leaf in leaves)


def test_optax_steps_params_as_ours_does() -> None:
    """Adam, step by step, outside of jit and inside."""
    theirs, ours = optax.adam(1e-2), adam(1e-2)

    def step(grads: Any, state: Any, params: Any) -> Any:
        updates, state = theirs.update(grads, state, params)
        return optax.apply_updates(params, updates), state

    stepped = jax.jit(step)
    compiled = eager = mine = PARAMS
    state = other = theirs.init(PARAMS)
    own = ours.init(PARAMS)
    for _ in range(20):
        grads = OBJECTIVE(mine, X, Y)[1]
        updates, own = ours.update(grads, own, mine)
        mine = apply_updates(mine, updates)
        compiled, state = stepped(Params(OBJECTIVE(compiled, X, Y)[1]), state, compiled)
        updates, other = theirs.update(Params(OBJECTIVE(eager, X, Y)[1]), other, eager)
        eager = optax.apply_updates(eager, updates)
    for params in (compiled, eager):
        assert type(params) is Params and params.paths() == PARAMS.paths() and read_only(params)
        for path in mine.paths():
            np.testing.assert_allclose(params.at(path), mine.at(path), rtol=1e-4, atol=1e-6)
    assert OBJECTIVE(compiled, X, Y)[0] < OBJECTIVE(PARAMS, X, Y)[0]


def test_what_comes_back_is_as_good_as_any_params(tmp_path: Any) -> None:
    """It is saved, pickled, compared and changed; JAX's arrays are not copied."""
    found: Any = jax.jit(lambda p: jax.tree.map(lambda a: a * 2, p))(PARAMS)
    assert found == Params({k: {n: 2 * a for n, a in v.items()} for k, v in PARAMS.to_dict().items()})
    save_params(tmp_path / "p.npz", found)
    assert load_params(tmp_path / "p.npz", like=PARAMS) == found == pickle.loads(pickle.dumps(found))
    assert found.set("dense_0/b", np.zeros(4, np.float32)).at("dense_1/w") is not None
    a = jnp.arange(4.0)
    assert jax.tree.map(lambda _: a, found).at("dense_0/b").ctypes.data == a.unsafe_buffer_pointer()


def test_what_a_function_writes_into_is_not_in_the_tree() -> None:
    """An array of somebody's is copied."""
    mine = np.ones(4, np.float32)
    tree = jax.tree.map(lambda _: mine, PARAMS)
    mine[0] = 7
    assert tree.at("dense_0/b").tolist() == [1.0] * 4 and read_only(tree)


def test_the_order_of_names_does_not_count() -> None:
    """Trees of the same names are of one structure; kinds are not."""
    turned = Params({name: PARAMS.sub(name) for name in reversed([*PARAMS])})
    structure = jax.tree.structure
    assert structure(turned) == structure(PARAMS) != structure(Gradients(PARAMS))
    paths = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(PARAMS)]
    assert paths == ["['dense_0']['b']", "['dense_0']['w']", "['dense_1']['b']", "['dense_1']['w']"]
    mixed = jax.tree.map(lambda a, b: a + b, PARAMS, turned)
    np.testing.assert_array_equal(mixed.at("dense_0/w"), 2 * PARAMS.at("dense_0/w"))


def test_transformations_of_jax_go_through() -> None:
    """grad, vmap over stacked params, scan, and gradients of a network of ours."""
    grads = jax.grad(lambda p: sum((a**2).sum() for a in jax.tree.leaves(p)))(PARAMS)
    assert type(grads) is Params
    np.testing.assert_allclose(grads.at("dense_0/w"), 2 * PARAMS.at("dense_0/w"))
    stacked = jax.tree.map(lambda a: jnp.stack([a, a]), PARAMS)
    axes = jax.tree.map(lambda a: 0, stacked)
    assert "object" in repr(axes)  # numbers in the place of leaves print too
    assert jax.vmap(lambda p: p.at("dense_1/b"), in_axes=(axes,))(stacked).shape == (2, 1)
    after, _ = jax.lax.scan(lambda p, _: (jax.tree.map(lambda a: a / 2, p), None), PARAMS, length=2)
    np.testing.assert_array_equal(after.at("dense_0/w"), PARAMS.at("dense_0/w") / 4)
    f = to_jax(NET)
    _, wanted = OBJECTIVE(PARAMS, X, Y)
    found = jax.jit(jax.grad(lambda p: ((f(p, X) - Y) ** 2).mean()))(PARAMS)
    for path in wanted.paths():
        np.testing.assert_allclose(found.at(path), wanted.at(path), rtol=1e-5, atol=1e-6)
    assert "float32" in repr(jax.eval_shape(lambda p: p, PARAMS))


def test_optax_masks_and_chains_by_path() -> None:
    """Weight decay of matrices alone: masks are trees too."""
    mask = jax.tree.map(lambda a: a.ndim > 1, PARAMS)
    decayed = optax.masked(optax.add_decayed_weights(0.5), mask)
    zeros = jax.tree.map(jnp.zeros_like, PARAMS)
    updates, _ = decayed.update(zeros, decayed.init(PARAMS), PARAMS)
    np.testing.assert_array_equal(updates.at("dense_0/w"), PARAMS.at("dense_0/w") / 2)
    assert not updates.at("dense_0/b").any()


def test_gradients_are_no_params_for_jax_either() -> None:
    """Swapped arguments are refused, by JAX's own words."""
    grads = OBJECTIVE(PARAMS, X, Y)[1]
    optimizer = optax.adam(1e-2)
    with pytest.raises(ValueError, match="Gradients"):
        optimizer.update(grads, optimizer.init(PARAMS), PARAMS)


def test_dlpack_shares_memory() -> None:
    """What JAX has computed goes into a network without a copy, read-only; what a network gave goes to JAX."""
    x = jnp.asarray(X) * 2
    mine: Any = np.from_dlpack(x)
    assert mine.ctypes.data == x.unsafe_buffer_pointer() and not mine.flags.writeable
    y = NET.apply(PARAMS, mine)
    np.testing.assert_array_equal(jnp.from_dlpack(y.copy()), y)
    np.testing.assert_array_equal(y, NET.apply(PARAMS, np.array(x)))


def test_importing_funcnn_does_not_import_jax() -> None:
    """Nor does the bridge, before something is called."""
    program = "import sys, funcnn, funcnn.bridges.jax, funcnn.weights; print('jax' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
