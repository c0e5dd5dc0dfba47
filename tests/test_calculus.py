"""Differentiable functions, and `vjp`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from funcnn import Array, Dense, Dropout, Key, Layer, ShapeError, Tanh, Tree, differentiable, serial, vjp
from funcnn.networks.rules import takes_key
from tests.refusals import refusal

NET = serial(Dense(4), Tanh, Dense(2))
_, PARAMS = NET.init(Key(0), (-1, 3), dtype=np.float64)
X = np.random.default_rng(0).normal(size=(5, 3))


@differentiable
def scaled(x: Array, factor: float, *, power: int = 1) -> tuple[float, Callable[[float], tuple[Array, float]]]:
    """`factor sum(x)^power`."""
    total = float(x.sum())

    def pullback(d: float) -> tuple[Array, float]:
        return d * factor * power * total ** (power - 1) * np.ones_like(x), d * total**power

    return factor * total**power, pullback


# functions ------------------------------------------------------------------------------------------------------------
def test_called_it_is_the_plain_function() -> None:
    """Options and all."""
    assert (scaled(np.array([1.0, 2.0]), 2.0), scaled(np.array([1.0, 2.0]), 2.0, power=2)) == (6.0, 18.0)


def test_vjp_gives_one_cotangent_per_argument() -> None:
    """In the order of the arguments."""
    value, pullback = vjp(scaled, np.array([1.0, 2.0]), 2.0, power=2)
    dx, dfactor = pullback(1.0)
    assert (value, dx.tolist(), dfactor) == (18.0, [12.0, 12.0], 9.0)


def test_bind_fixes_options_and_keeps_the_rule() -> None:
    """And the name; bound options print."""
    square = scaled.bind(power=2)
    assert (square(np.array([3.0]), 1.0), repr(scaled), repr(square)) == (9.0, "scaled", "scaled.bind(power=2)")
    assert vjp(square, np.array([3.0]), 1.0)[1](1.0)[0].tolist() == [6.0]


def test_options_bound_twice_are_the_last() -> None:
    """As for partial functions."""
    assert scaled.bind(power=2).bind(power=3)(np.array([2.0]), 1.0) == 8.0


def test_bind_refuses_other_options() -> None:
    """The message lists those there are."""
    assert refusal(lambda: scaled.bind(power=1, colour=2), TypeError) == "scaled has no option colour; it has power"


def test_vjp_refuses_other_things() -> None:
    """The message says what to do."""
    wrong: Any = vjp
    assert refusal(lambda: wrong(NET, PARAMS, X), TypeError) == (
        "vjp takes a differentiable function, got Layer; take its .apply"
    )
    assert refusal(lambda: wrong(len, X), TypeError) == (
        "vjp takes a differentiable function, got builtin_function_or_method; make its rule one with @differentiable"
    )


# layers ---------------------------------------------------------------------------------------------------------------
def test_the_value_is_that_of_apply() -> None:
    """Bit for bit."""
    y, _ = vjp(NET.apply, PARAMS, X)
    assert np.array_equal(y, NET.apply(PARAMS, X))


def test_a_pullback_may_be_called_again() -> None:
    """With equal results, which share no memory."""
    y, pullback = vjp(NET.apply, PARAMS, X)
    (dparams, dx), (again, dx_again) = pullback(np.ones_like(y)), pullback(np.ones_like(y))
    assert dparams == again and np.array_equal(dx, dx_again)
    assert not any(np.shares_memory(dparams.at(p), again.at(p)) for p in dparams.paths())


def test_what_vjp_hands_out_is_read_only() -> None:
    """The value, the gradients and the cotangent of the input."""
    y, pullback = vjp(NET.apply, PARAMS, X)
    dparams, dx = pullback(np.ones_like(y))
    assert not any(a.flags.writeable for a in (y, dx, *(dparams.at(p) for p in dparams.paths())))


def test_what_people_hold_stays_theirs() -> None:
    """Input, cotangent and a plain dict of params are neither sealed nor changed."""
    x, mine = X.copy(), PARAMS.to_dict()
    y, pullback = vjp(NET.apply, mine, x)
    dy = np.ones_like(y)
    pullback(dy)
    assert x.flags.writeable and dy.flags.writeable and mine["dense_0"]["w"].flags.writeable
    assert np.array_equal(x, X) and np.array_equal(dy, np.ones_like(y))
    assert PARAMS == NET.init(Key(0), (-1, 3), dtype=np.float64)[1]


def test_apply_gives_no_way_to_write_to_the_input() -> None:
    """Where the output is the input, or a part of it, as where it is fresh."""
    same: Layer[Array, Array] = Layer.lift(lambda shape: shape, lambda x: (x, lambda dy: dy))
    x = np.ones((2, 2))
    assert not same.apply({}, x).flags.writeable and x.flags.writeable
    assert not NET.apply(PARAMS, X).flags.writeable


def test_the_cotangent_is_converted() -> None:
    """Lists, integers and other widths are taken in the dtype of the value."""
    y, pullback = vjp(NET.apply, PARAMS, X)
    loose: Any = pullback
    assert loose(np.ones(y.shape, int))[0] == loose(np.ones(y.shape).tolist())[0] == pullback(np.ones_like(y))[0]


def test_a_cotangent_of_another_shape_is_refused() -> None:
    """Both shapes are shown."""
    pullback: Any = vjp(NET.apply, PARAMS, X)[1]
    assert refusal(lambda: pullback(np.ones((5, 3))), ShapeError) == (
        "the cotangent must have the shape of the value, (5, 2), got (5, 3)"
    )
    assert refusal(lambda: pullback((np.ones((5, 2)),)), ShapeError) == (
        "the value is one array, its cotangent must be one too, got a tuple of 1"
    )


def test_rng_makes_a_training_pass() -> None:
    """A seed is as good as a key; the same key gives the same numbers."""
    net = serial(Dropout(0.5), Dense(2))
    _, params = net.init(0, (-1, 3))
    x = np.ones((4, 3), np.float32)
    y, same, inference = (vjp(net.apply, params, x, rng=key)[0] for key in (1, Key(1), None))
    assert np.array_equal(y, same) and not np.array_equal(y, inference)


# rules ----------------------------------------------------------------------------------------------------------------
def with_key(params: Tree, x: Array, rng: Key | None) -> None: ...
def without(params: Tree, x: Array, *, slope: float = 1.0) -> None: ...
def misnamed(params: Tree, x: Array, key: Key | None) -> None: ...
def by_keyword(params: Tree, x: Array, *, rng: Key | None = None) -> None: ...
def lacking(params: Tree) -> None: ...


class Method:
    """A rule may be a method."""

    def rule(self, params: Tree, x: Array, rng: Key | None) -> None: ...


def test_a_rule_takes_the_key_by_a_third_parameter_named_rng() -> None:
    """Functions, partial functions, wrapped ones and methods."""
    wrapped = functools.wraps(with_key)(lambda *args: with_key(*args))
    assert [takes_key(rule) for rule in (with_key, wrapped, Method().rule, functools.partial(with_key))] == [True] * 4
    assert [takes_key(rule) for rule in (without, functools.partial(without, slope=2.0))] == [False] * 2


@pytest.mark.parametrize(
    ("rule", "names"), [(misnamed, "params, x, key"), (by_keyword, "params, x, *, rng"), (lacking, "params")]
)
def test_other_parameters_are_refused_at_construction(rule: Callable[..., Any], names: str) -> None:
    """The message says what a rule takes."""
    said = f"a rule takes (params, x) or (params, x, rng), got ({names}); the key is named rng"
    assert refusal(lambda: Layer.of(lambda shape: shape, lambda shape: {}, rule), TypeError) == said
