"""reparam, tie and repeat: one set of weights in several places. Values against networks that share by hand."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from funcnn import (
    GLU, Array, Dense, Dropout, Embedding, Identity, Key, Layer, Params, ParamsError, Relu, ShapeError, Tanh, Tree,
    freeze, parallel, rebuild, reparam, repeat, serial, softmax_cross_entropy, summary, tie, trace, transposed,
    value_and_grad, vjp,
)  # fmt: skip
from funcnn.testing import holds

RNG = np.random.default_rng(2)


def drawn(net: Layer[Any, Any], shape: Any, seed: int = 0) -> Params:
    return net.init(seed, shape, dtype=np.float64)[1]


# tie ------------------------------------------------------------------------------------------------------------------
PLAIN = serial(Embedding(7, 4), Tanh, Dense(7).named("head"))
TIED = tie(PLAIN, {"head/w": transposed("embedding_0/w")})
TOKENS = RNG.integers(0, 7, (3, 5))


def test_the_tied_leaf_leaves_the_params_and_no_other_changes() -> None:
    """The other initial values are those of the network without ties."""
    params, plain = drawn(TIED, (3, 5)), drawn(PLAIN, (3, 5))
    assert params.paths() == ("embedding_0/w", "head/b")
    assert all(np.array_equal(params.at(path), plain.at(path)) for path in params.paths())


def test_cotangents_of_both_places_add_up() -> None:
    """The gradient of the table is that of the lookup plus the transposed one of the head, both by themselves."""
    params = drawn(TIED, (3, 5))
    full = params | {"head": {"w": params.at("embedding_0/w").T}}
    objective = value_and_grad(softmax_cross_entropy, TIED.apply), value_and_grad(softmax_cross_entropy, PLAIN.apply)
    (loss, grads), (plain, each) = (f(p, TOKENS, TOKENS) for f, p in zip(objective, (params, full), strict=True))
    assert loss == plain
    assert grads.at("embedding_0/w") == pytest.approx(each.at("embedding_0/w") + each.at("head/w").T, rel=1e-14)
    assert grads.at("head/b") == pytest.approx(each.at("head/b"), rel=1e-14)


def test_subtrees_are_tied_too() -> None:
    """Siamese networks: both sides have the weights of one, whose gradients add up."""
    net = tie(parallel(Dense(3).named("left"), Dense(3).named("right")), {"right": "left"})
    params = drawn(net, ((-1, 2), (-1, 2)))
    assert params.paths() == ("left/b", "left/w")
    u, v, du, dv = (
        RNG.normal(size=(4, 5, 2)),
        RNG.normal(size=(4, 5, 2)),
        RNG.normal(size=(4, 5, 3)),
        np.ones((4, 5, 3)),
    )
    one = Dense(3)
    (y, z), pullback = vjp(net.apply, params, (u, v))
    assert np.array_equal(y, one.apply(params.sub("left"), u)) and np.array_equal(z, one.apply(params.sub("left"), v))
    by_hand = [vjp(one.apply, params.sub("left"), x)[1](dy)[0] for x, dy in ((u, du), (v, dv))]
    for name in ("b", "w"):
        total = by_hand[0].at(name) + by_hand[1].at(name)
        assert pullback((du, dv))[0].at(f"left/{name}") == pytest.approx(total, rel=1e-13)


def test_ties_may_follow_each_other() -> None:
    """`c` is `b`, which is `a` turned: three places, one leaf, in whatever order it is said."""
    net = serial(*(Dense(3, bias=False).named(name) for name in "abc"))
    one = tie(net, {"c/w": transposed("b/w"), "b/w": transposed("a/w")})
    other = tie(net, {"b/w": transposed("a/w"), "c/w": "a/w"})
    params, x = drawn(one, (-1, 3)), RNG.normal(size=(4, 3))
    assert params.paths() == ("a/w",)
    w = params.at("a/w")
    y, pullback = vjp(one.apply, params, x)
    z, pull = vjp(other.apply, params, x)
    assert y == pytest.approx(x @ w @ w.T @ w, rel=1e-13) and np.array_equal(y, z)
    assert pullback(y)[0].at("a/w") == pytest.approx(pull(y)[0].at("a/w"), rel=1e-13)


@pytest.mark.parametrize(
    ("ties", "kind", "message"),
    [
        ({"head/w": "embedding_0/w"}, ShapeError, r"tie: head/w has shape \(4, 7\), 'embedding_0/w' has \(7, 4\)"),
        ({"head/v": "head/w"}, ParamsError, "tie: there is no 'head/v' among the params: embedding_0/w, head/w"),
        ({"head/w": "dense_0/w"}, ParamsError, "tie: there is no 'dense_0/w' among the params"),
        ({"head/w": transposed("embedding_0")}, ParamsError, "'embedding_0' is a subtree, and only leaves have"),
        ({"head": "embedding_0"}, ShapeError, "tie: head and 'embedding_0' have not the same names of params"),
    ],
)
def test_ties_that_do_not_fit(ties: dict[str, Any], kind: type[Exception], message: str) -> None:
    """With the path, what stands in its place, and what there is."""
    with pytest.raises(kind, match=message):
        tie(PLAIN, ties).init(0, (3, 5))


@pytest.mark.parametrize(
    ("ties", "kind", "message"),
    [
        ({}, ValueError, "tie: there is nothing to tie"),
        ({"a/w": "a/w"}, ValueError, "tie: 'a/w' is tied to itself"),
        ({"a/w": "a/w"}, ValueError, "'a/w' -> 'a/w'; leave one of these out, whose params stay"),
        ({"a/w": "b/w", "b/w": "a/w"}, ValueError, "tie: 'a/w' is tied to itself, 'a/w' -> 'b/w' -> 'a/w'; leave one"),
        (
            {"d/w": "a/w", "a/w": transposed("b/w"), "b/w": "c/w", "c/w": "a/w"}, ValueError,
            "tie: 'a/w' is tied to itself, 'a/w' -> 'b/w' -> 'c/w' -> 'a/w'; leave one of these out",
        ),
        ({"a": "a/w"}, ValueError, "tie: 'a' is tied to itself, for 'a/w' lies within 'a'; tie it to a path elsewhere"),
        ({"a/w": "a"}, ValueError, "tie: 'a/w' is tied to itself, for 'a/w' lies within 'a'"),
        ({"a": "b", "a/w": "c/w"}, ValueError, "tie: 'a/w' lies within 'a', which is tied"),
        (["a", "b"], TypeError, "tie takes a mapping of paths to paths"),
        ({"a": 3}, TypeError, "tie takes paths, strings like 'dense_0/w', got 'a': 3"),
    ],
)
def test_ties_that_say_nothing(ties: Any, kind: type[Exception], message: str) -> None:
    """At construction."""
    with pytest.raises(kind, match=message):
        tie(PLAIN, ties)


def test_errors_in_a_tied_network_have_one_path() -> None:
    """It adds no level, to params and messages alike."""
    net = serial(Relu, tie(serial(Dense(3), Dense(3)), {"dense_1/b": "dense_0/b"}))
    assert drawn(net, (-1, 4)).paths()[0] == "serial_0/dense_0/b"
    tie_of_three = serial(Relu, tie(serial(Dense(3), Dense(3), GLU), {"dense_1/b": "dense_0/b"}))
    with pytest.raises(ShapeError, match="^serial_0/glu_0 in serial: GLU takes an even number"):
        tie_of_three.out_shape((-1, 4))
    with pytest.raises(ShapeError, match="^serial_0 in serial: tie: dense_1/w has shape"):
        serial(Relu, tie(serial(Dense(3), Dense(3)), {"dense_1/w": "dense_0/w"})).init(0, (-1, 4))


def test_a_tied_network_is_data() -> None:
    """It prints, compares, pickles, is rebuilt, traced and summed up with its ties."""
    assert repr(TIED) == f"tie({PLAIN!r}, {{'head/w': transposed('embedding_0/w')}})"
    assert pickle.loads(pickle.dumps(TIED)) == TIED != tie(PLAIN, {"head/w": "embedding_0/w"})
    swapped = rebuild(TIED, lambda path, part: Relu if part == Tanh else part)
    assert repr(swapped) == repr(TIED).replace("Tanh", "Relu")
    params = drawn(TIED, (3, 5))
    assert list(trace(TIED)(params, TOKENS)[1]) == list(trace(PLAIN)(drawn(PLAIN, (3, 5)), TOKENS)[1])
    assert summary(TIED, (3, 5)).params == 7 * 4 + 7


# reparam --------------------------------------------------------------------------------------------------------------
def low_rank(rank: int) -> Layer[Array, Array]:
    """A Dense whose weights are `u v`: what people write with it."""

    def spec(wanted: Any) -> Any:
        init, (n, m) = wanted["w"]
        return {"b": wanted["b"], "u": (init, (n, rank)), "v": (init, (rank, m))}

    cache: dict[str, Any] = {}

    def inner(p: Any) -> Any:
        cache.update(p)
        return {"b": p["b"], "w": p["u"] @ p["v"]}

    def outer(g: Any) -> Any:
        return {"b": g["b"], "u": g["w"] @ cache["v"].T, "v": cache["u"].T @ g["w"]}

    return reparam(Dense(5), spec, inner, outer)


def test_weights_of_low_rank() -> None:
    """Values and gradients are those of two Dense in a row."""
    net, two = low_rank(2), serial(Dense(2, bias=False), Dense(5))
    params, x, dy = drawn(net, (-1, 4)), RNG.normal(size=(3, 4)), RNG.normal(size=(3, 5))
    assert params.paths() == ("b", "u", "v")
    same: Tree = {"dense_0": {"w": params.at("u")}, "dense_1": {"w": params.at("v"), "b": params.at("b")}}
    y, pullback = vjp(net.apply, params, x)
    z, pull = vjp(two.apply, same, x)
    (dp, dx), (dq, dz) = pullback(dy), pull(dy)
    assert y == pytest.approx(z) and dx == pytest.approx(dz) and dp.at("b") == pytest.approx(dq.at("dense_1/b"))
    assert dp.at("u") == pytest.approx(dq.at("dense_0/w")) and dp.at("v") == pytest.approx(dq.at("dense_1/w"))


def test_gradients_that_are_not_those_of_the_params_are_told() -> None:
    """Where they are made, in the reparametrized part."""
    net = serial(Dense(4), reparam(Dense(3), unchanged, halved, lambda g: {"w": g["w"]}))
    _, pullback = vjp(net.apply, drawn(net, (-1, 2)), np.ones((1, 2)))
    with pytest.raises(ParamsError, match="^dense_1 in serial: .*b"):
        pullback(np.ones((1, 3)))


def halved(tree: Any) -> Any:
    return {**tree, "w": tree["w"] / 2}


def unchanged(spec: Any) -> Any:
    return spec


def test_laws_of_a_linear_reparametrization() -> None:
    """All of them; functions of a module print and pickle."""
    net = reparam(Dense(3), unchanged, halved, halved)
    assert repr(net) == "reparam(Dense(3), unchanged, halved, halved)"
    holds(serial(net, Tanh), ("B", "D"), examples=10)


# repeat ---------------------------------------------------------------------------------------------------------------
def test_without_sharing_it_is_serial() -> None:
    """The same params, the same value."""
    net, plain = repeat(serial(Dense(4), Tanh), 3), serial(*[serial(Dense(4), Tanh)] * 3)
    params, x = drawn(net, (-1, 4)), RNG.normal(size=(2, 4))
    assert params == drawn(plain, (-1, 4)) and np.array_equal(net.apply(params, x), plain.apply(params, x))


def test_shared_weights_are_drawn_once_and_gradients_add_up() -> None:
    """Against the same layer three times in a row with equal weights."""
    f, n = serial(Dense(4), Tanh), 3
    net, plain = repeat(f, n, shared=True), repeat(f, n)
    params, x, dy = drawn(net, (-1, 4)), RNG.normal(size=(2, 4)), RNG.normal(size=(2, 4))
    assert params.paths() == ("serial_0/dense_0/b", "serial_0/dense_0/w")
    apart = Params({f"serial_{i}": params.to_dict()["serial_0"] for i in range(n)})
    y, pullback = vjp(net.apply, params, x)
    z, pull = vjp(plain.apply, apart, x)
    (dp, dx), (dq, dz) = pullback(dy), pull(dy)
    assert np.array_equal(y, z) and dx == pytest.approx(dz, rel=1e-13)
    for leaf in ("dense_0/b", "dense_0/w"):
        total = sum((dq.at(f"serial_{i}/{leaf}") for i in range(n)), np.zeros(()))
        assert dp.at(f"serial_0/{leaf}") == pytest.approx(total, rel=1e-13)


def test_a_shared_random_layer_draws_each_time() -> None:
    """Three times half of what is left: an eighth stays, not a half."""
    y = repeat(Dropout(0.5), 3, shared=True).apply({}, np.ones(100_000, np.float32), rng=1)
    assert np.mean(y != 0) == pytest.approx(1 / 8, abs=0.01)


def test_what_is_shared_must_take_what_it_gives() -> None:
    """Tuples too."""
    with pytest.raises(ShapeError, match=r"takes and gives arrays of one shape, got \(2, 4\) and \(2, 3\)"):
        repeat(Dense(3), 2, shared=True).out_shape((2, 4))
    pair = parallel(Dense(3), Identity)
    assert repeat(pair, 2, shared=True).out_shape(((2, 3), (2, 4))) == ((2, 3), (2, 4))
    with pytest.raises(ShapeError, match="takes and gives"):
        repeat(pair, 2, shared=True).out_shape(((2, 4), (2, 4)))


def test_repeat_counts() -> None:
    with pytest.raises(ValueError, match="repeat: n must be an integer of at least 1, got 0"):
        repeat(Dense(3), 0)


@pytest.mark.parametrize(
    "make", [lambda f: tie(f, {"a": "b"}), lambda f: repeat(f, 2), lambda f: freeze(f, {"w": np.ones(1)})]
)
def test_only_layers(make: Callable[[Any], Any]) -> None:
    """What is no layer is refused with what to do."""
    with pytest.raises(TypeError, match=r"takes layers, argument 0 is function"):
        make(Dense)


def test_keys_are_folded() -> None:
    """The i-th time gets the key folded with i."""
    net = serial(repeat(Dropout(0.5), 2, shared=True))
    x, key = np.ones(64), Key(3).fold("repeat_0")
    once = Dropout(0.5).apply({}, x, rng=key.fold(0).fold("dropout_0"))
    assert np.array_equal(net.apply({}, x, rng=3), Dropout(0.5).apply({}, once, rng=key.fold(1).fold("dropout_0")))
