"""inference, checkpoint, stop_gradient, straight_through, gradient_reversal, ensemble and shape_dependent."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from funcnn import (
    Array, BatchNorm, Dense, Dropout, Embedding, FanInSum, FanOut, Flatten, GRU, Key, LSTM, Layer, MeanOver, Params,
    Relu, Shape, ShapeError, Square, Tanh, Tokens, TransformerBlock, calibrate, checkpoint, elementwise, ensemble,
    gradient_reversal, inference, keep, parallel, rebuild, select, serial, shape_dependent, squared_error,
    stop_gradient, straight_through, summary, trace, value_and_grad, vjp,
)  # fmt: skip
from funcnn.authoring import axes
from funcnn.promises import leaves_in
from funcnn.testing import holds

RNG = np.random.default_rng(6)
X = RNG.normal(size=(6, 3))


def drawn(net: Layer[Any, Any], shape: Any, seed: int = 0) -> Params:
    return net.init(seed, shape, dtype=np.float64)[1]


# inference ------------------------------------------------------------------------------------------------------------
def test_inference_withholds_the_key_from_its_part_alone() -> None:
    """In a training pass nothing in it drops, statistics are the stored ones; its neighbours are trained."""
    part = serial(BatchNorm(), Dropout(0.5))
    net = serial(Dense(4), inference(part), Dropout(0.5))
    plain = serial(Dense(4), part, Dropout(0.5))
    params = drawn(net, (-1, 3))
    assert params == drawn(plain, (-1, 3))
    h = Dense(4).apply(params.sub("dense_0"), X)
    kept = Dropout(0.5).apply({}, part.apply(params.sub("serial_0"), h), rng=Key(1).fold("dropout_0"))
    assert np.array_equal(net.apply(params, X, rng=1), kept)
    assert np.array_equal(net.apply(params, X), plain.apply(params, X))


def test_inference_of_what_takes_no_key_is_that() -> None:
    """The same value and gradients, and no key is wanted."""
    net = inference(serial(Dense(3), Tanh))
    params = drawn(net, (-1, 3))
    assert value_and_grad(squared_error, net.apply)(params, X, X) == value_and_grad(
        squared_error, serial(Dense(3), Tanh).apply
    )(params, X, X)
    assert not inference(Dropout(0.5)).apply.random


# checkpoint -----------------------------------------------------------------------------------------------------------
def test_checkpoint_changes_no_bit() -> None:
    """Value and gradients of a training pass with Dropout in it, and the tree of params."""
    part = serial(Dense(8), Dropout(0.4), Tanh, Dense(3))
    net, plain = serial(checkpoint(part), Dense(2)), serial(part, Dense(2))
    params = drawn(net, (-1, 3))
    t = RNG.normal(size=(6, 2))
    assert params == drawn(plain, (-1, 3))
    ours, theirs = (value_and_grad(squared_error, f.apply)(params, X, t, rng=3) for f in (net, plain))
    assert ours == theirs


def test_checkpoint_keeps_nothing_of_what_lies_within() -> None:
    """Between the passes no intermediate is alive: the memory of a pullback that waits is that of the output."""
    import tracemalloc

    part = serial(*[Tanh] * 30)
    x = np.ones((1000, 100))

    def held(net: Layer[Array, Array]) -> int:
        tracemalloc.start()
        waiting = vjp(net.apply, {}, x)
        size = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        del waiting
        return size

    assert held(checkpoint(part)) < 3 * x.nbytes < 20 * x.nbytes < held(part)


# gradients that are others --------------------------------------------------------------------------------------------
def test_nothing_passes_a_stopped_gradient() -> None:
    """Its params get zeros, what lies before gets zeros, what lies behind learns; masks and tuples pass."""
    net = serial(Dense(3), stop_gradient(Dense(3)), Dense(2))
    params = drawn(net, (-1, 3))
    _, grads = value_and_grad(squared_error, net.apply)(params, X, np.ones((6, 2)))
    assert [bool(grads.at(path).any()) for path in grads.paths()] == [False, False, False, False, True, True]
    pair = stop_gradient(parallel(Dense(2), Tanh))
    y, pullback = vjp(pair.apply, drawn(pair, ((-1, 3), (-1, 3))), (X, X))
    assert [not d.any() for d in pullback(y)[1]] == [True, True]


def test_stop_gradient_of_tokens() -> None:
    """Integers have no cotangent to stop; the table gets zeros."""
    net: Layer[Tokens, Array] = stop_gradient(Embedding(5, 2))
    params = drawn(net, (-1, 3))
    y, pullback = vjp(net.apply, params, np.array([[0, 1, 4]]))
    assert not pullback(np.ones_like(y))[0].at("w").any()


def test_straight_through_rounds_and_learns() -> None:
    """Rounding has the derivative 0; through it the loss still reaches the weights."""
    rounding = elementwise(np.rint, lambda x, y: np.zeros_like(x))
    net = serial(Dense(3), straight_through(rounding))
    params = drawn(net, (-1, 3))
    y, pullback = vjp(net.apply, params, X)
    assert np.array_equal(y, np.rint(Dense(3).apply(params.sub("dense_0"), X)))
    dy = RNG.normal(size=(6, 3))
    assert pullback(dy)[0] == Params({"dense_0": vjp(Dense(3).apply, params.sub("dense_0"), X)[1](dy)[0]}) or (
        pullback(dy)[0].at("dense_0/w") == pytest.approx(X.T @ dy)
    )


def test_straight_through_keeps_the_shape() -> None:
    with pytest.raises(ShapeError, match=r"straight_through takes and gives arrays of one shape, got \(2, 4\)"):
        straight_through(Dense(3)).out_shape((2, 4))


def test_gradients_turn_round() -> None:
    """`dx = -scale dy`, and the value is the input itself."""
    y, pullback = vjp(gradient_reversal(2.0).apply, {}, X)
    assert np.array_equal(y, X) and np.array_equal(pullback(X)[1], -2 * X)
    with pytest.raises(ValueError, match="gradient_reversal: scale must be a finite number, got nan"):
        gradient_reversal(float("nan"))


def test_an_adversary_is_trained_against() -> None:
    """What lies before the reversal gets minus the adversary's gradient."""
    net, plain = serial(Dense(3), gradient_reversal(), Dense(2)), serial(Dense(3), Dense(2))
    params = drawn(net, (-1, 3))
    (_, g), (_, h) = (value_and_grad(squared_error, f.apply)(params, X, np.ones((6, 2))) for f in (net, plain))
    assert np.array_equal(g.at("dense_0/w"), -h.at("dense_0/w")) and np.array_equal(
        g.at("dense_1/w"), h.at("dense_1/w")
    )


