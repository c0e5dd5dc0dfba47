"""Optimizers: closed forms of the first steps, the laws, states and optimizers as values."""

from __future__ import annotations

import math
import pickle
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import closed_forms
from tests.catalogue import OPTIMIZERS, OptimizerRow, build
from tests.closed_forms import gradients, run, tree, updating
from tests.evaluated import public_names
from tests.peers import tables
from tests.peers.optimizers import PEERS

import funcnn
from funcnn import (
    Optimizer,
    Gradients,
    Params,
    Updates,
    adam,
    adamw,
    apply_updates,
    chain,
    clip_by_global_norm,
    momentum,
    ravel,
    sgd,
    tree_map,
)
from funcnn.kernels.sweeps import BLOCK
from funcnn.optimizers import AdamState, MomentumState, SgdState, optimizer, scale_by_adam, scale_by_rate
from funcnn.params import ArrayTree
from funcnn.params.packing import pack

every_row = pytest.mark.parametrize("row", OPTIMIZERS, ids=lambda row: row.source)
ELEMENTWISE = [row for row in OPTIMIZERS if "clip" not in row.source]


def leaves(params: ArrayTree) -> dict[str, Any]:
    """The leaves by path, in float64."""
    return {path: params.at(path).astype(np.float64) for path in params.paths()}


# closed forms ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("row", [row for row in OPTIMIZERS if row.steps], ids=lambda row: row.source)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_first_steps_are_those_of_the_closed_form(row: OptimizerRow, dtype: type[np.floating[Any]]) -> None:
    """The first four updates agree with the algorithm written down from its source."""
    o, params, grads = build(row), tree(0, dtype), [gradients(i, dtype) for i in (1, 2, 3, 4)]
    plain, p = closed_forms.of(o), leaves(params)
    for g, u in zip(grads, run(o, params, grads)[0], strict=True):
        expected = plain(leaves(g), p)
        p = {k: p[k] + expected[k] for k in p}
        for path, leaf in leaves(u).items():
            np.testing.assert_allclose(leaf, expected[path], *((1e-12, 1e-14) if dtype is np.float64 else (2e-5, 1e-7)))


def test_every_optimizer_is_compared_with_another() -> None:
    """With its first steps written down from the source, but for one that is told a value; and with a peer's steps, but
    for those that no peer has, or that are nothing but others under another name.
    """
    worked_out = {row.source.partition("(")[0] for row in OPTIMIZERS if row.steps}
    named = {name for source in [*PEERS, *tables.PEERS] for name in re.findall(r"\w+", source)}
    names = {row.source.partition("(")[0] for row in OPTIMIZERS}
    assert names - worked_out == {"reduce_on_plateau"}
    assert names - named == {"ema", "scale_by_muon", "set_to_zero"}


def test_adam_starts_with_the_sign_of_the_gradient() -> None:
    """The first step of Adam is `-rate g / (|g| + eps)`, worked out by hand."""
    params = Params({"w": np.zeros(3)})
    updates, _ = adam(0.5, eps=1.0).update({"w": np.array([3.0, -1.0, 0.0])}, adam(0.5).init(params), params)
    np.testing.assert_allclose(updates.at("w"), [-0.375, 0.25, 0.0], rtol=1e-15)


FOLLOWED = {  # PyTorch 2.13, torch.optim.Adam([1.0], lr=0.5): one large gradient, then three of 1
    1.0: [0.5, 0.0, -0.5, -1.0],
    2e19: [0.5, 0.16497093439102173, -0.09400755167007446, -0.3061469793319702],
    5e20: [0.5, 0.16497084498405457, -0.09400764107704163, -0.306147038936615],
}


@pytest.mark.parametrize("first", FOLLOWED)
@pytest.mark.parametrize(
    "o", [adam(0.5), adamw(0.5), chain(scale_by_adam(), scale_by_rate(0.5)), chain(chain(adam(0.5)))], ids=repr
)
def test_adam_moves_on_after_a_large_gradient(o: Optimizer[Any], first: float) -> None:
    """As PyTorch does: the square of 2e19 is more than float32 holds, the second moment is not."""
    params = Params({"w": np.ones(1, np.float32)})
    state, found = o.init(params), []
    for g in (first, 1.0, 1.0, 1.0):
        params, state = o.step(Gradients({"w": np.array([g], np.float32)}), state, params)
        found.append(params.at("w")[0])
    np.testing.assert_allclose(found, FOLLOWED[first], rtol=1e-6, atol=2e-7)


