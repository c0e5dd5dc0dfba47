"""What walks through a network, in combinators that change its params: their names, their number, where they lie."""

from __future__ import annotations

import functools
import pickle
from typing import Any

import numpy as np
import pytest

from funcnn import (
    Array, BatchNorm, Dense, FanInSum, FanOut, GRU, Layer, MultiHeadAttention, Params, ParamsError, Spec, Tanh, Tree,
    bidirectional, calibrate, checkpoint, ensemble, freeze, inference, jvp, layer, map_over, parallel, partition,
    per_example_grads, plotting, reparam, repeat, serial, shape_dependent, squared_error, stop_gradient,
    straight_through, summary, thaw, tie, trace, tree_map, value_and_grad, vjp,
)  # fmt: skip
from funcnn.initializers import ones

RNG = np.random.default_rng(3)
STEPS = RNG.normal(size=(3, 5, 4))  # as many rows as members, so that their axes could be taken for each other
ROWS = STEPS[:, 0]


@layer
def Total() -> Layer[Array, Array]:
    """The members of an ensemble added up."""
    return Layer.lift(lambda shape: shape[1:], lambda x: (x.sum(0), lambda dy: np.broadcast_to(dy, x.shape).copy()))


@layer
def Own() -> Layer[Array, Array]:
    """A layer of one's own, `y = w x`: derivatives look whether its rule keeps imaginary parts."""

    def spec(shape: Any) -> Spec:
        return {"w": (ones, (int(shape[-1]),))}

    def rule(params: Any, x: Array) -> Any:
        w = params["w"]
        return x * w, lambda dy: ({"w": (x * dy).reshape(-1, len(w)).sum(0)}, dy * w)

    return Layer.of(lambda shape: shape, spec, rule)


def drawn(net: Layer[Any, Any], x: Array) -> Params:
    """Params that nothing but chance made."""
    return tree_map(lambda a: RNG.normal(size=a.shape) ** 2 + 0.1, net.init(0, x.shape, dtype=np.float64)[1])


def given(f: Layer[Any, Any], shape: Any) -> Layer[Any, Any]:
    """For `shape_dependent`: the same for every shape."""
    return f


def same(params: Tree) -> Tree:
    """For `reparam`: the same tree."""
    return params


def twice(f: Layer[Any, Any], g: Layer[Any, Any], ties: dict[str, str]) -> Layer[Any, Any]:
    """The sum of two, some of whose params are the same."""
    return tie(serial(FanOut(2), parallel(f.named("left"), g.named("right")), FanInSum), ties)


def by_shape(shape: Any) -> Layer[Any, Any]:
    """For `shape_dependent`."""
    return serial(Dense(int(shape[-1])), Tanh)


WHOLE = {"parallel_0/right": "parallel_0/left"}
WITHIN: dict[str, Any] = {
    "ensemble": lambda f: serial(ensemble(f, 3), Total()),
    "ensembles": lambda f: serial(ensemble(serial(ensemble(f, 3), Total()), 2), Total()),
    "tie": lambda f: twice(f, f, WHOLE),
    "reparam": lambda f: reparam(f, lambda spec: spec, same, same),
    "shape": lambda f: shape_dependent(functools.partial(given, f)),
    "shared": lambda f: repeat(f, 3, shared=True),
    "both ends": lambda f: serial(bidirectional(f), Dense(4)),
    "named": lambda f: serial(serial(f, Tanh).named("body"), Dense(4).named("head")),
    "stopped": lambda f: serial(stop_gradient(f), Dense(4)),
    "straight": lambda f: serial(straight_through(f), Dense(4)),
}
within = pytest.mark.parametrize("name", WITHIN)


@within
@pytest.mark.parametrize("part", [Dense(4), GRU(4), serial(Dense(4), Tanh)], ids=repr)
def test_gradients_of_every_example(name: str, part: Layer[Array, Array]) -> None:
    """Those of one row after the other, wherever the axis of the rows lies."""
    net = WITHIN[name](part)
    params, objective = drawn(net, STEPS), value_and_grad(squared_error, net.apply)
    found = per_example_grads(objective, params, STEPS, STEPS)
    for i in range(3):
        wanted = objective(params, STEPS[i : i + 1], STEPS[i : i + 1])[1]
        for path in params.paths():
            np.testing.assert_allclose(found.at(path)[i], wanted.at(path), rtol=1e-9, atol=1e-11)


