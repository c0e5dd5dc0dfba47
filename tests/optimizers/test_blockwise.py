"""Optimizers written for one block of a vector, and groups of params."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest

from funcnn import Gradients, Optimizer, Params, ParamsError, adam, apply_updates, chain, cosine_decay, momentum, sgd
from funcnn.kernels import updates as kernel
from funcnn.kernels.sweeps import Block
from funcnn.optimizers import AdamState, MomentumState, SgdState, scaled
from funcnn.optimizers.blockwise import blockwise
from funcnn.optimizers.flat import flat
from funcnn.optimizers.groups import Group, Table, grouping
from funcnn.params.packing import pack
from funcnn.types import Array
from tests.closed_forms import run

SIZES = {"few": 5, "many": 70_001, "more": 200_003}  # in one block, in several, and enough for several cores
RATE = cosine_decay(0.1, 6)


def drawn(seed: int, n: int) -> Params:
    """Four leaves, of which the last three make the head."""
    rng = np.random.default_rng(seed)
    leaves = {name: rng.standard_normal(n).astype(np.float32) for name in ("b", "g", "w")}
    return Params({"body": {"w": rng.standard_normal((2, 3)).astype(np.float32)}, "head": leaves})


def by_mass(t: int, rate: float) -> Block:
    """Momentum."""

    def block(g: Array, u: Array, p: Array, old: Sequence[Array], new: Sequence[Array]) -> None:
        np.multiply(old[0], 0.9, new[0])
        np.add(new[0], g, new[0])
        np.multiply(new[0], -rate, u)

    return block


def by_moments(t: int, rate: float) -> Block:
    """Adam, in the order of the kernel."""
    scale, eps = kernel.adam_scalars(t, rate, 0.9, 0.999, 1e-8)
    root = math.sqrt(1 - 0.999)

    def block(g: Array, u: Array, p: Array, old: Sequence[Array], new: Sequence[Array]) -> None:
        (m, v), (a, b) = old, new
        np.add(m * 0.9, g, a)
        np.multiply(g, root, u)
        np.add(v * 0.999, u * u, b)
        np.divide(a, np.sqrt(b) + eps, u)
        np.multiply(u, scale, u)

    return block


SAME: dict[str, tuple[Optimizer[Any], Optimizer[Any]]] = {
    "momentum": (blockwise("momentum", MomentumState, RATE, by_mass, fading=(0.9,)), momentum(RATE, 0.9)),
    "adam": (blockwise("adam", AdamState, RATE, by_moments, fading=(0.9, 0.999)), adam(RATE)),
}


@pytest.mark.parametrize("n", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize(("ours", "written"), SAME.values(), ids=SAME)
def test_the_bits_are_those_of_the_kernels(ours: Optimizer[Any], written: Optimizer[Any], n: int) -> None:
    """Updates, states and params, by `update` and by `step`, of gradients that are packed and that are not."""
    params = drawn(0, n)
    grads = [Gradients(pack(drawn(1, n))), Gradients(drawn(2, n))]
    one, other = run(ours, params, grads), run(written, params, grads)
    assert one == other
    state, other_state, moved, other_moved = ours.init(params), written.init(params), params, params
    for g in grads:
        moved, state = ours.step(g, state, moved)
        other_moved, other_state = written.step(g, other_state, other_moved)
    assert (moved, state) == (other_moved, other_state) == (one[1], one[2])


def test_what_is_near_the_denormal_numbers_becomes_zero() -> None:
    """Of the state, every so many steps, as in the kernels: here every twentieth."""
    halved = blockwise("halved", MomentumState, lambda step: 1.0, by_half, fading=(0.5001,))
    params = Params({"w": np.full(3, 1e-33, np.float32)})
    interval = kernel.flush_interval(0.5001)
    tiny = MomentumState(interval - 1, params)
    assert halved.step(Gradients(params), tiny, params)[1].velocity.at("w").tolist() == [0, 0, 0]
    early = halved.step(Gradients(params), tiny._replace(step=0), params)[1]
    assert early.velocity == Params({"w": params.at("w") / 2})


def by_half(t: int, rate: float) -> Block:
    """Half of the state is kept."""

    def block(g: Array, u: Array, p: Array, old: Sequence[Array], new: Sequence[Array]) -> None:
        np.multiply(old[0], 0.5, new[0])
        np.multiply(g, -rate, u)

    return block


@pytest.mark.parametrize("n", SIZES.values(), ids=SIZES)
def test_blocks_get_the_params(n: int) -> None:
    """Those that belong to their gradients: decay written as a block is decay."""

    def rule(t: int, rate: float) -> Block:
        return lambda g, u, p, old, new: np.multiply(g + 0.5 * p, -rate, u)

    params, grads = drawn(0, n), Gradients(drawn(1, n))
    decayed = blockwise("decayed", SgdState, lambda step: 0.25, rule)
    updates, state = decayed.update(grads, decayed.init(params), params)
    for path in params.paths():
        wanted = (grads.at(path) + np.float32(0.5) * params.at(path)) * np.float32(-0.25)
        assert np.array_equal(updates.at(path), wanted)
    assert state == SgdState(1)
    assert decayed.step(grads, SgdState(0), params) == (apply_updates(params, updates), SgdState(1))


class Told(NamedTuple):
    """What a block was made with, and what it got."""

    factor: float
    params: frozenset[float]


@pytest.mark.parametrize("n", SIZES.values(), ids=SIZES)
def test_no_block_crosses_the_border_of_a_group(n: int) -> None:
    """Wherever memory is cut: every block sees params of its own group alone, and every param is seen once a step."""
    seen: list[Told] = []
    made: list[float] = []
    counted: list[int] = []

    def rule(t: int, rate: float, factor: float) -> Block:
        made.append(factor)

        def block(g: Array, u: Array, p: Array, old: Sequence[Array], new: Sequence[Array]) -> None:
            seen.append(Told(factor, frozenset(np.unique(p).tolist())))
            counted.append(p.size)
            np.multiply(g, factor, u)

        return block

    table = Table((("head/g", 3.0), ("head/*", 2.0)), 1.0)
    told = {"body/w": 1.0, "head/b": 2.0, "head/g": 3.0, "head/w": 2.0}
    params = drawn(0, n)
    for path, factor in told.items():
        params = params.set(path, np.full_like(params.at(path), factor))
    grouped = blockwise("grouped", SgdState, lambda step: 1.0, rule, table)
    for grads in (Gradients(pack(params)), Gradients(params)):
        for told_before in (seen, made, counted):
            told_before.clear()
        updates, _ = grouped.update(grads, grouped.init(params), params)
        assert all(params == {factor} for factor, params in seen) and {factor for factor, _ in seen} == {1, 2, 3}
        assert sorted(made) == [1, 2, 3] and sum(counted) == sum(params.at(path).size for path in params.paths())
        for path, factor in told.items():
            assert np.array_equal(updates.at(path), grads.at(path) * np.float32(factor))


def groups_of(params: Params, *tables: Table) -> tuple[Group, ...]:
    """The groups."""
    return grouping("test", *tables)(*flat(params))


def test_neighbours_of_which_the_same_is_told_are_one_group() -> None:
    """By one table or several; the first row that chooses a leaf counts."""
    params = drawn(0, 2)  # body/w has 6 numbers, head/b, head/g and head/w have 2
    assert groups_of(params) == (Group(0, 12, ()),)
    assert groups_of(params, Table((), 1.0)) == (Group(0, 12, (1.0,)),)
    assert groups_of(params, Table((("head/*", 0.5),), 1.0)) == (Group(0, 6, (1.0,)), Group(6, 12, (0.5,)))
    rows = (("head/g", 2.0), ("**", 0.5))
    assert groups_of(params, Table(rows, 1.0)) == (
        Group(0, 8, (0.5,)), Group(8, 10, (2.0,)), Group(10, 12, (0.5,)),
    )  # fmt: skip
    assert groups_of(params, Table(rows[::-1], 1.0)) == (Group(0, 12, (0.5,)),)
    assert groups_of(params, Table((("head/*", 0.5),), 1.0), Table(((None, 1.0),), 0.0)) == (
        Group(0, 6, (1.0, 1.0)), Group(6, 12, (0.5, 0.0)),
    )  # fmt: skip
    assert groups_of(Params({}), Table((), 1.0)) == ()


def test_functions_that_look_at_values_are_asked_at_every_step() -> None:
    """Patterns are not: what they say of a layout is remembered."""
    asked: list[str] = []

    def large(path: str, leaf: Array) -> bool:
        asked.append(path)
        return bool(leaf.max() > 1)

    found = grouping("test", Table(((large, 1.0),), 0.0))
    _, layout = flat(Params({"a": np.array([2.0]), "b": np.array([0.0])}))
    assert found(np.array([2.0, 0.0]), layout) == (Group(0, 1, (1.0,)), Group(1, 2, (0.0,)))
    assert found(np.array([0.0, 2.0]), layout) == (Group(0, 1, (0.0,)), Group(1, 2, (1.0,)))
    assert asked == ["a", "b", "a", "b"]
    fixed = grouping("test", Table((("a", 1.0),), 0.0))
    assert fixed(np.zeros(2), layout) is fixed(np.ones(2), layout)


@pytest.mark.parametrize("n", SIZES.values(), ids=SIZES)
def test_scaled_steps_are_those_of_other_rates(n: int) -> None:
    """Behind gradient descent exactly, where the factor is a power of two; by `update` and by `step`."""
    params, grads = drawn(0, n), Gradients(drawn(1, n))
    whole = chain(sgd(0.1), scaled({"head/g": 0.0, "body/**": 4.0, "**": 0.5}))
    updates, state = whole.update(grads, whole.init(params), params)
    for path, factor in {"body/w": 4.0, "head/b": 0.5, "head/g": 0.0, "head/w": 0.5}.items():
        assert np.array_equal(updates.at(path), np.float32(-0.1) * grads.at(path) * np.float32(factor))
    assert whole.step(grads, state, params)[0] == apply_updates(params, updates)


@pytest.mark.parametrize(
    ("factors", "error", "said"),
    [
        ({}, ValueError, r"scaled: factors must be numbers in \[0, inf\), one at least, got {}"),
        ({"a": -1.0}, ValueError, r"scaled: factors must be numbers in \[0, inf\), one at least, got {'a': -1.0}"),
        ({"a": math.inf}, ValueError, "scaled: factors must be numbers"),
        ({"a": "b"}, ValueError, "scaled: factors must be numbers"),
        ({"a": True}, ValueError, "scaled: factors must be numbers"),
        (0.5, TypeError, r"scaled: factors must be a mapping of patterns, {'head/\*\*': 0.1}, got 0.5"),
        ({3: 0.5}, TypeError, "scaled: factors must be a mapping of patterns"),
    ],
)
def test_what_scaled_refuses(factors: Any, error: type[Exception], said: str) -> None:
    """When it is made."""
    with pytest.raises(error, match=said):
        scaled(factors)


def test_a_pattern_that_matches_nothing_is_refused() -> None:
    """By `init`, with the paths."""
    with pytest.raises(ParamsError, match="scaled: where='tail' matches no path of the params: body/w, head/b"):
        scaled({"**": 0.5, "tail": 1.0}).init(drawn(0, 1))


def test_the_order_of_the_patterns_counts() -> None:
    """For the first that matches wins: two orders print, compare and step otherwise."""
    one, other = scaled({"**": 0.5, "head/*": 1.0}), scaled({"head/*": 1.0, "**": 0.5})
    assert one != other and one == scaled({"**": 0.5, "head/*": 1.0})
    assert repr(one) == "scaled({'**': 0.5, 'head/*': 1.0})"
    factors: dict[str, Any] = {"**": np.float32(0.5)}
    assert scaled(factors) == scaled({"**": 0.5})


def test_params_without_leaves_have_nothing_to_step() -> None:
    """There are no groups, and nothing that a pattern could have meant."""
    doubled = blockwise("doubled", SgdState, lambda step: 2.0, lambda t, rate: by_half(t, rate))
    assert doubled.step(Gradients({}), doubled.init({}), Params({})) == (Params({}), SgdState(1))
    assert scaled({"head": 2.0}).step(Gradients({}), (), Params({})) == (Params({}), ())
