"""Where attention looks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from funcnn.errors import ShapeError
from funcnn.inspection import numbered
from funcnn.kernels import attention as kernel
from funcnn.layers.attention import BASE, MultiHeadAttention
from funcnn.kernels.positions import rotated
from funcnn.networks import Layer
from funcnn.networks.children import definition_of
from funcnn.networks.definitions import Definition
from funcnn.networks.pair import layer_of
from funcnn.networks.rebuilding import Path, observed
from funcnn.plotting.canvas import axes_of, matrix, ticks
from funcnn.types import Array, Tree

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def attention_weights(net: Layer[Any, Any], params: Tree, x: Any) -> dict[str, Array]:
    """The weights of the softmax of every `MultiHeadAttention` of a network, (batch, heads, queries, keys), by path.

    Rows sum to 1, those of queries that may look at nothing to 0.

    One that is called several times, as a member of an ensemble or in a shared `repeat`, has an entry for each,
    `path[0]`, `path[1]`, as in `trace`.

    Errors
        as for `apply`

    >>> from funcnn.plotting import attention_weights
    >>> net = serial(Embedding(9, 8), TransformerBlock(8, 2, causal=True))
    >>> _, params = net.init(0, (-1, 3))
    >>> seen = attention_weights(net, params, np.array([[1, 2, 3]]))
    >>> [(path, w.shape, w[0, 0, 0].tolist()) for path, w in seen.items()][0][1:]
    ((1, 2, 3, 3), [1.0, 0.0, 0.0])
    """
    found: dict[str, list[Array]] = defaultdict(list)

    def see(path: Path, layer: Definition, own: Tree, x: Any, y: Any) -> None:
        record = layer.record
        if record is not None and record.make is MultiHeadAttention:
            found["/".join(path) or layer.name].append(_weights(own, x, record.bound().arguments))

    layer_of(observed(definition_of(net, where="attention_weights"), see, where="attention_weights")).apply(params, x)
    return numbered(found)


def _weights(own: Any, x: Any, options: dict[str, Any]) -> Array:
    """Those of one layer for its input: what attention gives whose values are the rows of the identity."""
    heads, cross, masked = options["heads"], options["cross"], options["masked"]
    xs = x[0] if cross or masked else x
    keys = x[1] if cross else xs
    mask = x[-1] if masked else None
    if mask is not None:  # what is not real counts as 0, as in the layer
        keys = np.where(mask[..., None], keys, 0)
        xs = xs if cross else keys
    q, k = (
        kernel.heads_apart(a @ own[f"w{name}"] + own.get(f"b{name}", 0), heads) for name, a in (("q", xs), ("k", keys))
    )
    if options["rotary"]:
        q, k = rotated(q, 0, BASE), rotated(k, 0, BASE)
    allowed = np.ones((1, 1, q.shape[2], k.shape[2]), bool)
    if options["causal"]:
        allowed = np.tril(allowed)
    if mask is not None:
        allowed = allowed & mask[:, None, None, :]
    values = np.broadcast_to(np.eye(k.shape[2], dtype=q.dtype), (*k.shape[:3], k.shape[2]))
    return kernel.attend(q, k, values, allowed).value


def attention(
    weights: object,
    *,
    queries: Sequence[str] | None = None,
    keys: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """One map of attention, (queries, keys), such as `attention_weights(net, params, x)[path][0, 0]`: where each looks.

    Errors
        MissingExtraError   matplotlib is not installed
        ShapeError          the map has not two axes, or there are not as many names as steps
    """
    table = np.asarray(matrix("attention", weights, "one map of one head, such as weights[0, 0]"), np.float64)
    for name, said, size in (("queries", queries, table.shape[0]), ("keys", keys, table.shape[1])):
        if said is not None and len(said) != size:
            raise ShapeError(f"attention takes a name for each of {size} {name}, got {len(said)}")
    rows, columns = table.shape
    ax, on = axes_of(ax, min(9.0, 2.2 + 0.28 * columns), min(9.0, 1.6 + 0.28 * rows))
    shown = on.imshow(table, cmap="viridis", vmin=0, vmax=max(float(table.max()), 1e-12), aspect="auto")
    on.figure.colorbar(shown, ax=on)
    ticks(on, [str(i) for i in range(columns)] if keys is None else list(map(str, keys)), vertical=False)
    ticks(on, [str(i) for i in range(rows)] if queries is None else list(map(str, queries)), vertical=True)
    on.set_xlabel("key")
    on.set_ylabel("query")
    return ax