def test_gradients_of_every_example_over_an_axis() -> None:
    """Places are rows within, and examples outside."""
    net = serial(map_over(Dense(4)), Tanh, map_over(serial(Dense(4), Tanh), 1))
    params, objective = drawn(net, STEPS), value_and_grad(squared_error, net.apply)
    found = per_example_grads(objective, params, STEPS, STEPS)
    for i in range(3):
        wanted = objective(params, STEPS[i : i + 1], STEPS[i : i + 1])[1]
        for path in params.paths():
            np.testing.assert_allclose(found.at(path)[i], wanted.at(path), rtol=1e-10, atol=1e-12)


@within
def test_freezing_a_leaf_and_thawing_it(name: str) -> None:
    """Every leaf in turn: the same values, the other gradients as they were, and back."""
    net = WITHIN[name](serial(Dense(4), Tanh))
    params = drawn(net, STEPS)
    y, pullback = vjp(net.apply, params, STEPS)
    full, dx = pullback(STEPS)
    for path in params.paths():
        frozen = freeze(net, params, path)
        rest = partition(params, path)[1]
        z, back = vjp(frozen.apply, rest, STEPS)
        np.testing.assert_allclose(z, y, rtol=1e-12)
        left, dz = back(STEPS)
        np.testing.assert_allclose(dz, dx, rtol=1e-10, atol=1e-12)
        assert set(left.paths()) == set(params.paths()) - {path}
        for other in left.paths():
            np.testing.assert_allclose(left.at(other), full.at(other), rtol=1e-10, atol=1e-12)
        assert thaw(frozen, rest) == (net, params)


@within
def test_derivatives_of_a_layer_of_ones_own(name: str) -> None:
    """It is looked at with the params that it gets, not with those that lie at its path."""
    net = WITHIN[name](serial(Own(), Tanh))
    params, v = drawn(net, STEPS), RNG.normal(size=STEPS.shape)
    y, along = jvp(net.apply, (params, STEPS), (None, v))
    h = 1e-6
    wanted = (net.apply(params, STEPS + h * v) - net.apply(params, STEPS - h * v)) / (2 * h)
    np.testing.assert_allclose(along, wanted, rtol=1e-6, atol=1e-8)


def test_derivatives_where_all_is_frozen() -> None:
    """Constants of float32 are computed with in the width of the input, along a direction too."""
    net = serial(Dense(4), BatchNorm())
    params = drawn(net, ROWS)
    narrow = tree_map(lambda a: a.astype(np.float32), params)
    frozen, v = freeze(net, narrow), RNG.normal(size=ROWS.shape)
    wide = tree_map(lambda a: a.astype(np.float64), narrow)
    found, wanted = jvp(frozen.apply, ({}, ROWS), (None, v))[1], jvp(net.apply, (wide, ROWS), (None, v))[1]
    np.testing.assert_allclose(found, wanted, rtol=1e-14)


def test_members_have_statistics_of_their_own() -> None:
    """Those that each would have alone, ensembles in ensembles too."""
    one = serial(Dense(4), BatchNorm(), Tanh, ensemble(serial(Dense(3), BatchNorm()), 2), Total(), BatchNorm())
    net = ensemble(one, 3)
    params = drawn(net, ROWS)
    once = calibrate(net, params, [ROWS])
    np.testing.assert_allclose(net.apply(once, ROWS), net.apply(params, ROWS, rng=0), rtol=1e-12)
    exact = calibrate(net, params, [ROWS[:2], ROWS[2:]], exact=True)
    for i in range(3):
        member = tree_map(lambda a, i=i: np.array(a[i]), params)
        alone = calibrate(one, member, [ROWS[:2], ROWS[2:]], exact=True)
        for path in alone.paths():
            np.testing.assert_allclose(exact.at(path)[i], alone.at(path), rtol=1e-12)


