"""Steps that are not made: what is not finite, what is kept, when enough is enough, and how `fit` lives with it."""

from __future__ import annotations

import pickle
import re
from typing import Any

import numpy as np
import pytest

from funcnn import (
    Dense, Gradients, Key, NonFiniteError, Optimizer, Params, adam, by_label, chain, clip_by_global_norm, ema, fit,
    frozen, lookahead, momentum, sgd, sign_sgd, skip_nonfinite, squared_error, tree_map,
)  # fmt: skip
from funcnn.optimizers import SkipState, scale_by_adam, scale_by_rate
from tests.optimizers.small_trees import GRADS, PARAMS

NAN = Gradients(GRADS.set("head/b", np.array([np.nan])))
INF = Gradients(GRADS.set("body/w", np.full((2, 3), np.inf)))


@pytest.mark.parametrize("bad", [NAN, INF], ids=["nan", "inf"])
@pytest.mark.parametrize("inner", [adam(0.1), momentum(0.1, 0.9), sign_sgd(0.1), lookahead(sgd(0.1), 2)], ids=repr)
def test_a_bad_step_is_as_if_it_had_not_been(inner: Optimizer[Any], bad: Gradients) -> None:
    """Params and state stay, to the last bit; the steps after it are those without it. By `step` and by `update`."""
    optimizer = skip_nonfinite(inner)
    params, state = PARAMS, optimizer.init(PARAMS)
    plain, memory = PARAMS, inner.init(PARAMS)
    for i, g in enumerate((GRADS, bad, GRADS, bad, bad, GRADS)):
        updates, other = optimizer.update(g, state, params)
        before = params
        params, state = optimizer.step(g, state, params)
        assert other == state
        if g is bad:
            assert params == before and not any(updates.at(path).any() for path in updates.paths())
        else:
            plain, memory = inner.step(g, memory, plain)
        assert (params, state.inner) == (plain, memory)
        assert (state.in_a_row, state.skipped) == [(0, 0), (1, 1), (0, 1), (1, 2), (2, 3), (0, 3)][i]
    assert pickle.loads(pickle.dumps(state)) == state


def test_a_loss_that_is_not_finite_is_no_step() -> None:
    """Where it is told."""
    optimizer = skip_nonfinite(sgd(0.1))
    state = optimizer.init(PARAMS)
    assert optimizer.step(GRADS, state, PARAMS, value=np.inf) == (PARAMS, SkipState(1, 1, state.inner))
    assert optimizer.step(GRADS, state, PARAMS, value=1.0)[0] != PARAMS


def test_what_overflows_is_no_step() -> None:
    """A finite gradient whose square is not, and one that leads beyond all numbers; no warning comes with it."""
    single = Params(tree_map(lambda p: p.astype(np.float32), PARAMS))
    large = Gradients(tree_map(lambda p: np.full_like(p, 1e25), single))
    optimizer = skip_nonfinite(adam(0.1))
    assert optimizer.step(large, optimizer.init(single), single)[1].skipped == 1
    far = skip_nonfinite(sgd(1e20))
    assert far.step(large, far.init(single), single)[0] == single
    assert far.update(large, far.init(single), single)[1].skipped == 1


def test_too_many_in_a_row() -> None:
    """Are an error that says what the last of them was."""
    optimizer = skip_nonfinite(adam(0.1), limit=2)
    params, state = PARAMS, optimizer.init(PARAMS)
    for g in (NAN, NAN, GRADS, NAN, NAN):
        params, state = optimizer.step(g, state, params)
    said = "the gradient of head/b is not finite; skip_nonfinite has skipped 2 steps in a row, limit=2"
    with pytest.raises(NonFiniteError, match=re.escape(said)):
        optimizer.step(NAN, state, params)
    with pytest.raises(NonFiniteError, match="the loss is nan"):
        never = skip_nonfinite(sgd(0.1), limit=0)
        never.step(GRADS, never.init(PARAMS), PARAMS, value=float("nan"))


