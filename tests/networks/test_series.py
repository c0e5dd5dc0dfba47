"""`serial` folds values from left to right and pullbacks from right to left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from funcnn import (
    Array, Dense, FanInSum, FanOut, Flatten, Key, Layer, Relu, Shape, Sigmoid, Softplus, Spec, Tanh, Tree, parallel,
    serial, vjp,
)  # fmt: skip
from funcnn.authoring import Later, axes
from tests.refusals import refusal

X = np.random.default_rng(0).normal(size=(4, 3))
TWELVE = serial(
    Dense(4), Tanh, Dense(5), Sigmoid, Dense(3), Softplus, Dense(4), Tanh, Dense(2), Sigmoid, Dense(3), Tanh
)  # fmt: skip
LONGER = TWELVE >> Dense(2) >> Tanh


def spy(pulls: list[str], name: str, *, params: bool) -> Layer[Array, Array]:
    """`y = 2x`, with a scale where it has params; it says when its `dx` is computed."""

    def rule(tree: Tree, x: Array) -> tuple[Array, Callable[[Array], tuple[Tree, Any]]]:
        def dx(dy: Array) -> Array:
            pulls.append(name)
            return dy * 2

        def pullback(dy: Array) -> tuple[Tree, Any]:
            return ({"s": (dy * x).sum(0)}, Later(lambda: dx(dy))) if params else ({}, dx(dy))

        return x * 2, pullback

    def ones(key: Key, shape: tuple[int, ...], dtype: Any) -> Array:
        return np.ones(shape, dtype)

    def spec(shape: Shape) -> Spec:
        return {"s": (ones, axes("scaled", shape)[1:])} if params else {}

    return Layer.of(lambda shape: shape, spec, rule)


def gradients_of(net: Layer[Any, Any], x: Array) -> tuple[Any, Any]:
    """Those of the rule itself, whose `dx` nobody has asked for."""
    _, params = net.init(0, x.shape, dtype=np.float64)
    y, back = net.apply.rule(params, x)
    gradients: tuple[Any, Any] = back(y)
    return gradients


# values and pullbacks -------------------------------------------------------------------------------------------------
def test_a_pullback_gives_the_same_twice() -> None:
    """Bit for bit."""
    _, params = TWELVE.init(0, (-1, 3))
    y, pullback = vjp(TWELVE.apply, params, X.astype(np.float32))
    (dparams, dx), (again, dx_again) = pullback(np.ones_like(y)), pullback(np.ones_like(y))
    assert dparams == again and np.array_equal(dx, dx_again)


def test_it_is_one_layer_after_the_other() -> None:
    """`serial(f, g).apply(p, x) = g.apply(p_g, f.apply(p_f, x))`."""
    f, g = Dense(4), Dense(2)
    _, params = serial(f, Tanh, g).init(0, (-1, 3), dtype=np.float64)
    by_hand = g.apply(params.sub("dense_1"), Tanh.apply({}, f.apply(params.sub("dense_0"), X)))
    assert np.array_equal(serial(f, Tanh, g).apply(params, X), by_hand)


def test_serial_of_nothing_is_the_identity() -> None:
    """The very array, read-only; also of tuples."""
    empty: Layer[Any, Any] = serial()
    y, pullback = vjp(empty.apply, {}, (X, X))
    assert np.shares_memory(empty.apply({}, X), X) and np.array_equal(y[1], X)
    assert np.array_equal(pullback((X, X))[1][0], X)
    assert empty.out_shape((2, (3, -1))) == (2, (3, -1))


def test_inference_runs_no_rule_that_has_a_value() -> None:
    """A forward pass keeps nothing for a pullback."""
    calls: list[str] = []

    def f(x: Array) -> tuple[Array, Callable[[Array], Array]]:
        calls.append("rule")
        return x, lambda dy: dy

    net = serial(serial(Layer.lift(lambda shape: shape, f, value=lambda x: x)))
    net.apply({}, X)
    assert calls == []
    vjp(net.apply, {}, X)
    assert calls == ["rule"]


# the cotangent nobody wants -------------------------------------------------------------------------------------------
def test_a_rule_pass_never_computes_the_cotangent_of_the_input() -> None:
    """Nor anything before the first layer with params; every layer behind it once."""
    pulls: list[str] = []
    net = serial(
        spy(pulls, "a", params=False), spy(pulls, "b", params=False), spy(pulls, "c", params=True),
        spy(pulls, "d", params=False), spy(pulls, "e", params=True),
    )  # fmt: skip
    _, dx = gradients_of(net, X)
    assert pulls == ["e", "d"]
    assert dx.now().shape == X.shape and pulls == ["e", "d", "c", "b", "a"]


def test_nested_networks_do_not_compute_it_either() -> None:
    """Behind leading layers without params, and in front of others."""
    pulls: list[str] = []
    inner = serial(spy(pulls, "a", params=False), spy(pulls, "b", params=True))
    gradients_of(serial(Flatten, inner, Dense(2)), X)
    assert pulls == []


def test_branches_do_not_compute_it_either() -> None:
    """Behind a leading FanOut."""
    pulls: list[str] = []
    net = serial(FanOut(2), parallel(spy(pulls, "a", params=True), spy(pulls, "b", params=True)), FanInSum)
    gradients_of(net, X)
    assert pulls == []


def test_without_params_everything_is_left_for_later() -> None:
    """Nothing is pulled."""
    pulls: list[str] = []
    dparams, dx = gradients_of(serial(spy(pulls, "a", params=False), Relu), X)
    assert (dparams, pulls) == ({}, [])
    assert dx.now().shape == X.shape and pulls == ["a"]


def test_errors_of_a_later_name_its_layer() -> None:
    """Not the layer that wanted the cotangent."""

    def fail() -> Array:
        raise ZeroDivisionError

    def ones(key: Key, shape: tuple[int, ...], dtype: Any) -> Array:
        return np.ones(shape, dtype)

    bad: Layer[Array, Array] = Layer.of(
        lambda shape: shape,
        lambda shape: {"s": (ones, (1,))},
        lambda params, x: (x, lambda dy: ({"s": np.ones(1)}, Later(fail))),
    )
    with pytest.raises(ZeroDivisionError) as caught:
        gradients_of(serial(Dense(3), Relu, bad.named("bad")), X)
    assert caught.value.__notes__ == ["in bad"]


# >> -------------------------------------------------------------------------------------------------------------------
def test_composition_is_serial() -> None:
    """In names, values and repr."""
    a, b, c = Dense(4), Tanh, Dense(2)
    assert a >> b >> c == serial(a, b, c) == a >> (b >> c)
    assert repr(a >> b >> c) == "serial(Dense(4), Tanh, Dense(2))"
    assert (a >> b >> c).init(0, (-1, 3))[1] == serial(a, b, c).init(0, (-1, 3))[1]


def test_serial_of_nothing_is_neutral() -> None:
    """On both sides."""
    empty: Layer[Array, Array] = serial()
    assert empty >> Dense(3) == serial(Dense(3)) == Dense(3) >> empty


def test_named_networks_are_not_spliced() -> None:
    """They nest under their name, as an explicit serial does."""
    encoder = (Dense(4) >> Relu).named("encoder")
    assert encoder >> Dense(2) == serial(encoder, Dense(2))
    assert (encoder >> Dense(2)).init(0, (-1, 3))[1].paths()[0] == "dense_0/b"
    assert serial(serial(Dense(4)), Dense(2)).init(0, (-1, 3))[1].paths()[2] == "serial_0/dense_0/b"


def test_duplicate_names_are_refused_when_composed() -> None:
    """As in `serial`."""
    assert "two children are named 'a'" in refusal(
        lambda: Dense(2).named("a") >> Relu >> Dense(2).named("a"), ValueError
    )
