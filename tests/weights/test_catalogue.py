"""Every layer and combinator of the catalogue goes out and comes in again, or is refused by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from funcnn import Params, ParamsError, tree_map
from funcnn.weights import from_keras, from_state_dict, from_stax, state_dict_names, to_keras, to_state_dict, to_stax
from tests.catalogue import COMBINATORS, LAYERS, LayerRow, build

ROWS = {row.source: row for row in (*LAYERS, *COMBINATORS)}
SIZES = {"B": 2, "T": 6}
REFUSED = {"ensemble": "members of an ensemble", "freeze": "which were frozen"}


def filled(template: Any) -> Any:
    """A shape of a template."""
    if any(isinstance(size, tuple) for size in template):
        return tuple(filled(part) for part in template)
    largest = [max(size) if isinstance(size, range) else size for size in template if size is not ...]
    return tuple([SIZES.get(size, 4) if isinstance(size, str) else size for size in largest])


def drawn(row: LayerRow) -> tuple[Any, Any, Params]:
    """A network of the catalogue, a shape for it, and params that are nowhere 0 and nowhere equal."""
    net, shape, rng = build(row), filled(row.shape), np.random.default_rng(0)
    _, params = net.init(0, shape)
    return net, shape, tree_map(lambda a: rng.normal(size=a.shape).astype(a.dtype), params)


@pytest.mark.parametrize("source", ROWS)
def test_pytorch(source: str) -> None:
    """To the bit; every array is told."""
    net, shape, params = drawn(ROWS[source])
    try:
        state = to_state_dict(net, shape, params)
    except ParamsError as error:
        assert any(name in source and said in str(error) for name, said in REFUSED.items()), error
        return
    assert from_state_dict(net, shape, state) == params
    assert from_state_dict(net, shape, {f"module.{name}": a for name, a in state.items()}) == params
    assert to_state_dict(net, shape, params, like=state).keys() == state.keys()
    assert {*params.paths()} <= state_dict_names(net, shape, state).keys()


@pytest.mark.parametrize("source", ROWS)
def test_keras_and_stax(source: str) -> None:
    """What went out once comes in, and goes out as the same: two biases are one there, statistics are none."""
    net, shape, params = drawn(ROWS[source])
    try:
        listed, nested = to_keras(net, shape, params), to_stax(net, shape, params)
    except ParamsError as error:
        assert any(name in source and said in str(error) for name, said in REFUSED.items()), error
        return
    back = from_keras(net, shape, listed)
    assert back.paths() == params.paths()
    again = to_keras(net, shape, back)
    assert [a.tobytes() for a in again] == [a.tobytes() for a in listed]
    there = from_stax(net, shape, nested)
    if "BatchNorm" not in source:
        assert there == params
    assert repr(to_stax(net, shape, there)) == repr(nested)
