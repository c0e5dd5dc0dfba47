"""PyTorch's state dicts: what its modules computed, and what does not fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from funcnn import Params
from funcnn.weights import from_state_dict, state_dict_names, to_state_dict
from tests.weights.cases import recorded
from tests.weights.torch_cases import CASES


def nested(case: str, x: Any) -> Any:
    """The inputs as our network takes them."""
    if case in ("lstm_cell", "scanned"):
        return x[0], (x[1], x[2])
    return x


def value(y: Any) -> Any:
    """The output itself, where a state comes with it."""
    return y[0] if isinstance(y, tuple) else y


def params(case: str) -> Params:
    """Those of a case."""
    net, shape, names = CASES[case]
    return from_state_dict(net, shape, recorded("torch")[case].weights, names=names)


@pytest.mark.parametrize("case", CASES)
def test_the_network_computes_what_the_module_did(case: str) -> None:
    """In float64, to rounding."""
    there = recorded("torch")[case]
    mine = value(CASES[case].net.apply(params(case), nested(case, there.x)))
    np.testing.assert_allclose(mine, there.y, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_back_again_is_the_same_state_dict(case: str) -> None:
    """Names, order, dtypes and every bit."""
    net, shape, names = CASES[case]
    weights = recorded("torch")[case].weights
    back = to_state_dict(net, shape, params(case), names=names, like=weights)
    assert list(back) == list(weights)
    for name, a in weights.items():
        assert (back[name].dtype, back[name].shape) == (a.dtype, a.shape)
        np.testing.assert_array_equal(back[name], a)
        assert back[name].flags.c_contiguous and back[name].flags.writeable


@pytest.mark.parametrize("case", CASES)
def test_out_and_in_again_is_the_same_params(case: str) -> None:
    """By names of our own, to the bit, of params that no module had."""
    net, shape, _ = CASES[case]
    _, drawn = net.init(3, shape, dtype=np.float32)
    assert from_state_dict(net, shape, to_state_dict(net, shape, drawn)) == drawn


@pytest.mark.parametrize("case", CASES)
def test_every_leaf_is_told(case: str) -> None:
    """Which tensors it is made of."""
    net, shape, names = CASES[case]
    weights = recorded("torch")[case].weights
    told = state_dict_names(net, shape, weights, names=names)
    assert {*params(case).paths()} <= told.keys()
    used = {name for names in told.values() for name in names}
    assert {name for name in weights if not name.endswith("num_batches_tracked")} == used
