"""Networks as ONNX models: every row of the catalogue, run by onnxruntime."""

from __future__ import annotations

import random

import numpy as np
import pytest

from funcnn import ExportError, AvgPool, Conv, Dense, MaxPool, Relu, Tanh, serial
from funcnn.testing import Case
from tests.bridges.onnx_runs import NEAR, difference, of_layer, ops, run
from tests.catalogue import COMBINATORS, LAYERS, LayerRow, build, name_of
from tests.mypy_plugin.random_programs import shape_for

DERIVATIVES = ("tangent", "second_tangent", "input_gradient", "laplacian")
ROWS = (*LAYERS, *COMBINATORS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.source)
def test_rows_of_the_catalogue(row: LayerRow) -> None:
    """Outputs are those of the network, for any batch; what is refused is refused for its reason."""
    layer = build(row)
    for seed in range(3):
        shape = shape_for(random.Random(seed), row.shape, {})
        case = Case(layer, shape, dtype="float32", seed=seed, tokens=row.tokens or 5, domain=row.domain)
        if name_of(row) in DERIVATIVES:
            with pytest.raises(ExportError, match=rf"{name_of(row)} cannot be written to ONNX: it is a derivative"):
                run(case)
        else:
            assert difference(run(case)) < NEAR


def test_channels_are_turned_twice() -> None:
    """Once before a chain of convolutions and pools, once behind it."""
    net = serial(Conv(4, (3, 3)), Relu, Conv(3, (2, 2), (2, 2), "SAME"), MaxPool((2, 2)), AvgPool((2, 1)), Tanh)
    found = of_layer(net, (2, 9, 9, 2))
    assert difference(found) < NEAR
    assert ops(found.model).count("Transpose") == 2


def test_names() -> None:
    """Initializers have the paths of the params."""
    net = serial(Dense(3), Relu, Dense(2).named("head"))
    model = of_layer(net, (2, 4)).model
    assert {i.name for i in model.graph.initializer} == {"dense_0/w", "dense_0/b", "head/w", "head/b"}
    assert model.producer_name == "funcnn"


def test_no_rows() -> None:
    """A batch of nothing gives nothing."""
    found = of_layer(serial(Conv(4, (3, 3)), Relu, Dense(3)), (0, 4, 4, 2))
    assert found.theirs[0].shape == found.ours[0].shape == (0, 2, 2, 3)
    assert np.array_equal(found.theirs[0], found.ours[0])
