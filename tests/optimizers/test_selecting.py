"""Optimizers of some of the leaves, and those of whole leaves: by hand, and what they refuse."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest

from funcnn import (
    Gradients,
    Params,
    ParamsError,
    adafactor,
    adam,
    by_label,
    chain,
    clip_by_global_norm,
    ema,
    frozen,
    lookahead,
    masked,
    momentum,
    muon,
    ravel,
    rprop,
    sgd,
    sm3,
)
from funcnn.optimizers import MuonState, scale, scale_by_momentum, scale_by_muon, scale_by_trust_ratio
from tests.closed_forms import gradients, run, tree
from tests.optimizers.small_trees import GRADS, PARAMS, steps


# for some of the leaves -----------------------------------------------------------------------------------------------
def test_masked_lets_others_pass() -> None:
    """A clipped head, a body as it was."""
    updates, _ = chain(masked(clip_by_global_norm(1.0), "head/**"), sgd(1.0)).update(
        GRADS, chain(masked(clip_by_global_norm(1.0), "head/**"), sgd(1.0)).init(PARAMS), PARAMS
    )
    assert np.all(updates.at("body/w") == -2)
    np.testing.assert_allclose(np.linalg.norm(ravel(updates.sub("head"))[0]), 1.0, rtol=1e-14)


def test_groups_have_optimizers_of_their_own() -> None:
    """The first pattern that matches counts; states are those of the groups alone."""
    optimizer = by_label({"head/w": adam(0.1), "head/**": sgd(0.5), "**": frozen})
    (after,), state = steps(optimizer, 1)
    assert after.sub("body") == PARAMS.sub("body")
    np.testing.assert_allclose(after.at("head/b"), 0.0)
    np.testing.assert_allclose(after.at("head/w"), 0.9, rtol=1e-7)
    assert state[0].m.paths() == ("head/w",)
    alone = adam(0.1)
    picked = Params({"head": {"w": PARAMS.at("head/w")}})
    again, _ = alone.step({"head": {"w": GRADS.at("head/w")}}, alone.init(picked), picked)
    assert again.at("head/w").tobytes() == after.at("head/w").tobytes()


def test_no_leaf_is_left_alone_by_mistake() -> None:
    """A leaf without an optimizer, and an optimizer without a leaf, are errors when training starts."""
    with pytest.raises(ParamsError, match=re.escape('no pattern matches body/b, body/w; add "**" last for the rest')):
        by_label({"head/**": sgd(0.1)}).init(PARAMS)
    with pytest.raises(ParamsError, match="by_label: where='tail/\\*\\*' matches no path of the params"):
        by_label({"tail/**": sgd(0.1), "**": frozen}).init(PARAMS)
    with pytest.raises(ParamsError, match="the patterns before 'head/w' leave no path to it"):
        by_label({"**": frozen, "head/w": sgd(0.1)}).init(PARAMS)
    with pytest.raises(ParamsError, match="masked: where='tail' matches no path"):
        masked(sgd(0.1), "tail").init(PARAMS)


def test_frozen_params_stay() -> None:
    """To the last bit, and in every chain."""
    found, _ = steps(chain(adam(0.1), frozen), 3)
    assert found[-1] == PARAMS


# whole leaves ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (4, 4), (2, 2, 6)])
def test_muon_steps_are_nearly_orthogonal(shape: tuple[int, ...]) -> None:
    """Directions are those of `U V^T`, whose singular values are one; longer where there are more columns than rows."""
    g = np.random.default_rng(0).normal(size=shape)
    part = scale_by_muon()
    params = Params({"w": np.zeros(shape)})
    updates, state = part.update(Gradients({"w": g}), part.init(params), params)
    rows, columns = int(np.prod(shape[:-1])), shape[-1]
    u, _, vt = np.linalg.svd(g.reshape(rows, columns), full_matrices=False)
    found = updates.at("w").reshape(rows, columns) / np.sqrt(max(1, columns / rows))
    size = np.linalg.svd(found)[1]
    assert size.min() > 0.6 and size.max() < 1.3
    np.testing.assert_allclose(u.T @ found @ vt.T, np.diag(np.diag(u.T @ found @ vt.T)), atol=1e-12)
    assert isinstance(state, MuonState) and np.array_equal(state.velocity.at("w"), g)


def test_muon_leaves_vectors_to_adam() -> None:
    """Or to what it is given."""
    (a, *_), _ = steps(muon(0.1), 1)
    np.testing.assert_allclose(a.at("head/b"), 0.9, rtol=1e-7)
    (b, *_), _ = steps(muon(0.1, others=sgd(0.5)), 1)
    np.testing.assert_allclose(b.at("head/b"), 0.0)
    assert a.at("body/w").tobytes() == b.at("body/w").tobytes()


def test_trust_ratios_by_hand() -> None:
    """Leaves of length 2 and gradients of length 4: half, times the coefficient; zeros stay as they are."""
    part = scale_by_trust_ratio(0.1)
    params = Params({"a": np.ones(4), "b": np.zeros(4), "c": np.ones(4)})
    g = Gradients({"a": np.full(4, 2.0), "b": np.ones(4), "c": np.zeros(4)})
    u, _ = part.update(g, part.init(params), params)
    np.testing.assert_allclose(u.at("a"), 0.1)
    assert np.all(u.at("b") == 1) and np.all(u.at("c") == 0)


def test_momentum_is_a_chain() -> None:
    """`momentum` is the sum of gradients, and then a rate."""
    parts = chain(scale_by_momentum(0.9), sgd(0.1))
    grads = [gradients(i) for i in (1, 2, 3)]
    for a, b in zip(run(parts, tree(0), grads)[0], run(momentum(0.1, 0.9), tree(0), grads)[0], strict=True):
        np.testing.assert_allclose(ravel(a)[0], ravel(b)[0], rtol=1e-14)


def test_memory_of_rows_and_columns() -> None:
    """SM3 and Adafactor keep a number for every row and column of a matrix, not one for every entry."""
    params = Params({"w": np.ones((300, 200), np.float32)})
    assert sm3(0.1).init(params).covers.at("w").shape == (500,)
    state = adafactor(0.1).init(params)
    assert state.rows.at("w").size + state.columns.at("w").size == 500 and state.squares.at("w").size == 1


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: masked(3, "w"), TypeError, "masked takes an optimizer, got 3"),  # type: ignore[arg-type]
        (lambda: lookahead(adam), TypeError, "lookahead takes an optimizer, got"),  # type: ignore[arg-type]
        (lambda: lookahead(sgd(0.1), every=0), ValueError, "lookahead: every must be an integer of at least 1, got 0"),
        (lambda: lookahead(sgd(0.1), share=0), ValueError, "lookahead: share must be in (0, 1], got 0"),
        (lambda: by_label([adam(0.1)]), TypeError, "by_label takes optimizers by patterns of paths, got"),  # type: ignore[arg-type]
        (lambda: by_label({"w": 0.1}), TypeError, "by_label takes an optimizer, got 0.1"),  # type: ignore[dict-item]
        (lambda: ema(1.0), ValueError, "ema: decay must be in [0, 1), got 1.0"),
        (lambda: rprop(0.1, eta_plus=0.9), ValueError, "rprop: eta_minus must be below 1, eta_plus above"),
        (lambda: scale_by_muon(steps=0), ValueError, "scale_by_muon: steps must be an integer of at least 1, got 0"),
        (lambda: scale(-1.0), ValueError, "scale"),
    ],
)  # fmt: skip
def test_a_word_for_it(call: Callable[[], object], error: type[Exception], message: str) -> None:
    """By name."""
    with pytest.raises(error, match=re.escape(message)):
        call()
