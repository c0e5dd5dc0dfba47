"""Slow weights and averages of params: by hand, and what reading them refuses."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from funcnn import adam, averaged, chain, ema, lookahead, sgd
from tests.optimizers.small_trees import PARAMS, steps


def test_lookahead_by_hand() -> None:
    """From 1 by steps of -0.2: fast 0.8, 0.6, slow 1 + 0.5 (0.6 - 1) = 0.8, then 0.6, 0.4, slow 0.8 + 0.5 (0.4 - 0.8)."""
    found, state = steps(lookahead(sgd(0.1), every=2), 4)
    np.testing.assert_allclose([p.at("head/b")[0] for p in found], [0.8, 0.8, 0.6, 0.6], rtol=1e-12)
    assert state.slow == found[-1] and state.step == 4


def test_averages_by_hand() -> None:
    """Params 0.8, 0.6, 0.4 with weights 1/4, 1/2, 1 of a half."""
    found, state = steps(chain(sgd(0.1), ema(0.5)), 3)
    mean = (0.25 * 0.8 + 0.5 * 0.6 + 0.4) / 1.75
    np.testing.assert_allclose(averaged(state).at("body/w"), mean, rtol=1e-14)
    np.testing.assert_allclose(averaged((1, (state, 2))).at("body/w"), mean, rtol=1e-14)
    assert averaged(state) == averaged(pickle.loads(pickle.dumps(state)))
    np.testing.assert_allclose(found[-1].at("body/w"), 0.4, rtol=1e-12)


def test_what_averaged_refuses() -> None:
    """States without a mean, with two, and before the first step."""
    with pytest.raises(TypeError, match="with one ema in it, found 0"):
        averaged(adam(0.1).init(PARAMS))
    with pytest.raises(TypeError, match="with one ema in it, found 2"):
        averaged(chain(ema(0.1), ema(0.2)).init(PARAMS))
    with pytest.raises(ValueError, match="no step has been made yet"):
        averaged(ema(0.5).init(PARAMS))
