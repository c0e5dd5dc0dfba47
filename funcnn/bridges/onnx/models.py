"""to_onnx and save_onnx: networks as ONNX models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from funcnn.bridges.extras import needed
from funcnn.bridges.onnx.catalogue import with_these
from funcnn.bridges.onnx.graph_values import Value
from funcnn.bridges.onnx.graphs import Graph
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
    """A network at inference as an ONNX model, which other programs run.

    `shape` is what `init` takes: -1 for sizes that may be any when the model runs, the batch and, where layers allow
    it, times, heights and widths. The model takes `x`, or `x_0`, `x_1` where a tuple comes in, and gives `y` or `y_0`,
    `y_1`. Features have the dtype of the params; tokens are int64, or int32 by `tokens`; masks are booleans. `dtype` is
    for networks without params, which compute in float32 if it is not given.

    A layer of your own needs a rule, unless its constructor returns layers of the library's: `rules` has them by
    constructor, `rule(graph, part, x) -> y`. `part.param("w")` is a leaf of its params, `part.arguments` what its
    constructor was called with, `part.child(name, x)` what a child makes of x, `graph.op("Mul", x, y)` an operator of
    ONNX's. These rules go before those of the library.

    Initializers have the paths of the params as names. Operators are those of opset 17, the format is version 8: old
    runtimes know both. The model has gone through ONNX's checker.

    Errors
        MissingExtraError   ONNX is not installed
        ExportError   a layer cannot be written, with its path, the reason and what to do; the params are larger than
                      2 GB
        TypeError     it is no layer, or `rules` are none
        ParamsError, ShapeError   params, network and shape do not fit together
        DTypeError    the params are float16 or longdouble; or `dtype` is not theirs
        ValueError    layers lie in layers deeper than Python can go
    Source: the specification of ONNX, https://onnx.ai/onnx/repo-docs/IR.html, and of its operators.

    >>> from funcnn.bridges.onnx import to_onnx
    >>> net = serial(Dense(8), Relu, Dense(2))
    >>> model = to_onnx(net, net.init(Key(0), (-1, 4))[1], (-1, 4))
    >>> [node.op_type for node in model.graph.node][:3], [i.name for i in model.graph.initializer][:2]
    (['Gemm', 'Relu', 'Gemm'], ['dense_0/w', 'dense_0/b'])
    """
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
    outputs = graph.outputs(dict(_named(y, "y")))
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
    """Write a network at inference to an ONNX file; see `to_onnx`.

    What cannot be written is refused before there is a file, and the file is written as that of `save_params`, whole
    or not at all.

    Errors
        OSError   as the operating system raised it, about `path`; see `save_params`
        as for `to_onnx`; `path` is no path

    >>> import tempfile
    >>> from funcnn.bridges.onnx import save_onnx
    >>> net = serial(Conv(4, (3, 3)), Relu, MaxPool((2, 2), (2, 2)), Flatten, Dense(10))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_onnx(folder + "/net.onnx", net, net.init(Key(0), (-1, 8, 8, 1))[1], (-1, 8, 8, 1))
    """
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
        parts: Any = shape
        return tuple(_inputs(graph, s, part(kind, i), kinds, f"{name}_{i}") for i, s in enumerate(parts))
    sizes: Any = shape
    return graph.input(name, sizes, kinds[kind if isinstance(kind, str) else "any"])


def _named(y: Any, name: str) -> Iterator[tuple[str, Value]]:
    """Every array that goes out, named by its place."""
    if is_tuple(y):
        for i, item in enumerate(y):
            yield from _named(item, f"{name}_{i}")
    else:
        yield name, y