# ensemble -------------------------------------------------------------------------------------------------------------
def test_members_are_networks_of_their_own() -> None:
    """Value, gradients and draws of each are those of the network with its slice; dx is the sum."""
    one = serial(Dense(4), Dropout(0.5), Tanh)
    net = ensemble(one, 3)
    params = drawn(net, (-1, 3))
    y, pullback = vjp(net.apply, params, X, rng=5)
    dy = RNG.normal(size=y.shape)
    dparams, dx = pullback(dy)
    total = np.zeros_like(X)
    for i in range(3):
        mine = Params({"dense_0": {name: leaf[i] for name, leaf in params.to_dict()["dense_0"].items()}})
        z, pull = vjp(one.apply, mine, X, rng=Key(5).fold(i))
        dq, dz = pull(dy[i])
        total += dz
        assert np.array_equal(y[i], z) and np.array_equal(dparams.at("dense_0/w")[i], dq.at("dense_0/w"))
    assert dx == pytest.approx(total, rel=1e-13)
    w = params.at("dense_0/w")
    assert not np.array_equal(w[0], w[1]) and y.shape == net.out_shape((6, 3)) == (3, 6, 4)


def test_ensembles_of_tuples() -> None:
    """Every item is stacked."""
    net = ensemble(serial(FanOut(2), parallel(Dense(2), Dense(3))), 2)
    params = drawn(net, (-1, 3))
    a, b = net.apply(params, X)
    assert (a.shape, b.shape) == ((2, 6, 2), (2, 6, 3)) and net.out_shape((-1, 3)) == ((2, -1, 2), (2, -1, 3))


# shape_dependent ------------------------------------------------------------------------------------------------------
def keeping_width(shape: Shape) -> Layer[Array, Array]:
    n = axes("keeping_width", shape, at_least=1)[-1]
    return serial(Dense(2 * n), Tanh, Dense(n))


def test_a_layer_made_for_its_shape() -> None:
    """It is the layer that the function makes: params, value, gradients."""
    net = serial(Dense(5), shape_dependent(keeping_width), Dense(1))
    plain = serial(Dense(5), keeping_width((-1, 5)).named("shape_dependent_0"), Dense(1))
    params = drawn(net, (-1, 3))
    assert params == drawn(plain, (-1, 3)) and net.out_shape((-1, 3)) == (-1, 1)
    ours, theirs = (value_and_grad(squared_error, f.apply)(params, X, np.ones((6, 1))) for f in (net, plain))
    assert ours == theirs and np.array_equal(net.apply(params, X), plain.apply(params, X))