def test_tied_statistics_are_of_all_places() -> None:
    """As those of what is shared."""
    norm = serial(Dense(4), BatchNorm())
    net = twice(norm, serial(Tanh, norm).named("x"), {"parallel_0/right/serial_0": "parallel_0/left"})
    params = drawn(net, ROWS)
    found = calibrate(net, params, [ROWS])
    w, b = (params.at(f"parallel_0/left/dense_0/{leaf}") for leaf in "wb")
    seen = np.concatenate([ROWS, np.tanh(ROWS)]) @ w + b
    np.testing.assert_allclose(found.at("parallel_0/left/batch_norm_0/mean"), seen.mean(0), rtol=1e-12)
    np.testing.assert_allclose(found.at("parallel_0/left/batch_norm_0/var"), seen.var(0), rtol=1e-12)
    shared = repeat(BatchNorm(), 2, shared=True)
    pooled = calibrate(shared, drawn(shared, ROWS), [ROWS])
    assert pooled.paths() == shared.init(0, ROWS.shape)[1].paths()


def test_thawing_what_is_tied() -> None:
    """It stays one; where it was frozen apart, it cannot."""
    first, second = drawn(Dense(4), ROWS), drawn(Dense(4), ROWS)
    frozen = freeze(Dense(4), first, "w")
    net = twice(frozen, frozen, WHOLE)
    rest = drawn(net, ROWS)
    thawed, params = thaw(net, rest)
    assert thawed == twice(Dense(4), Dense(4), WHOLE)
    assert params.at("parallel_0/left/w").tobytes() == first.at("w").tobytes()
    assert np.array_equal(thawed.apply(params, ROWS), net.apply(rest, ROWS))
    apart = twice(frozen, freeze(Dense(4), second, "w"), WHOLE)
    with pytest.raises(ParamsError, match="'parallel_0/right' is tied to 'parallel_0/left', but they were frozen with"):
        thaw(apart, rest)


@within
def test_where_attention_looks(name: str) -> None:
    """Each time that it is called, with the params that it gets: an entry for every time, as in trace."""
    net = WITHIN[name](MultiHeadAttention(2))
    params = drawn(net, STEPS)
    weights, values = plotting.attention_weights(net, params, STEPS), trace(net)(params, STEPS)[1]
    times = {"ensemble": 3, "ensembles": 6, "tie": 2, "shared": 3, "both ends": 2}.get(name, 1)
    assert len(weights) == times and all(w.shape == (3, 2, 5, 5) for w in weights.values())
    assert all(np.allclose(w.sum(-1), 1) for w in weights.values())
    assert len({w.tobytes() for w in weights.values()}) == times or name == "tie"
    assert set(weights) <= set(values) or name in ("reparam", "shape")  # a network alone has no path


def test_what_adds_no_level_has_no_entry_of_its_own() -> None:
    """In a trace, where its child has told; members of an ensemble have one each."""
    for f in (checkpoint, stop_gradient, inference):
        net = serial(f(serial(Dense(3), Tanh).named("body")), Dense(2))
        assert list(trace(net)(drawn(net, ROWS), ROWS)[1]) == ["body/dense_0", "body/tanh_0", "body", "dense_0"]
    many = serial(ensemble(Dense(3), 2), Total())
    assert list(trace(many)(drawn(many, ROWS), ROWS)[1]) == ["dense_0[0]", "dense_0[1]", "total_0"]


def test_thawing_beside_what_depends_on_the_shape() -> None:
    """It stays what it is, so that the network is printed, compared and pickled."""
    net = serial(Dense(4), shape_dependent(by_shape))
    params = drawn(net, ROWS)
    thawed, full = thaw(freeze(net, params, "dense_0/w"), partition(params, "dense_0/w")[1])
    assert (thawed, full) == (net, params) and pickle.loads(pickle.dumps(thawed)) == net


def test_what_is_run_several_times_costs_as_often() -> None:
    """Members, and what is shared."""
    once = summary(serial(Dense(4), Tanh), (2, 4))
    for net in (ensemble(serial(Dense(4), Tanh), 5), repeat(serial(Dense(4), Tanh), 5, shared=True)):
        found = summary(net, (2, 4))
        assert (found.multiply_adds, found.activations) == (5 * once.multiply_adds, 5 * once.activations)
