"""Combinators are no more than their laws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.differences import drawn_like
from funcnn import (
    Array, Dense, FanInConcat, FanInSum, FanOut, Gradients, Identity, Key, Layer, Params, ShapeError, Tanh, first,
    keep, parallel, residual, select, serial, vjp,
)  # fmt: skip
from funcnn.authoring import Later, force

RNG = np.random.default_rng(0)
X = RNG.normal(size=(4, 3))
Z = RNG.normal(size=(4, 2))


def init(net: Layer[Any, Any], shape: Any, seed: int = 0) -> Params:
    """float64 params."""
    return net.init(seed, shape, dtype=np.float64)[1]


def test_parallel_applies_each_layer_to_its_item() -> None:
    """`parallel(f, g)` of `(a, b)` is `(f(a), g(b))`."""
    net = parallel(Dense(2), Dense(5))
    params = init(net, ((-1, 3), (-1, 2)))
    a, b = net.apply(params, (X, Z))
    assert np.array_equal(a, Dense(2).apply(params.sub("dense_0"), X))
    assert np.array_equal(b, Dense(5).apply(params.sub("dense_1"), Z))


def test_parallel_is_a_functor() -> None:
    """`parallel(f, g) >> parallel(h, k)` gives what `parallel(f >> h, g >> k)` gives, values and gradients."""
    rows = parallel(Dense(2), Dense(5)) >> parallel(Dense(1), Dense(4))
    columns = parallel(serial(Dense(2), Dense(1)), serial(Dense(5), Dense(4)))
    p = init(rows, ((-1, 3), (-1, 2)))
    q = Params({
        "serial_0": {"dense_0": p.sub("parallel_0/dense_0"), "dense_1": p.sub("parallel_1/dense_0")},
        "serial_1": {"dense_0": p.sub("parallel_0/dense_1"), "dense_1": p.sub("parallel_1/dense_1")},
    })  # fmt: skip
    (y, pullback), (z, other) = vjp(rows.apply, p, (X, Z)), vjp(columns.apply, q, (X, Z))
    assert all(map(np.array_equal, y, z))
    (dp, dx), (dq, dz) = pullback(y), other(z)
    assert all(map(np.array_equal, dx, dz))
    assert np.array_equal(dp.at("parallel_1/dense_0/w"), dq.at("serial_0/dense_1/w"))


def test_residual_is_its_parts() -> None:
    """`residual(f)` is `serial(FanOut(2), parallel(f, Identity), FanInSum)`, bit for bit."""
    f = serial(Dense(8), Tanh, Dense(3))
    short, long = residual(f), serial(FanOut(2), parallel(f, Identity), FanInSum)
    p = init(short, (-1, 3))
    q = Params({"parallel_0": p})
    (y, pullback), (z, other) = vjp(short.apply, p, X), vjp(long.apply, q, X)
    assert np.array_equal(y, z)
    (dp, dx), (dq, dz) = pullback(y), other(z)
    assert np.array_equal(dx, dz)
    assert Gradients({"parallel_0": dp}) == dq


def test_first_is_keep_of_the_first_item() -> None:
    """`first(f)` is `keep(serial(select(0), f))`, bit for bit."""
    short, long = first(Dense(5)), keep(serial(select(0), Dense(5)))
    p = init(short, ((-1, 3), (-1, 2)))
    q = Params({"serial_0": p})
    (y, pullback), (z, other) = vjp(short.apply, p, (X, Z)), vjp(long.apply, q, (X, Z))
    assert all(map(np.array_equal, y, z))
    (dp, dx), (dq, dz) = pullback(y), other(z)
    assert all(map(np.array_equal, dx, dz))
    assert Gradients({"serial_0": dp}) == dq


def test_fan_in_sum_adds() -> None:
    """Three arrays of one shape add up; each gets the whole cotangent."""
    y, pullback = vjp(FanInSum.apply, {}, (X, 2 * X, 3 * X))
    assert np.allclose(y, 6 * X)
    assert all(np.array_equal(d, X) for d in pullback(X)[1])


def test_fan_in_concat_joins_along_its_axis() -> None:
    """The last axis by default, any other on request; the pullback cuts where the inputs met."""
    y, pullback = vjp(FanInConcat().apply, {}, (X, Z))
    assert np.array_equal(y, np.concatenate([X, Z], 1))
    assert all(map(np.array_equal, pullback(y)[1], (X, Z)))
    assert np.array_equal(FanInConcat(0).apply({}, (X, 2 * X)), np.concatenate([X, 2 * X]))


def test_select_copies_reorders_and_drops() -> None:
    """The cotangents of copies add; what was dropped gets zeros."""
    y, pullback = vjp(select(2, 0, 2).apply, {}, (X, Z, 2 * X))
    assert all(map(np.array_equal, y, (2 * X, X, 2 * X)))
    _, dx = pullback((X, X, 2 * X))
    assert all(map(np.array_equal, dx, (X, np.zeros_like(Z), 3 * X)))


def test_select_of_one_item_is_that_item() -> None:
    """No tuple around it."""
    assert np.array_equal(select(1).apply({}, (X, Z)), Z)


@pytest.mark.parametrize(
    ("net", "paths"),
    [
        (residual(serial(Dense(3), Tanh)), ("serial_0/dense_0/b", "serial_0/dense_0/w")),
        (residual(Dense(3), Dense(3)), ("dense_0/b", "dense_0/w", "dense_1/b", "dense_1/w")),
        (
            serial(FanOut(2), parallel(Dense(3).named("left"), Identity), FanInSum),
            ("parallel_0/left/b", "parallel_0/left/w"),
        ),
    ],
    ids=repr,
)
def test_children_nest_under_their_names(net: Layer[Any, Any], paths: tuple[str, ...]) -> None:
    """Each combinator is one level; layers without params add none."""
    assert init(net, (-1, 3)).paths() == paths


def test_keys_reach_random_children() -> None:
    """Each child draws from its own key, and only in a training pass."""
    noise: Layer[Array, Array] = Layer.of(
        lambda shape: shape,
        lambda shape: {},
        lambda params, x, rng: (x if rng is None else x + rng.generator().normal(size=x.shape), lambda dy: ({}, dy)),
    )
    for net in (
        serial(FanOut(2), parallel(noise, noise)),
        serial(FanOut(2), first(noise)),
        serial(FanOut(2), keep(serial(select(0), noise))),
    ):
        a, b = net.apply({}, X, rng=Key(1))
        assert not np.array_equal(a, b)
        assert np.array_equal(net.apply({}, X)[0], X)
    assert not np.array_equal(residual(noise).apply({}, X, rng=1), 2 * X)


def raises_if_forced(*args: Any) -> Any:
    """Stands for an input cotangent nobody should compute."""
    raise AssertionError("the cotangent of the input was computed")


def lazy(units: int) -> Layer[Array, Array]:
    """A Dense whose input cotangent must not be asked for."""

    def rule(params: Any, x: Array) -> Any:
        y, pullback = Dense(units).apply.rule(params, x)
        return y, lambda dy: (pullback(dy)[0], Later(raises_if_forced))

    dense = Dense(units)
    return Layer.of(dense.init.out_shape, dense.init.spec, rule)


@pytest.mark.parametrize(
    "net",
    [
        residual(lazy(3)),
        serial(FanOut(2), parallel(lazy(2), lazy(2)), FanInSum),
        serial(Tanh, residual(serial(Identity, lazy(3)))),
        serial(FanOut(2), keep(serial(select(0), lazy(2))), first(Dense(2)), select(0)),
    ],
    ids=range(4),
)
def test_the_input_cotangent_is_left_for_later(net: Layer[Any, Any]) -> None:
    """Gradients of params come without it; asking for it computes it."""
    params = init(net, (-1, 3)).to_dict()
    y, pullback = net.apply.rule(params, X)
    dparams, dx = pullback(drawn_like(y, np.random.default_rng(1)))
    assert dparams
    with pytest.raises(AssertionError, match="was computed"):
        force(dx)


@pytest.mark.parametrize(
    ("net", "shape", "message"),
    [
        (parallel(Dense(2), Dense(3)), (4, 3), "parallel takes a tuple of 2, got one array of shape (4, 3)"),
        (parallel(Dense(2), Dense(3)), ((4, 3),) * 3, "parallel takes a tuple of 2, got 3"),
        (
            serial(FanOut(2), parallel(Dense(2), Dense(3)), FanInSum),
            (4, 3),
            "fan_in_sum_0 in serial: FanInSum adds arrays of one shape, got (4, 2) and (4, 3)",
        ),
        (FanInSum, (4, 3), "FanInSum takes a tuple of arrays, got one array"),
        (FanInConcat(), ((4, 3), (5, 3)), "sizes along that axis"),
        (FanInConcat(2), ((4, 3), (4, 3)), "along axis 2, got arrays of 2 axes"),
        (residual(Dense(2)), (4, 3), "residual adds arrays of one shape, got (4, 2) and (4, 3)"),
        (select(2), ((4, 3), (4, 3)), "select takes item 2 of a tuple, got 2 items"),
        (keep(Dense(2)), (4, 3), "keep takes a tuple of arrays"),  # type: ignore[arg-type]
        (first(Dense(2)), (4, 3), "first takes a tuple of arrays"),
    ],
    ids=repr,
)  # fmt: skip
def test_wrong_shapes_say_so(net: Layer[Any, Any], shape: Any, message: str) -> None:
    """What came, what was expected, where."""
    with pytest.raises(ShapeError) as caught:
        net.out_shape(shape)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: parallel(), ValueError, "at least one layer"),  # type: ignore[call-overload]
        (
            lambda: parallel(Dense(2), 3),  # type: ignore[call-overload]
            TypeError,
            "parallel takes layers, argument 1 is int 3",
        ),
        (lambda: residual(Dense), TypeError, "call it, Dense(...)"),  # type: ignore[call-overload]
        (lambda: FanOut(0), ValueError, "n must be an integer of at least 1, got 0"),
        (lambda: select(), ValueError, "from 0 on"),  # type: ignore[call-overload]
        (lambda: select(-1), ValueError, "from 0 on, got (-1,)"),
        (lambda: parallel(Dense(2).named("a"), Dense(3).named("a")), ValueError, "two children are named 'a'"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_refused(make: Any, error: type[Exception], message: str) -> None:
    """At construction, with what to do."""
    with pytest.raises(error) as caught:
        make()
    assert message in str(caught.value)