@pytest.mark.parametrize("first", [2e19, 5e20])
@pytest.mark.parametrize(
    "o",
    [
        adam(0.5), adamw(0.5), scale_by_adam(), funcnn.optimizers.rmsprop(0.5), funcnn.optimizers.adadelta(0.5),
        funcnn.optimizers.rmsprop_momentum(0.5), funcnn.optimizers.nadam(0.5), funcnn.optimizers.radam(0.5, b2=0.99),
        funcnn.optimizers.adabelief(0.5), funcnn.optimizers.lamb(0.5),
    ],
    ids=repr,
)  # fmt: skip
def test_a_large_gradient_is_no_end(o: Optimizer[Any], first: float) -> None:
    """Steps in float32 are those in float64, which has room for every square, wherever the mean of squares has."""
    first = 2e19 if repr(o).startswith(("rms", "adadelta", "radam")) else first  # their factors are larger
    found: list[list[float]] = []
    for dtype in (np.float32, np.float64):
        params, steps = Params({"w": np.ones((1, 1), dtype)}), []
        state = o.init(params)
        for g in (first, 1.0, -1.0, 1.0, 1.0, 1.0):
            updates, state = o.update(Gradients({"w": np.full((1, 1), g, dtype)}), state, params)
            steps.append(float(updates.at("w")[0, 0]))
        found.append(steps)
    np.testing.assert_allclose(found[0], found[1], rtol=1e-5)


def test_momentum_gathers_speed() -> None:
    """Under a constant gradient of 1 the steps grow as 1, 1 + 1/2, 1 + 1/2 + 1/4."""
    params, ones = Params({"w": np.zeros(1)}), Gradients({"w": np.ones(1)})
    updates, _, _ = run(momentum(1.0, 0.5), params, [ones] * 3)
    assert [float(u.at("w")[0]) for u in updates] == [-1.0, -1.5, -1.75]


@pytest.mark.parametrize("o", [adam(1e-3), adamw(1e-3), momentum(0.1, 0.9)], ids=repr)
def test_dead_params_leave_no_denormal_numbers(o: Optimizer[Any]) -> None:
    """Where the gradient has become zero for good, moments go to zero; they would stay at 1e-45, where all is slow."""
    params, ones = Params({"w": np.ones(3, np.float32)}), Gradients({"w": np.array([1.0, 0.0, 1e-10], np.float32)})
    state = o.init(params)
    for t in range(1200):
        grads = ones if t == 0 else Gradients({"w": np.array([1.0, 0.0, 0.0], np.float32)})
        params, state = o.step(grads, state, params)
    assert [bool(x) for x in np.asarray(state[1].at("w"))] == [True, False, False]


@every_row
@pytest.mark.parametrize("n", [5, 2 * BLOCK])
def test_a_step_is_the_updates_applied(row: OptimizerRow, n: int) -> None:
    """Bit for bit, in every step; also for an optimizer that only has `update`, and for chains of both."""
    o = build(row)
    bare: Optimizer[Any] = Optimizer(o.init, lambda g, s, p: updating(o)(g, s, p))
    rng = np.random.default_rng(n)
    params = Params({"a": rng.standard_normal((2, n), np.float32), "b": rng.standard_normal(3, np.float32)})
    others: list[Optimizer[Any]] = [o, bare, chain(o, bare), chain(bare, o), chain(chain(), o), chain()]
    for other in others:
        at_once = in_turn = (params, other.init(params))
        for _ in range(2):
            grads = Gradients({"a": rng.standard_normal((2, n), np.float32), "b": rng.standard_normal(3, np.float32)})
            at_once = other.step(grads, at_once[1], at_once[0], value=1.0)
            updates, state = updating(other)(grads, in_turn[1], in_turn[0])
            in_turn = apply_updates(in_turn[0], updates), state
            assert at_once == in_turn


