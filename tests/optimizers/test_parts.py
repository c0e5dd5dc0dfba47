"""Optimizers as chains of named parts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from funcnn import Optimizer, ParamsError, adam, adamw, chain, cosine_decay, momentum, sgd
from funcnn.optimizers import add_decayed_weights, scale_by_adam, scale_by_rate
from tests.closed_forms import gradients, run, tree

RATE = cosine_decay(0.1, 6)
SAME: list[tuple[Optimizer[Any], Optimizer[Any]]] = [
    (chain(scale_by_adam(), scale_by_rate(0.1)), adam(0.1)),
    (chain(scale_by_adam(0.8, 0.9, 0.1), scale_by_rate(RATE)), adam(RATE, 0.8, 0.9, 0.1)),
    (
        chain(scale_by_adam(), add_decayed_weights(0.01), scale_by_rate(0.1)),
        adamw(0.1, weight_decay=0.01),
    ),
    (
        chain(scale_by_adam(), add_decayed_weights(0.5, where="f/*"), scale_by_rate(RATE)),
        adamw(RATE, weight_decay=0.5, where="f/*"),
    ),
    (scale_by_rate(RATE), sgd(RATE)),
]


@pytest.mark.parametrize(("parts", "whole"), SAME, ids=[repr(whole) for _, whole in SAME])
def test_a_chain_of_parts_is_the_optimizer(parts: Optimizer[Any], whole: Optimizer[Any]) -> None:
    """But for rounding, over five steps, in float64 and in float32; by update and by step."""
    for dtype, precision in ((np.float64, 1e-12), (np.float32, 1e-5)):
        params, grads = tree(0, dtype), [gradients(i, dtype) for i in range(1, 6)]
        _, one, _ = run(parts, params, grads)
        _, other, _ = run(whole, params, grads)
        state = parts.init(params)
        for g in grads:
            params, state = parts.step(g, state, params)
        for path in one.paths():
            assert one.at(path) == pytest.approx(other.at(path), rel=precision, abs=precision)
            assert np.array_equal(params.at(path), one.at(path))


def test_decay_in_front_is_a_penalty() -> None:
    """Momentum then gathers it with the gradients."""
    params, grads = tree(0), [gradients(1), gradients(2)]
    updates, _, _ = run(chain(add_decayed_weights(0.5, where="w"), momentum(0.1, 0.9)), params, grads)
    first = -0.1 * (grads[0].at("w") + 0.5 * params.at("w"))
    assert updates[0].at("w") == pytest.approx(first)
    moved = params.at("w") + first
    velocity = 0.9 * (grads[0].at("w") + 0.5 * params.at("w")) + grads[1].at("w") + 0.5 * moved
    assert updates[1].at("w") == pytest.approx(-0.1 * velocity)
    assert updates[0].at("f/c") == pytest.approx(-0.1 * grads[0].at("f/c"))


def test_what_parts_refuse() -> None:
    """By name, as the optimizers made of them do."""
    with pytest.raises(ValueError, match=r"add_decayed_weights: weight_decay must be in \[0, inf\), got -1"):
        add_decayed_weights(-1)
    with pytest.raises(ValueError, match=r"scale_by_rate: rate must be a positive finite number, got 0"):
        scale_by_rate(0)
    with pytest.raises(ValueError, match=r"scale_by_adam: b1 must be in \[0, 1\), got 1"):
        scale_by_adam(1)
    with pytest.raises(ParamsError, match="add_decayed_weights: where='x' matches no path"):
        add_decayed_weights(0.1, where="x").init(tree(0))
