"""Keras's weights: what its models computed, as lists and by path."""

from __future__ import annotations

import numpy as np
import pytest

from funcnn import Params
from funcnn.weights import from_keras, to_keras
from tests.weights.cases import recorded
from tests.weights.keras_cases import CASES


def params(case: str) -> Params:
    """Those of a case, by path."""
    net, shape, names = CASES[case]
    return from_keras(net, shape, recorded("keras")[case].weights, names=names)


@pytest.mark.parametrize("case", CASES)
def test_the_network_computes_what_the_model_did(case: str) -> None:
    """In float64, to rounding."""
    there = recorded("keras")[case]
    np.testing.assert_allclose(CASES[case].net.apply(params(case), there.x), there.y, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_lists_are_read_in_order(case: str) -> None:
    """What `get_weights` gives are the same params."""
    net, shape, _ = CASES[case]
    assert from_keras(net, shape, [*recorded("keras")[case].weights.values()]) == params(case)


@pytest.mark.parametrize("case", CASES)
def test_back_again_are_the_same_weights(case: str) -> None:
    """To the bit, as a list and by path."""
    net, shape, names = CASES[case]
    weights = recorded("keras")[case].weights
    by_path = to_keras(net, shape, params(case), names=names, like=weights)
    listed = to_keras(net, shape, params(case), like=[*weights.values()])
    assert list(by_path) == list(weights)
    for name, a, b in zip(weights, by_path.values(), listed, strict=True):
        assert a.dtype == b.dtype == weights[name].dtype and np.array_equal(a, b)
        np.testing.assert_array_equal(a, weights[name])


@pytest.mark.parametrize("case", CASES)
def test_without_a_model_the_list_is_read_again(case: str) -> None:
    """Out and in, of params that no model had; biases that are 0 beside a sum are what one bias can say."""
    net, shape, _ = CASES[case]
    _, drawn = net.init(3, shape, dtype=np.float32)
    assert from_keras(net, shape, to_keras(net, shape, drawn)) == drawn
