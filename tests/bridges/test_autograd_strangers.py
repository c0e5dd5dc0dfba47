"""What strangers do with rules that Autograd derives is named, or works."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import autograd.numpy as anp
import numpy as np
import pytest

from funcnn import Array, DTypeError, Layer, Params, ParamsError, ShapeError, Tokens, Tree, vjp
from funcnn.authoring import branches, tokens
from funcnn.bridges.autograd import derive
from funcnn.initializers import glorot_normal, zeros
from funcnn.testing import holds, shapes
from tests.bridges.autograd_layers import Derived, plain_layer, spec_of_dense
from tests.bridges.plain_layers import dense, layer_norm


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
