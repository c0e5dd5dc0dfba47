"""freeze, thaw, partition, count and reinit: params that stay, and params that are looked at by path."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from funcnn import (
    Array, BatchNorm, Conv, Dense, Dropout, Embedding, Flatten, Gradients, Key, Layer, Params, ParamsError, Relu,
    ShapeError, Tanh, adam, calibrate, count, ensemble, freeze, inference, mlp, parallel, partition, reinit, repeat,
    residual, serial, squared_error, summary, thaw, tie, trace, value_and_grad, vjp,
)  # fmt: skip
from funcnn.testing import holds

RNG = np.random.default_rng(4)
NET = serial(Dense(4), Tanh, residual(serial(Dense(4), Tanh)), Dense(2).named("head"))


def drawn(net: Layer[Any, Any], shape: Any, seed: int = 0) -> Params:
    return net.init(seed, shape, dtype=np.float64)[1]


FULL = drawn(NET, (-1, 3))
PATTERNS = ["dense_0/**", "head/w", "**/b", "residual_0/**", "residual_0/serial_0/dense_0/b", "**"]


# freeze ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("where", PATTERNS)
def test_gradients_are_those_of_the_network_restricted(where: str) -> None:
    """The same value bit for bit, the same gradients of what is left, the same cotangent of the input."""
    frozen, rest = freeze(NET, FULL, where), partition(FULL, where)[1]
    x, dy = RNG.normal(size=(5, 3)), RNG.normal(size=(5, 2))
    y, pullback = vjp(frozen.apply, rest, x)
    z, pull = vjp(NET.apply, FULL, x)
    (dp, dx), (dq, dz) = pullback(dy), pull(dy)
    assert np.array_equal(y, z) and np.array_equal(dx, dz) and np.array_equal(frozen.apply(rest, x), z)
    assert dp.paths() == rest.paths() and all(np.array_equal(dp.at(path), dq.at(path)) for path in dp.paths())


def test_functions_and_none_choose_too() -> None:
    """As everywhere: None is the matrices."""
    assert freeze(NET, FULL, None).init(0, (-1, 3))[1] == drawn_like(NET, "**/b")
    assert freeze(NET, FULL, lambda path, leaf: leaf.ndim == 1).init(0, (-1, 3))[1] == drawn_like(NET, "**/w")


def drawn_like(net: Layer[Any, Any], where: str) -> Params:
    """Those of the network in float32: what is left is drawn as before."""
    return partition(net.init(0, (-1, 3))[1], where)[0]


class Pulled(list[str]):
    """Layers that note that they were pulled."""

    def layer(self, name: str) -> Layer[Array, Array]:
        dense = Dense(4)

        def rule(params: Any, x: Array) -> tuple[Array, Any]:
            y, back = dense.definition.rule(params, x)

            def pullback(dy: Array) -> Any:
                self.append(name)
                return back(dy)

            return y, pullback

        return Layer.of(lambda s: (*s[:-1], 4), dense.init.spec, rule).named(name)


def test_a_frozen_backbone_is_never_pulled() -> None:
    """Frozen as a part, or by path in the whole: a training step touches the head alone."""
    seen = Pulled()
    backbone, head = serial(seen.layer("a"), Relu, seen.layer("b")), seen.layer("c")
    whole = serial(backbone.named("backbone"), Relu, head)
    params = drawn(whole, (-1, 3))
    x, t = RNG.normal(size=(6, 3)), RNG.normal(size=(6, 4))
    part = serial(freeze(backbone, params.sub("backbone")).named("backbone"), Relu, head)
    by_path = freeze(whole, params, "backbone/**")
    found = []
    for net in (part, by_path):
        seen.clear()
        found.append(value_and_grad(squared_error, net.apply)(partition(params, "c/*")[0], x, t))
        assert seen == ["c"]
    assert found[0] == found[1]
    seen.clear()
    assert vjp(by_path.apply, partition(params, "c/*")[0], x)[1](t)[1].shape == (6, 3)
    assert seen == ["c", "b", "a"]  # the user wants dx


def test_a_frozen_middle_passes_cotangents_on() -> None:
    """What lies before it still learns."""
    rest = partition(FULL, "residual_0/**")[1]
    _, grads = value_and_grad(squared_error, freeze(NET, FULL, "residual_0/**").apply)(
        rest, np.ones((2, 3)), np.zeros((2, 2))
    )
    assert grads.at("dense_0/w").any()


def test_constants_take_the_dtype_of_the_rest() -> None:
    """Params in float64 in a network that is trained in float32."""
    net = freeze(NET, FULL, "dense_0/**")
    _, params = net.init(0, (-1, 3))
    x = np.ones((2, 3), np.float32)
    y, pullback = vjp(net.apply, params, x)
    assert y.dtype == np.float32 and pullback(y)[1].dtype == np.float32
    assert freeze(NET, FULL).apply({}, x).dtype == np.float32
    words = serial(Embedding(5, 2), Dense(2))
    held = freeze(words, drawn(words, (-1, 3)), "embedding_0/**")
    assert held.apply(held.init(0, (-1, 3))[1], np.array([[1, 2, 3]])).dtype == np.float32


def test_an_optimizer_moves_what_is_left() -> None:
    """Constants are no params: nothing decays them."""
    net, (chosen, params) = freeze(NET, FULL, "dense_0/**"), partition(FULL, "dense_0/**")
    optimizer = adam(0.1)
    state, x, t = optimizer.init(params), RNG.normal(size=(8, 3)), RNG.normal(size=(8, 2))
    for _ in range(3):
        _, grads = value_and_grad(squared_error, net.apply)(params, x, t)
        params, state = optimizer.step(grads, state, params)
    thawed, full = thaw(net, params)
    assert thawed == NET and partition(full, "dense_0/**")[0] == chosen
    assert np.array_equal(thawed.apply(full, x), net.apply(params, x))


@pytest.mark.parametrize(
    ("where", "kind", "message"),
    [
        ("encoder/**", ParamsError, "where='encoder/\\*\\*' matches no path of the params: dense_0/b, dense_0/w"),
        (lambda path, leaf: False, ParamsError, "chooses no leaf of the params"),
        (3, TypeError, "where must be a pattern of paths"),
    ],
)
def test_where_must_choose_something(where: Any, kind: type[Exception], message: str) -> None:
    """As in penalties and optimizers."""
    with pytest.raises(kind, match=message):
        freeze(NET, FULL, where)
    with pytest.raises(kind, match=message):
        partition(FULL, where)


def test_leaves_that_the_network_has_not() -> None:
    """Of another name, or another shape; told when the network meets a shape."""
    with pytest.raises(ParamsError, match="freeze: there is no 'dense_7/w' among the params"):
        freeze(NET, {"dense_7": {"w": np.ones((3, 4))}}).init(0, (-1, 3))
    with pytest.raises(ShapeError, match=r"freeze: dense_0/w has shape \(5, 4\), the frozen leaf has \(3, 4\)"):
        freeze(NET, FULL, "dense_0/w").init(0, (-1, 5))


def test_frozen_parts_of_many_kinds() -> None:
    """In composites, shared repeats, ties and ensembles, the value stays, and thaw undoes it."""
    ties = tie(serial(Dense(3), Dense(3)), {"dense_1/w": "dense_0/w"})
    for net, where in (
        (mlp((4, 3), Tanh), "dense_0/*"),
        (repeat(serial(Dense(3), Tanh), 2, shared=True), "**/w"),
        (ties, "dense_0/w"),
        (serial(Dense(3), ties), "serial_0/dense_1/b"),
        (ensemble(serial(Dense(4), Tanh), 3), "dense_0/b"),
        (serial(inference(serial(Dense(4), BatchNorm())), Dense(2)), "serial_0/**"),
    ):
        params, x = drawn(net, (-1, 3)), RNG.normal(size=(4, 3))
        frozen, rest = freeze(net, params, where), partition(params, where)[1]
        assert np.array_equal(frozen.apply(rest, x), net.apply(params, x))
        assert frozen.init(0, (-1, 3), dtype=np.float64)[1] == rest
        assert thaw(frozen, rest) == (net, params)
        y, pullback = vjp(frozen.apply, rest, x)
        full = vjp(net.apply, params, x)[1](y)[0]
        assert all(np.array_equal(g, full.at(p)) for p, g in ((p, pullback(y)[0].at(p)) for p in rest.paths()))


def test_freezing_twice_and_thawing_once() -> None:
    """Each freezes what is left by the other; thaw puts all of it back, wherever it lies."""
    once = freeze(NET, FULL, "dense_0/**")
    left = partition(FULL, "dense_0/**")[1]
    twice = freeze(once, left, "head/**")
    rest = partition(left, "head/**")[1]
    x = RNG.normal(size=(4, 3))
    assert twice.init(0, (-1, 3))[1].paths() == rest.paths()
    assert np.array_equal(twice.apply(rest, x), NET.apply(FULL, x))
    assert thaw(twice, rest) == (NET, FULL)
    inside = serial(Dense(3), twice.named("middle"), Dense(1))
    params = drawn(inside, (-1, 3))
    net, full = thaw(inside, params)
    assert net == serial(Dense(3), NET.named("middle"), Dense(1)) and full.sub("middle") | {} == FULL | rest_of(params)
    assert np.array_equal(net.apply(full, x), inside.apply(params, x))


def rest_of(params: Params) -> Params:
    return params.sub("middle")


def test_thawing_members_of_an_ensemble() -> None:
    """A constant of all members becomes a leaf of each."""
    one = serial(Dense(4), Tanh)
    params = drawn(one, (-1, 3))
    net = serial(Dense(3), ensemble(freeze(one, params, "dense_0/w"), 3))
    rest, x = drawn(net, (-1, 3)), RNG.normal(size=(5, 3))
    thawed, full = thaw(net, rest)
    assert thawed == serial(Dense(3), ensemble(one, 3))
    assert full.at("serial_0/dense_0/w").shape == (3, 3, 4)
    assert np.array_equal(thawed.apply(full, x), net.apply(rest, x))


def test_thawing_what_is_not_frozen() -> None:
    """The same network, the same params; a gradient in their place is refused."""
    assert thaw(NET, FULL) == (NET, FULL)
    with pytest.raises(ParamsError, match="got Gradients where params belong"):
        thaw(NET, Gradients(FULL))


def test_a_frozen_network_is_data() -> None:
    """It compares and pickles by its constants; it is traced, calibrated and summed up."""
    net = freeze(NET, FULL, "dense_0/**")
    assert pickle.loads(pickle.dumps(net)) == net == freeze(NET, FULL, where="dense_0/**")
    other = FULL.set("dense_0/b", np.ones(4))
    assert net != freeze(NET, other, "dense_0/**")
    assert repr(net) == f"freeze({NET!r}, Params(6 leaves, 46 values, float64, 368 bytes), 'dense_0/**')"
    rest, x = partition(FULL, "dense_0/**")[1], RNG.normal(size=(4, 3))
    (_, seen), (_, plain) = trace(net)(rest, x), trace(NET)(FULL, x)
    assert list(seen) == list(plain) and all(np.array_equal(seen[path], plain[path]) for path in seen)
    assert summary(net, (-1, 3)).params == count(rest)


def test_calibrating_beside_what_is_frozen() -> None:
    """Statistics that are constants stay, the others are found."""
    net = serial(Dense(4), BatchNorm(), Dense(4), BatchNorm())
    params, x = drawn(net, (-1, 3)), RNG.normal(size=(50, 3))
    frozen = freeze(net, params, "batch_norm_0/**")
    found = calibrate(frozen, partition(params, "batch_norm_0/**")[1], [x])
    assert found.at("batch_norm_1/mean").any() and "batch_norm_0" not in found


def test_laws_of_frozen_networks() -> None:
    """All of them: a part, leaves by path, everything."""
    rng = Key(0)
    inner = serial(Dense(4), Tanh, Dense(3))
    params = inner.init(rng, (-1, 4))[1]
    holds(serial(freeze(inner, params), Dense(2)), ("B", 4), examples=8)
    holds(serial(Dense(4), freeze(inner, params, "**/w"), Dropout(0.3)), ("B", "D"), examples=8, except_={})
    image = serial(Conv(2, (2, 2)), Flatten, Dense(2))
    holds(freeze(image, image.init(0, (-1, 3, 3, 1))[1], "conv_0/**"), ("B", 3, 3, 1), examples=8)
    two = parallel(Dense(3), Dense(3))
    holds(freeze(two, two.init(0, ((-1, 2), (-1, 3)))[1], "dense_1/**"), (("B", 2), ("B", 3)), examples=8)


# partition, count, reinit ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("where", [*PATTERNS[:-1], None])
def test_a_partition_is_one(where: Any) -> None:
    """Disjoint, and together everything; `|` in both orders."""
    a, b = partition(FULL, where)
    assert not set(a.paths()) & set(b.paths()) and a | b == FULL == b | a
    assert count(a) + count(b) == count(FULL) == 46 and count(FULL, where) == count(a)


def test_partition_keeps_the_kind() -> None:
    """Gradients in, gradients out; a plain mapping becomes params."""
    a, _ = partition(Gradients(FULL), "head/*")
    assert isinstance(a, Gradients)
    assert isinstance(partition(FULL.to_dict(), "**/w")[0], Params)


def test_count_of_nothing() -> None:
    """An activation has no params."""
    assert count({}) == 0 == count(Relu.init(0, (-1, 3))[1])
    with pytest.raises(ParamsError, match="count: where='head' matches no path"):
        count(FULL, "head")


def test_reinit_draws_what_is_chosen() -> None:
    """As `init` draws it by that key; the rest is untouched, dtypes stay."""
    new = reinit(NET, FULL, "head/**", Key(9), (-1, 3))
    assert partition(new, "head/**")[1] == partition(FULL, "head/**")[1]
    assert new.at("head/w") == pytest.approx(NET.init(Key(9), (-1, 3))[1].at("head/w"))
    assert new.at("head/w").dtype == np.float64
    with pytest.raises(ParamsError, match="reinit: the params are not this network's: missing dense_0/b"):
        reinit(NET, partition(FULL, "head/**")[0], "head/**", 0, (-1, 3))
    with pytest.raises(ParamsError, match="matches no path"):
        reinit(NET, FULL, "tail/**", 0, (-1, 3))
