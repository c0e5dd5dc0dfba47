"""Networks as ONNX models: every row of the catalogue, and random networks, run by onnxruntime."""

from __future__ import annotations

import random
from itertools import islice
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from funcnn import (
    GRU, LSTM, Dense, Embedding, ExportError, Identity, Layer, MultiHeadAttention, Relu, TransformerBlock, ZeroMasked,
    parallel, scan, select, serial, split,
)  # fmt: skip
from funcnn.testing import Case, Drawn, networks
from tests.bridges.onnx_networks import drawn, verdict
from tests.bridges.onnx_runs import NEAR, difference, of_layer, run
from tests.catalogue import COMBINATORS, LAYERS, LayerRow, build, name_of
from tests.mypy_plugin.random_programs import shape_for

DERIVATIVES = ("tangent", "second_tangent", "input_gradient", "laplacian")
ROWS = [row for row in (*LAYERS, *COMBINATORS) if name_of(row) not in DERIVATIVES]


def cases(row: LayerRow, dtype: str) -> list[Case]:
    """Some, of several shapes."""
    shapes = [shape_for(random.Random(seed), row.shape, {}) for seed in range(3)]
    return [
        Case(build(row), shape, dtype=dtype, seed=seed, tokens=row.tokens or 5, domain=row.domain)
        for seed, shape in enumerate(shapes)
    ]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.source)
def test_rows_of_the_catalogue(row: LayerRow) -> None:
    """Outputs are those of the network, for any batch."""
    for case in cases(row, "float32"):
        assert difference(run(case)) < NEAR


@pytest.mark.parametrize("row", [row for row in ROWS if "exact=True" not in row.source], ids=lambda row: row.source)
def test_rows_in_float64(row: LayerRow) -> None:
    """Of what runtimes have no operators for, convolutions and pools, other operators are made."""
    for case in cases(row, "float64"):
        assert difference(run(case, dtype=np.float64)) < 1e-12


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.source)
def test_no_size_is_known(row: LayerRow) -> None:
    """But that of the last axis: times, heights and widths may be any."""
    for case in cases(row, "float32"):
        wanted = sizes_unknown(case.shape, case.layer.definition.takes("any"))
        assert difference(run(case, wanted)) < NEAR


def sizes_unknown(shape: Any, kind: Any) -> Any:
    """The shape, with -1 for every size that is no number of features."""
    if any(isinstance(d, tuple) for d in shape):
        return tuple(sizes_unknown(d, kind if isinstance(kind, str) else kind.get(i)) for i, d in enumerate(shape))
    alone = kind in ("mask", "tokens") or len(shape) == 1
    return (-1,) * len(shape) if alone else (*(-1,) * (len(shape) - 1), shape[-1])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.source)
def test_no_rows(row: LayerRow) -> None:
    """A batch of nothing gives nothing: runtimes end the process over some operators then, which are gone round."""
    case = cases(row, "float32")[0]
    empty = Case(case.layer, no_rows(case.shape), dtype="float32", tokens=5, domain=case.domain)
    assert difference(run(empty)) == 0


def no_rows(shape: Any) -> Any:
    """The shape, with a batch of size 0."""
    return tuple(map(no_rows, shape)) if any(isinstance(d, tuple) for d in shape) else (0, *shape[1:])


@pytest.mark.parametrize("net", [GRU(3), LSTM(2), LSTM(2, last=True), MultiHeadAttention(1, causal=True)], ids=repr)
def test_no_steps(net: Layer[Any, Any]) -> None:
    """A sequence of nothing gives what the network gives."""
    assert difference(run(Case(net, (2, 0, 4), dtype="float32"), (-1, -1, 4))) < NEAR


@settings(deadline=None)
@given(networks())
def test_drawn_networks(one: Drawn) -> None:
    """Those of `networks()`."""
    case = Case(one.layer, one.shape, dtype="float32")
    assert verdict(case) in ("equal", "equal, of few digits")


def test_random_networks() -> None:
    """Those that grow out of the catalogue; `python -m tests.bridges.onnx_networks` looks at hundreds."""
    said = {
        one.source: verdict(Case(one.net, one.shape, dtype="float32", seed=1, tokens=2)) for one in islice(drawn(1), 60)
    }
    wrong = {source: s for source, s in said.items() if not s.startswith(("equal", "refused"))}
    assert wrong == {}
    assert sum(s.startswith("equal") for s in said.values()) > 50


# names ----------------------------------------------------------------------------------------------------------------
def test_names() -> None:
    """Initializers have the paths of the params, and the model says who made it."""
    model = of_layer(serial(Dense(3), Relu, Dense(2).named("head")), (2, 4)).model
    assert [i.name for i in model.graph.initializer] == ["dense_0/w", "dense_0/b", "head/w", "head/b"]
    assert (model.producer_name, model.ir_version, model.opset_import[0].version) == ("funcnn", 8, 17)
    assert [model.graph.input[0].name, model.graph.output[0].name] == ["x", "y"]
    assert [node.op_type for node in model.graph.node] == ["Gemm", "Relu", "Gemm"]


@pytest.mark.parametrize("name", ["x", "y", "Gemm", "ünï ✓", "a:1", "\n"])
def test_names_of_people(name: str) -> None:
    """A layer may be called as something in the graph is."""
    assert difference(of_layer(serial(Dense(3).named(name), Dense(2).named("b")), (2, 4))) < NEAR


def test_tuples() -> None:
    """Arrays that come in and go out are named by their places."""
    net: Any = serial(TransformerBlock(2, 1, masked=True))
    model = of_layer(net, ((2, 3, 2), (2, 3))).model
    assert [i.name for i in model.graph.input] == ["x_0", "x_1"]
    assert [o.name for o in model.graph.output] == ["y_0", "y_1"]


def test_tokens() -> None:
    """Are int64, or int32."""
    for dtype in (np.int64, np.int32):
        case = Case(serial(Embedding(5, 2), Dense(2)), (2, 3), dtype="float32")
        x = case.x.astype(dtype)
        found = run(case, tokens=dtype, x=x)
        assert difference(found) < NEAR
    with pytest.raises(TypeError, match=r"tokens are np\.int64 or np\.int32 in ONNX, got float32"):
        run(case, tokens=np.float32)


def test_masks_of_masks() -> None:
    """Booleans may be masked too."""
    row: Any = serial  # type checkers see a mask that is one of features
    assert difference(of_layer(row(split(2), ZeroMasked), (2, 4))) == 0
    net = row(parallel(Identity, Identity, Identity), scan(select(1, 0), masked=True))
    assert difference(of_layer(net, ((2, 3, 2), (2, 2), (2, 3)))) < NEAR


def test_exact_gelu_in_float64() -> None:
    """Runtimes have no Erf of it."""
    row = next(row for row in LAYERS if row.source == "gelu(exact=True)")
    with pytest.raises(ExportError, match=r"runtimes have no Erf of it; write it in float32, with astype"):
        run(cases(row, "float64")[0], dtype=np.float64)