@pytest.mark.parametrize("n", [BLOCK - 1, BLOCK, 2 * BLOCK + 1])
@pytest.mark.parametrize("o", [sgd(0.1), momentum(0.1, 0.9), adam(0.1), adamw(0.1, where="**")], ids=repr)
def test_long_vectors_are_updated_as_short_ones(o: Optimizer[Any], n: int) -> None:
    """Going block by block changes no bit."""
    rng = np.random.default_rng(n)
    p, g = rng.standard_normal((2, n), np.float32)
    cut = n // 3
    whole, _, _ = run(o, Params({"a": p}), [Gradients({"a": g})] * 2)
    parts, _, _ = run(o, Params({"a": p[:cut], "b": p[cut:]}), [Gradients({"a": g[:cut], "b": g[cut:]})] * 2)
    short, _, _ = run(o, Params({"a": p[-99:]}), [Gradients({"a": g[-99:]})] * 2)
    assert ravel(whole[1])[0].tobytes() == ravel(parts[1])[0].tobytes()
    assert whole[1].at("a")[-99:].tobytes() == short[1].at("a").tobytes()


# laws -----------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("o", [sgd(0.1), momentum(0.1, 0.9), adam(0.1)], ids=repr)
@given(seed=st.integers(0, 2**32))
def test_zero_gradients_change_nothing(o: Optimizer[Any], seed: int) -> None:
    """From a fresh state, zero gradients leave params as they are, bit for bit, negative zeros too."""
    params = tree(seed).set("w", np.full((2, 2), -0.0))
    zeros = Gradients(tree_map(np.zeros_like, params))
    assert run(o, params, [zeros] * 3)[1] == params


@pytest.mark.parametrize("row", ELEMENTWISE, ids=lambda row: row.source)
@given(seed=st.integers(0, 2**32))
def test_splitting_a_tree_commutes_with_update(row: OptimizerRow, seed: int) -> None:
    """Two halves of a tree are updated as the whole is."""
    o, params, grads = build(row), tree(seed), [gradients(seed + i) for i in (1, 2)]
    _, whole, _ = run(o, params, grads)
    f = run(o, params.sub("f"), [g.sub("f") for g in grads])[1]
    w = run(o, Params({"w": params.at("w")}), [Gradients({"w": g.at("w")}) for g in grads])[1]
    assert Params({"f": f}) | w == whole


@every_row
def test_packed_trees_give_the_same_bits(row: OptimizerRow) -> None:
    """Packed or not, `Params` or dicts, in whatever order of names: the same updates and states."""
    o, params, grads = build(row), tree(0), [gradients(1), gradients(2)]
    forms: list[Callable[[ArrayTree], Any]] = [pack, ArrayTree.to_dict, lambda t: dict(reversed(t.to_dict().items()))]
    expected = run(o, params, grads)
    assert [run(o, form(params), [form(g) for g in grads]) for form in forms] == [expected] * 3


@every_row
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_is_that_of_the_params(row: OptimizerRow, dtype: type[np.floating[Any]]) -> None:
    """float32 stays float32: updates, params, and every tree of the state."""
    updates, params, state = run(build(row), tree(0, dtype), [gradients(1, dtype), gradients(2, dtype)])

    def dtypes(value: Any) -> set[np.dtype[Any]]:
        if isinstance(value, ArrayTree):
            return {value.at(path).dtype for path in value.paths()}
        return set().union(*map(dtypes, value)) if isinstance(value, tuple) else set()

    assert dtypes((*updates, params, state)) == {np.dtype(dtype)}


@every_row
def test_updates_are_pure(row: OptimizerRow) -> None:
    """Neither gradients nor params nor state are changed, and the same call gives the same again."""
    o, params, grads = build(row), tree(0), gradients(1)
    update = updating(o)
    _, state = update(gradients(2), o.init(params), params)
    before = pickle.dumps((params, grads, state))
    first, second = update(grads, state, params), update(grads, state, params)
    assert first == second
    assert pickle.dumps((params, grads, state)) == before


@every_row
def test_what_comes_out_is_read_only(row: OptimizerRow) -> None:
    """Nobody can write into updates, new params or states."""
    updates, params, _ = run(build(row), tree(0), [gradients(1)])
    assert not any(t.at(path).flags.writeable for t in (updates[0], params) for path in t.paths())


