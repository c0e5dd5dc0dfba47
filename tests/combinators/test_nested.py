"""Combinators in each other, three deep, at random: nothing breaks, and gradients are those of the values."""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from funcnn import (
    BatchNorm, Conv1D, Dense, Dropout, FanInConcat, FanInProduct, FanInSum, FanOut, GRU, GRUCell, Gelu, Last, Layer,
    LayerNorm, MultiHeadAttention, RMSNorm, RotaryEmbedding, Tanh, TransformerBlock, bidirectional, calibrate,
    checkpoint, ensemble, first, freeze, inference, jvp, keep, layer, map_over, parallel, partition,
    per_example_grads, reparam, repeat, residual, scan, select, serial, shape_dependent, split, squared_error,
    summary, thaw, tie, trace, transposed, tree_map, value_and_grad, vjp,
)  # fmt: skip

ROWS, STEPS, WIDTH = 3, 5, 4
SHAPE = (ROWS, STEPS, WIDTH)
Net = Layer[Any, Any]


def widening(shape: Any) -> Net:
    """For `shape_dependent`."""
    return serial(Dense(int(shape[-1])), Tanh)


def as_it_is(tree: Any) -> Any:
    """For `reparam`."""
    return tree


@layer
def Total() -> Net:
    """The members of an ensemble added up."""
    return Layer.lift(lambda shape: shape[1:], lambda x: (x.sum(0), lambda dy: np.broadcast_to(dy, x.shape).copy()))


LEAVES: tuple[Callable[[], Net], ...] = (
    lambda: Dense(WIDTH), lambda: Dense(WIDTH, bias=False), lambda: LayerNorm(center=False), RMSNorm, lambda: Tanh,
    lambda: Gelu, lambda: Dropout(0.4), BatchNorm, lambda: GRU(WIDTH), lambda: MultiHeadAttention(2, causal=True),
    lambda: Conv1D(WIDTH, 2, padding="CAUSAL"), RotaryEmbedding, lambda: TransformerBlock(WIDTH, 2, hidden=5),
)  # fmt: skip


def two(f: Net, g: Net, join: Net) -> Net:
    """Both of the same, joined."""
    return serial(FanOut(2), parallel(f, g), join)


def siamese(f: Net) -> Net:
    """The same twice."""
    both = two(f.named("left"), f.named("right"), FanInSum)
    some = any("right" in path for path in both.init(0, SHAPE)[1].paths())
    return tie(both, {"parallel_0/right": "parallel_0/left"}) if some else both


def partly_frozen(f: Net, chance: random.Random) -> Net:
    """One of its leaves a constant."""
    _, params = f.init(1, SHAPE)
    return freeze(f, params, chance.choice(params.paths())) if params.paths() else f


def drawn(depth: int, chance: random.Random) -> Net:
    """A network from (batch, time, 4) to the same."""
    if not depth:
        return chance.choice(LEAVES)()

    def part() -> Net:
        return drawn(depth - 1, chance)

    kinds: tuple[Callable[[], Net], ...] = (
        lambda: serial(part().named("body"), Dense(WIDTH)),
        lambda: residual(part()),
        lambda: residual(part(), part()),
        lambda: two(part(), part(), FanInProduct),
        lambda: repeat(part(), 2),
        lambda: repeat(part(), 2, shared=True),
        lambda: checkpoint(part()),
        lambda: inference(part()),
        lambda: shape_dependent(widening),
        lambda: map_over(serial(Dense(3), BatchNorm(), Dense(WIDTH))),
        lambda: serial(bidirectional(part()), Dense(WIDTH)),
        lambda: siamese(part()),
        lambda: tie(serial(Dense(4).named("a"), part(), Dense(4).named("b")), {"b/w": transposed("a/w")}),
        lambda: partly_frozen(part(), chance),
        lambda: serial(ensemble(part(), 3), Total()),
        lambda: serial(Dense(8), split(2), parallel(part(), part()), FanInConcat(), Dense(WIDTH)),
        lambda: serial(two(part(), serial(Last, Dense(WIDTH)), scan(GRUCell(WIDTH))), select(0)),
        lambda: serial(FanOut(2), first(part()), FanInSum),
        lambda: serial(FanOut(2), keep(serial(select(0), part())), FanInSum),
        lambda: reparam(part(), as_it_is, as_it_is, as_it_is),
    )
    return chance.choice(kinds)()


def dot(a: Any, b: Any) -> float:
    """Over all leaves."""
    return sum(float((a.at(path) * b.at(path)).sum()) for path in a.paths())


@pytest.mark.parametrize("seed", range(24))
def test_combinators_in_each_other(seed: int) -> None:
    """Gradients are the transpose of the derivative; walks, copies, parts of params fit."""
    chance, numbers = random.Random(seed), np.random.default_rng(seed)
    net = drawn(2 + seed % 2, chance)
    x, v, dy = numbers.normal(size=(3, *SHAPE))
    out, params = net.init(1, SHAPE, dtype=np.float64)
    params = tree_map(lambda a: a + 0.1 * numbers.random(a.shape), params)
    assert out == SHAPE and summary(net, SHAPE).params == sum(params.at(path).size for path in params.paths())
    u = tree_map(lambda a: numbers.normal(size=a.shape), params)
    for rng in (None, 5):
        options: dict[str, Any] = {} if rng is None else {"rng": rng}
        y, pullback = vjp(net.apply, params, x, **options)
        np.testing.assert_allclose(net.apply(params, x, **options), y, rtol=1e-11, atol=1e-12)
        dparams, dx = pullback(dy)
        along = jvp(net.apply, (params, x), (u, v), **options)[1]
        assert float((dy * along).sum()) == pytest.approx(dot(dparams, u) + float((dx * v).sum()), rel=1e-8, abs=1e-9)
        assert np.array_equal(trace(net)(params, x, **options)[0], net.apply(params, x, **options))
    assert not net.apply(params, x[:0]).size
    assert pickle.loads(pickle.dumps(net)) == net
    assert calibrate(net, params, [x, x[:1]]).paths() == params.paths()
    each = per_example_grads(value_and_grad(squared_error, net.apply), params, x, x)
    whole = value_and_grad(squared_error, net.apply)(params, x, x, rng=None)[1]
    for path in params.paths():
        np.testing.assert_allclose(each.at(path).mean(0), whole.at(path), rtol=1e-8, atol=1e-10)
        frozen, rest = freeze(net, params, path), partition(params, path)[1]
        np.testing.assert_allclose(frozen.apply(rest, x), net.apply(params, x), rtol=1e-12, atol=1e-13)
        if "freeze" not in repr(net):
            assert thaw(frozen, rest) == (net, params)
