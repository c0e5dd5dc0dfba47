"""How the peers read networks over tokens: what each layer is, how it was made, and its params, flat."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from works import Work

from funcnn.networks.surgery import children_of

READ = ("Embedding", "BatchNorm", "LayerNorm")
"""What the networks that are read here begin with."""


class Piece(NamedTuple):
    """A layer: its name, how it was made, and its params by short names."""

    name: str
    options: dict[str, Any]
    params: dict[str, Any]


def pieces(work: Work, tree: Any = None) -> list[Piece]:
    """The layers of a serial network, with its first params, or those of another tree like theirs.

    Of a block they are g1, b1, w, b, wo, bo, g2, b2, w1, c1, w2, c2; w and b are those of queries, keys and values, in
    one product, as the peers have it.
    """
    if tree is None:
        tree = work.net.init(0, work.shape, dtype=work.dtype)[1]
    params: Any = tree.to_dict()
    found: list[Piece] = []
    for child, layer in children_of(work.net).items():
        record: Any = layer.init.record
        options = {**record.kwargs, "args": record.args}
        found.append(Piece(record.name, options, _flat(record.name, params.get(child, {}))))
    return found


def _flat(name: str, p: Any) -> dict[str, Any]:
    if name == "BatchNorm":  # mean and variance are not params of the peers
        return {k: p[k] for k in ("scale", "offset")}
    if name != "TransformerBlock":
        return dict(p)
    look, think = p["residual_0"]["serial_0"], p["residual_1"]["serial_0"]
    a, first, second = look["multi_head_attention_0"], think["dense_0"], think["dense_1"]
    one, two = look["layer_norm_0"], think["layer_norm_0"]
    return {
        "g1": one["scale"], "b1": one["offset"],
        "w": np.concatenate([a["wq"], a["wk"], a["wv"]], 1), "b": np.concatenate([a["bq"], a["bk"], a["bv"]]),
        "wo": a["wo"], "bo": a["bo"], "g2": two["scale"], "b2": two["offset"],
        "w1": first["w"], "c1": first["b"], "w2": second["w"], "c2": second["b"],
    }  # fmt: skip