def test_what_it_refuses() -> None:
    """By name."""
    with pytest.raises(TypeError, match="skip_nonfinite takes an optimizer, got"):
        skip_nonfinite(adam)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="skip_nonfinite: limit must be an integer of at least 0, got -1"):
        skip_nonfinite(sgd(0.1), limit=-1)
    with pytest.raises(TypeError, match="skip_nonfinite takes the SkipState that its init"):
        skip_nonfinite(sgd(0.1)).update(GRADS, sgd(0.1).init(PARAMS), PARAMS)  # type: ignore[arg-type]


# with fit -------------------------------------------------------------------------------------------------------------
NET = Dense(1)
START = NET.init(Key(0), (-1, 2), dtype=np.float64)[1]
X, Y = np.random.default_rng(0).normal(size=(8, 2)), np.random.default_rng(1).normal(size=(8, 1))
HOLED = np.where(np.arange(8)[:, None] == 3, np.nan, Y)


def run(optimizer: Optimizer[Any], target: Any = HOLED, **options: Any) -> list[Any]:
    """Four batches of two, of which the second has a target that is NaN."""
    steps = {"epochs": 2, "batch_size": 2, "shuffle": False, **options}
    return list(fit(squared_error, NET.apply, optimizer, START, (X, target), **steps))


def test_fit_goes_on_after_a_bad_batch() -> None:
    """Its metrics say that the loss was NaN; the params are those of the good batches alone."""
    found = run(skip_nonfinite(adam(0.1)))
    assert [bool(np.isnan(metrics.loss)) for _, metrics in found] == [False, True, False, False] * 2
    last, _ = found[-1]
    assert (last.step, last.optimizer.skipped, last.optimizer.in_a_row) == (8, 2, 0)
    good = [0, 1, 4, 5, 6, 7]
    data = X[good], Y[good]
    clean = list(fit(squared_error, NET.apply, adam(0.1), START, data, epochs=2, batch_size=2, shuffle=False))
    assert clean[-1][0].params == last.params


def test_fit_stops_after_too_many() -> None:
    """And says at which step, and why."""
    said = "step 3, batch 2 of epoch 0: the loss is nan and the gradient of w is not finite; skip_nonfinite has skipped"
    with pytest.raises(NonFiniteError, match=said):
        run(skip_nonfinite(adam(0.1), limit=2), np.full_like(Y, np.nan))


def test_what_stands_outside_is_looked_at() -> None:
    """A part in front that has taken NaN in, a group beside it, are reported; `fit` yields nothing but numbers."""
    with pytest.raises(NonFiniteError, match="the gradient of w is not finite, and the update leaves m of w"):
        run(chain(scale_by_adam(), skip_nonfinite(scale_by_rate(0.1))))
    with pytest.raises(NonFiniteError, match="step 2, .*, and the update leaves w not finite"):
        run(by_label({"b": skip_nonfinite(sgd(0.1)), "**": sgd(0.1)}))


@pytest.mark.parametrize(
    "optimizer",
    [
        chain(clip_by_global_norm(1.0), skip_nonfinite(adam(0.1))),
        chain(skip_nonfinite(sgd(0.1)), ema(0.5)),
        by_label({"w": skip_nonfinite(sgd(0.1)), "**": frozen}),
        lookahead(skip_nonfinite(sgd(0.1)), every=2),
    ],
    ids=repr,
)
def test_inside_others(optimizer: Optimizer[Any]) -> None:
    """`fit` finds it there."""
    for state, _ in run(optimizer):
        assert all(np.isfinite(state.params.at(path)).all() for path in state.params.paths())


def test_without_it_fit_refuses_as_ever() -> None:
    """At once."""
    with pytest.raises(NonFiniteError, match="step 2, batch 1 of epoch 0: the loss is nan and the gradient of w"):
        run(chain(adam(0.1), ema(0.9)))
