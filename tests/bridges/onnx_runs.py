"""Networks written to ONNX and run by onnxruntime, beside what the network itself gives."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import onnx
import onnxruntime

from funcnn import Layer
from funcnn.bridges.onnx import to_onnx
from funcnn.nested import arrays
from funcnn.testing import Case

NEAR = 1e-5
"""Of the largest value: what float32 may differ by."""


class Run(NamedTuple):
    """What a model gave, what the network gave, and the model."""

    theirs: list[Any]
    ours: list[Any]
    model: onnx.ModelProto


def unknown_batch(shape: Any) -> Any:
    """The shape with -1 for the first size of every array."""
    if any(isinstance(d, tuple) for d in shape):
        return tuple(map(unknown_batch, shape))
    return (-1, *shape[1:]) if shape else shape


def outputs(model: onnx.ModelProto, x: Any) -> list[Any]:
    """What onnxruntime makes of an input."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    given = dict(zip([i.name for i in model.graph.input], arrays(x), strict=True))
    return list(session.run(None, {i.name: given[i.name] for i in session.get_inputs()}))


def run(case: Case, shape: Any = None, x: Any = None, **options: Any) -> Run:
    """Both, for one case, or another input; exported for any batch, or for this shape."""
    x = case.x if x is None else x
    model = to_onnx(case.layer, case.params, unknown_batch(case.shape) if shape is None else shape, **options)
    return Run(outputs(model, x), [*arrays(case.apply(x=x))], model)


def difference(found: Run) -> float:
    """How far they are apart, in parts of the largest value of each output; other shapes and dtypes fail."""
    worst = 0.0
    assert len(found.theirs) == len(found.ours)
    for theirs, ours in zip(found.theirs, found.ours, strict=True):
        assert (theirs.shape, theirs.dtype) == (ours.shape, ours.dtype)
        if ours.dtype.kind != "f":
            assert np.array_equal(theirs, ours)
            continue
        finite = np.isfinite(ours)
        assert np.array_equal(theirs[~finite], ours[~finite], equal_nan=True)
        size = float(np.max(np.abs(ours[finite]), initial=0.0))
        apart = float(np.max(np.abs(theirs[finite] - ours[finite]), initial=0.0))
        worst = max(worst, apart / size if size else apart)
    return worst


def of_layer(layer: Layer[Any, Any], shape: Any, **options: Any) -> Run:
    """Both, of a layer at a shape, in float32."""
    return run(Case(layer, shape, dtype="float32"), **options)


def ops(model: onnx.ModelProto) -> list[str]:
    """The operators of a model, in order."""
    return [node.op_type for node in model.graph.node]
