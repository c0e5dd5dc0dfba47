"""How PyTorch stores each layer of ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from funcnn.weights.forms import Make, of_parts, stored
from funcnn.weights.parts import Arrays, Form, Part, Sizes, axes, joined, same, side_by_side
from funcnn.weights.places import Place


def forms(place: Place) -> Sequence[Form]:
    """The ways in which PyTorch stores the layer at a place; one of another's by the names of ours, as it is."""
    return stored(FORMS, place)


def _convolution(place: Place) -> Sequence[Form]:
    """(*filter, in, out) is (out, in, *filter)."""
    n = len(place.shapes["w"])
    return [Form((axes("w", "weight", (*range(2, n), 1, 0)), same("b", "bias")))]


def _transposed(place: Place) -> Sequence[Form]:
    """(*filter, in / groups, out) is (in, out / groups, *filter), the groups one behind the other in both."""
    *sizes, c, o = place.shapes["w"]
    groups, n = int(place.options.get("groups", 1)), len(sizes)

    def into(a: Arrays) -> Arrays:
        apart = a[0].reshape(groups, c, o // groups, *sizes)
        return (apart.transpose(*range(3, 3 + n), 1, 0, 2).reshape(*sizes, c, o),)

    def back(a: Arrays) -> Arrays:
        apart = a[0].reshape(*sizes, c, groups, o // groups)
        return (apart.transpose(n + 1, n, n + 2, *range(n)).reshape(groups * c, o // groups, *sizes),)

    return [Form((Part(("w",), ("weight",), into, back), same("b", "bias")))]


def _batch_norm(place: Place) -> Sequence[Form]:
    parts = (*SCALED, same("mean", "running_mean"), same("var", "running_var"))
    return [Form(parts, {"num_batches_tracked": np.array(0)})]


def _recurrent(place: Place) -> Sequence[Form]:
    """A layer along a sequence, `lstm.l0`, or a cell; its two biases are there both or not at all."""
    found: list[Form] = []
    for end in ("_l", "") if place.kind in ("RNN", "GRU", "LSTM") else ("", "_l"):
        biases = side_by_side("b", (f"bias_ih{end}", f"bias_hh{end}"), optional=True)
        found.append(Form((axes("w", f"weight_ih{end}", (1, 0)), axes("u", f"weight_hh{end}", (1, 0)), biases)))
    return found


def _attention(place: Place) -> Sequence[Form]:
    """The three maps in one array, where memories have as many features as queries; or each in its own."""
    rest = (joined(("bq", "bk", "bv"), "in_proj_bias", turned=False), axes("wo", "out_proj.weight", (1, 0)))
    out = (*rest, same("bo", "out_proj.bias"))
    apart = tuple(axes(f"w{c}", f"{c}_proj_weight", (1, 0)) for c in "qkv")
    separate = Form((*apart, *out))
    if not _square(place.shapes["wk"]):
        return [separate]
    return [Form((joined(("wq", "wk", "wv"), "in_proj_weight", turned=True), *out)), separate]


def _square(sizes: Sizes) -> bool:
    return sizes[0] == sizes[1]


SCALED: Final = (same("scale", "weight"), same("offset", "bias"))

FORMS: Final[dict[str, Make]] = {
    "Dense": of_parts(axes("w", "weight", (1, 0)), same("b", "bias")),
    "Bilinear": of_parts(axes("w", "weight", (1, 2, 0)), same("b", "bias")),
    "Conv1D": _convolution,
    "Conv": _convolution,
    "Conv3D": _convolution,
    "Conv1DTranspose": _transposed,
    "ConvTranspose": _transposed,
    "Conv3DTranspose": _transposed,
    "BatchNorm": _batch_norm,
    "LayerNorm": of_parts(*SCALED),
    "GroupNorm": of_parts(*SCALED),
    "InstanceNorm": of_parts(*SCALED),
    "RMSNorm": of_parts(same("scale", "weight")),
    "PRelu": of_parts(same("slope", "weight")),
    "Embedding": of_parts(same("w", "weight")),
    "PositionalEmbedding": of_parts(same("w", "weight")),
    "RNN": _recurrent,
    "GRU": _recurrent,
    "LSTM": _recurrent,
    "RNNCell": _recurrent,
    "GRUCell": _recurrent,
    "LSTMCell": _recurrent,
    "MultiHeadAttention": _attention,
}
