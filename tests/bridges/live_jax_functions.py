"""Functions of JAX's as layers of ours. Needs JAX: `python -m tests.bridges jax`."""

from __future__ import annotations

import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from funcnn import Dense, ShapeError, adam, apply_updates, squared_error, value_and_grad, vjp
from funcnn.bridges.jax import from_jax
from funcnn.testing import Case, LawBroken, holds
from tests.bridges.jax_functions import ANALYTIC, FIVE, Norm, drawn, normalized, perceptron, wrongly_activated


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