def test_states_stay_what_they_were() -> None:
    """States, updates and params that somebody keeps never change, though memory is used again."""
    rng = np.random.default_rng(0)
    n, o = BLOCK + 1, adam(0.1)
    params = Params({"w": rng.standard_normal(n, np.float32)})
    state, kept = o.init(params), []
    for _ in range(12):
        updates, state = o.update(Gradients({"w": rng.standard_normal(n, np.float32)}), state, params)
        params = apply_updates(params, updates)
        kept.append(((updates.at("w"), params, state), pickle.dumps((updates.at("w"), params, state))))
    assert [pickle.dumps(values) == told for values, told in kept] == [True] * 12


def test_threads_may_share_everything() -> None:
    """Steps taken by several threads at once from shared params and state are those of one thread."""
    rng = np.random.default_rng(0)
    params = Params({"w": rng.standard_normal((2, BLOCK), np.float32)})
    grads = Gradients({"w": rng.standard_normal((2, BLOCK), np.float32)})
    expected = run(adamw(0.1), params, [grads] * 3)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda i: run(adamw(0.1), params, [grads] * 3) == expected, range(12))) == [True] * 12


# states and optimizers as values --------------------------------------------------------------------------------------
@every_row
def test_optimizers_print_as_source(row: OptimizerRow) -> None:
    """What an optimizer prints evaluates to an equal one."""
    assert eval(repr(build(row)), (vars(funcnn.optimizers) | public_names())) == build(row)


@every_row
def test_optimizers_pickle(row: OptimizerRow) -> None:
    """A pickled optimizer comes back equal, and gives the same steps."""
    o = build(row)
    again = pickle.loads(pickle.dumps(o))
    assert again == o and hash(again) == hash(o)
    assert run(again, tree(0), [gradients(1)]) == run(o, tree(0), [gradients(1)])


@every_row
def test_a_pickled_state_goes_on_as_if_never_stopped(row: OptimizerRow) -> None:
    """State and params come back equal from a pickle, and the next step is the same bit for bit."""
    o = build(row)
    _, params, state = run(o, tree(0), [gradients(1), gradients(2)])
    again_params, again_state = pickle.loads(pickle.dumps((params, state)))
    assert (again_params, again_state) == (params, state)
    update = updating(o)
    assert update(gradients(3), again_state, again_params) == update(gradients(3), state, params)


def test_an_optimizer_is_a_pair() -> None:
    """It unpacks, and the pair makes an equal one; other arguments make another."""
    init, update = adam(0.1)
    assert Optimizer(init, update) == adam(0.1)
    assert adam(0.1) != adam(0.2) and adam(0.1) != adamw(0.1)


def test_any_pair_of_functions_is_an_optimizer() -> None:
    """A pair that no constructor recorded prints as the pair."""
    made: Optimizer[int] = Optimizer(closed_over_init, closed_over_update)
    assert repr(made).startswith("Optimizer(init=<function closed_over_init")
    assert pickle.loads(pickle.dumps(made)) == made


def closed_over_init(params: funcnn.Tree) -> int:
    """A state of nothing."""
    return 0


def closed_over_update(grads: funcnn.Tree, state: int, params: funcnn.Tree) -> tuple[Updates, int]:
    """Gradients as they are."""
    return Updates(grads), state


@optimizer
def clipped(rate: float) -> Optimizer[Any]:
    """A user's own optimizer made of others."""
    return chain(clip_by_global_norm(1.0), sgd(rate))


def test_a_users_optimizer_is_recorded() -> None:
    """An optimizer made of others prints, pickles and compares by its own constructor."""
    assert repr(clipped(0.5)) == "clipped(0.5)"
    assert pickle.loads(pickle.dumps(clipped(0.5))) == clipped(0.5)


def test_states_count_their_steps() -> None:
    """The state is a named tuple of the step count and trees like the params."""
    params, grads = tree(0), gradients(1)
    assert run(sgd(0.1), params, [grads] * 3)[2] == SgdState(3)
    assert run(momentum(0.1, 0.9), params, [grads])[2] == MomentumState(1, Params(grads))
    assert run(adam(0.1), params, [grads])[2] == AdamState(1, Params(grads), Params(tree_map(lambda g: np.square(math.sqrt(1 - 0.999) * g), grads)))
