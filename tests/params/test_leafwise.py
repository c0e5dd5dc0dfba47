"""Functions of params, leaf by leaf."""

from __future__ import annotations

import numpy as np
import pytest

from funcnn import DTypeError, Params, ParamsError, Tree, astype, tree_map

W, B = np.arange(6.0).reshape(2, 3), np.array([6.0, 7.0, 8.0])
TREE: Tree = {"dense_0": {"w": W, "b": B}, "scale": np.array([1.0])}
PARAMS = Params(TREE)


def test_tree_map_maps_corresponding_leaves() -> None:
    """Of any number of trees; results are copied."""
    doubled = tree_map(np.add, PARAMS, TREE)
    assert doubled.at("dense_0/b").tolist() == [12, 14, 16] and doubled.paths() == PARAMS.paths()
    assert not np.shares_memory(tree_map(lambda leaf: leaf, PARAMS).at("scale"), PARAMS.at("scale"))


def test_tree_map_needs_one_structure() -> None:
    """Every path that differs is named."""
    with pytest.raises(ParamsError) as caught:
        tree_map(np.add, PARAMS, {"dense_0": {"w": W, "c": B}})
    differs = "missing dense_0/b, missing scale, unexpected dense_0/c"
    assert str(caught.value) == f"tree_map needs trees of one structure: {differs}"


def test_astype_converts_every_leaf() -> None:
    """To floating-point dtypes alone."""
    assert {astype(PARAMS, np.float32).at(path).dtype for path in PARAMS.paths()} == {np.dtype(np.float32)}
    with pytest.raises(DTypeError, match="params are floating-point, got dtype int64"):
        astype(PARAMS, int)
