"""to_onnx and save_onnx: networks as ONNX models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from funcnn.bridges.extras import needed
from funcnn.bridges.onnx.catalogue import with_these
from funcnn.bridges.onnx.graphs import Graph, Value
from funcnn.bridges.onnx.protos import HERE, model_of
from funcnn.bridges.onnx.walking import Rule, Walk, place_of
from funcnn.checkpoints.atomic_writes import replacing
from funcnn.checkpoints.places import Path, path_of
from funcnn.errors import DTypeError, ExportError, brief
from funcnn.inputs import COMPUTED, Kind, part, refuse_stored
from funcnn.nested import arrays
from funcnn.networks import Layer, is_layer
from funcnn.networks.diagnosis import explain, leaf_shapes
from funcnn.networks.mistakes import too_deep
from funcnn.params import ParamsLike, as_params, plain_tree, trees
from funcnn.shapes import normalize, same
from funcnn.types import Shape, is_tuple

if TYPE_CHECKING:
    import onnx

LARGEST: Final = 2**31 - 2**20
"""Bytes that a file of this kind can hold, less what the graph takes."""


def to_onnx(
    net: Layer[Any, Any],
    params: ParamsLike,
    shape: Shape,
    *,
    rules: Mapping[Any, Rule] | None = None,
    tokens: npt.DTypeLike = np.int64,
    dtype: npt.DTypeLike | None = None,
) -> onnx.ModelProto:
    """A network at inference as an ONNX model."""
    needed("onnx", HERE)
    if not is_layer(net):
        raise TypeError(f"to_onnx(net, params, shape) takes a network, got {brief(net)}")
    too_deep(net.definition.depth, "to_onnx", frames=3)
    tree = plain_tree(as_params(params, "to_onnx(net, params, shape)"))
    sizes = normalize(shape)
    computed = _fitting(net, tree, sizes, dtype)
    found = with_these(rules)
    graph = Graph(computed)
    paths = {place_of(leaf): "/".join(path) for path, leaf in trees.flatten(tree)}
    kinds = {"features": computed, "any": computed, "mask": np.dtype(bool), "tokens": _integers(tokens)}
    x = _inputs(graph, sizes, net.definition.takes("any"), kinds, "x")
    y = Walk(graph, found, paths).through(net.definition, tree, x, "")
    outputs = _outputs(graph, y, "y")
    bytes_ = sum(a.nbytes for a in graph.stored.values())
    if bytes_ > LARGEST:
        raise ExportError(f"the params take {bytes_ / 2**30:.1f} GB, and an ONNX model holds 2; write it in parts")
    return model_of(graph, [*arrays(x)], outputs)


def save_onnx(
    path: Path,
    net: Layer[Any, Any],
    params: ParamsLike,
    shape: Shape,
    *,
    rules: Mapping[Any, Rule] | None = None,
    tokens: npt.DTypeLike = np.int64,
    dtype: npt.DTypeLike | None = None,
) -> None:
    """Write a network at inference to an ONNX file."""
    needed("onnx", HERE)
    shown = path_of(path, "save_onnx")
    data = to_onnx(net, params, shape, rules=rules, tokens=tokens, dtype=dtype).SerializeToString()
    with replacing(shown) as file:
        file.write(data)


def _fitting(
    net: Layer[Any, Any], tree: trees.Plain, shape: Shape, asked: npt.DTypeLike | None
) -> np.dtype[Any]:
    """The dtype that the network computes in, its params compared with the network.

    Errors
        ParamsError, ShapeError   they do not fit
        DTypeError                the params are stored, and not computed in
    """
    want = dict(trees.flatten(leaf_shapes(net.definition.planned(shape)[1])))
    got = dict(trees.flatten(tree))
    dtypes = {leaf.dtype for leaf in got.values()}
    dtype = next(iter(dtypes), np.dtype(np.float32 if asked is None else asked))
    if dtype not in COMPUTED:
        refuse_stored("the params are", dtype, "astype(params, np.{wide})")
    if asked is not None and dtype != np.dtype(asked):
        raise DTypeError(f"the params are {dtype}, and dtype={np.dtype(asked)}; convert them by astype(params, ...)")
    fits = want.keys() == got.keys() and len(dtypes) <= 1
    if not fits or not all(len(s) == got[p].ndim and all(map(same, s, got[p].shape)) for p, s in want.items()):
        explain(net.definition, leaf_shapes(net.definition.spec(shape)), tree, shape)
    return dtype


def _integers(dtype: npt.DTypeLike) -> np.dtype[Any]:
    found = np.dtype(dtype)
    if found not in (np.dtype(np.int64), np.dtype(np.int32)):
        raise TypeError(f"tokens are np.int64 or np.int32 in ONNX, got {found}")
    return found


def _inputs(graph: Graph, shape: Shape, kind: Kind, kinds: Mapping[str, np.dtype[Any]], name: str) -> Any:
    """A value for every array that comes in, named by its place."""
    if any(isinstance(d, tuple) for d in shape):
        return tuple(_inputs(graph, s, part(kind, i), kinds, f"{name}_{i}") for i, s in enumerate(shape))  # type: ignore[arg-type]
    sizes: Any = shape
    return graph.input(name, sizes, kinds[kind if isinstance(kind, str) else "any"])


def _outputs(graph: Graph, y: Any, name: str) -> list[Value]:
    """A value for every array that goes out, named by its place."""
    return [*_named_outputs(graph, y, name)]


def _named_outputs(graph: Graph, y: Any, name: str) -> Iterator[Value]:
    if is_tuple(y):
        for i, item in enumerate(y):
            yield from _named_outputs(graph, item, f"{name}_{i}")
        return
    yield graph.output(graph.last(y), name)