def test_the_batch_is_hidden_from_the_maker() -> None:
    """One network for all sizes of a batch; tuples too; inner sizes are seen."""
    seen: list[Any] = []

    def make(shape: Any) -> Layer[Any, Any]:
        seen.append(shape)
        return Flatten if len(shape) == 3 else FanInSum

    net = shape_dependent(make)
    for n in (1, 2, 7):
        net.apply({}, np.ones((n, 2, 3)))
    assert [repr(shape) for shape in seen] == ["(?, 2, 3)"]
    assert shape_dependent(make).out_shape(((4, 3), (4, 3))) == (4, 3)
    assert repr(seen[-1]) == "((?, 3), (?, 3))"


def test_a_layer_that_takes_a_key_is_said() -> None:
    """Else every network with one would want a key; with `random=True` it gets it."""
    with pytest.raises(TypeError, match=r"made a layer that takes a key, Dropout\(0.5\); write random=True"):
        shape_dependent(lambda shape: Dropout(0.5)).out_shape((2, 3))
    net = shape_dependent(lambda shape: Dropout(0.5), random=True)
    assert np.array_equal(net.apply({}, X, rng=1), Dropout(0.5).apply({}, X, rng=1))
    assert np.array_equal(net.apply({}, X), X)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (Dense(3), "shape_dependent takes a function from shapes to layers, got Dense"),
        (lambda shape: 3, "make must return a layer, it returned 3"),
    ],
)
def test_makers_that_make_no_layer(make: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        shape_dependent(make).out_shape((2, 3))


def test_it_is_walked_through() -> None:
    """What is made is rebuilt, traced and calibrated with the network around it."""

    def make(shape: Shape) -> Layer[Array, Array]:
        return serial(Dense(axes("make", shape)[-1]), BatchNorm(), Tanh)

    net = serial(Dense(4), shape_dependent(make, random=True))
    params = drawn(net, (-1, 3))
    found = calibrate(net, params, [X])
    plain = serial(Dense(4), make((-1, 4)).named("shape_dependent_0"))
    assert found == calibrate(plain, params, [X])
    paths = [path for path in trace(net)(params, X)[1] if path.startswith("shape_dependent_0/")]
    assert paths == [f"shape_dependent_0/{name}_0" for name in ("dense", "batch_norm", "tanh")]
    other = rebuild(net, lambda path, part: Relu if part == Tanh else part)
    again = rebuild(plain, lambda path, part: Relu if part == Tanh else part)
    assert np.array_equal(other.apply(params, X), again.apply(params, X))
    assert summary(net, (-1, 3)).params == summary(plain, (-1, 3)).params


def test_laws() -> None:
    """All of them, of a function of a module; a rebuilt maker is another, and makes nothing before there is a shape."""
    lazy = {"is_data": "what rebuild changes is known only once a shape is"}
    holds(serial(Dense(3), shape_dependent(keeping_width)), ("B", ..., "D"), examples=8, except_=lazy)
    pair = serial(keep(serial(select(0), shape_dependent(keeping_width))), select(0), Square)
    holds(pair, (("B", 2), ("B", 3)), examples=8, except_=lazy)


def masked(shape: Any) -> Layer[Any, Any]:
    """A layer that takes a mask, and passes it on."""
    return TransformerBlock(int(shape[0][-1]), 2, masked=True)


def test_masks_and_tokens_reach_what_is_made() -> None:
    """As they came: the layer is known too late for the door to leave them alone."""
    rng = np.random.default_rng(0)
    x, mask = rng.normal(size=(3, 4, 4)), np.arange(4) < np.array([[4], [2], [0]])
    for behind in (LSTM(3, masked=True), MeanOver(1, masked=True), keep(GRU(2, masked=True))):
        net, plain = serial(shape_dependent(masked), behind), serial(masked(((3, 4, 4), (3, 4))), behind)
        _, params = net.init(0, ((3, 4, 4), (3, 4)), dtype=np.float64)
        tree = params.to_dict()
        same = {name.replace("shape_dependent", "transformer_block"): part for name, part in tree.items()}
        y, wanted = (f.apply(p, (x, mask)) for f, p in ((net, params), (plain, same)))
        for found, other in zip(leaves_in(y), leaves_in(wanted), strict=True):
            assert np.array_equal(found, other) and found.dtype == other.dtype
    inner: Layer[Any, Any] = shape_dependent(lambda shape: LSTM(4, masked=True))
    y, pullback = vjp(inner.apply, inner.init(0, (x.shape, mask.shape), dtype=np.float64)[1], (x, mask))
    assert not y[~mask].any() and not pullback(np.ones_like(y))[1][0][~mask].any()
    table = shape_dependent(lambda shape: Embedding(9, 3))
    _, params = table.init(0, (2, 4))
    tokens = rng.integers(0, 9, (2, 4))
    assert np.array_equal(table.apply(params, tokens), Embedding(9, 3).apply(params, tokens))
