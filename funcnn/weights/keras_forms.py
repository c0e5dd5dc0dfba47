"""How Keras stores each layer of ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from funcnn.weights.forms import Make, of_parts, stored
from funcnn.weights.parts import Arrays, Form, Numbers, Part, axes, reshaped, same
from funcnn.weights.places import Place


def forms(place: Place) -> Sequence[Form]:
    """The ways in which Keras stores the layer at a place; one of another's by the names of ours, as it is."""
    return stored(FORMS, place)


def _convolution(place: Place) -> Sequence[Form]:
    """The same; a depthwise one has the outputs of each channel on an axis of their own."""
    *sizes, c, o = place.shapes["w"]
    groups = int(place.options.get("groups", 1))
    found = [Form((same("w", "kernel"), same("b", "bias")))]
    if c == 1 and groups > 1:
        w = reshaped("w", "kernel", (*sizes, 1, o), (*sizes, groups, o // groups))
        found.append(Form((w, same("b", "bias"))))
    return found


def _transposed(place: Place) -> Sequence[Form]:
    n = len(place.shapes["w"])
    return [Form((axes("w", "kernel", (*range(n - 2), n - 1, n - 2)), same("b", "bias")))]


def _one_bias(place: Place) -> Sequence[Form]:
    """One bias is ours and a zero; two are their sum."""
    return [Form((same("w", "kernel"), same("u", "recurrent_kernel"), Part(("b",), ("bias",), _apart, _summed, True)))]


def _apart(a: Arrays) -> Arrays:
    return (np.concatenate([a[0], np.zeros_like(a[0])]),)


def _summed(a: Arrays) -> Arrays:
    first, second = np.split(a[0], 2)
    return (np.where(second == 0, first, first + second),)  # a negative zero stays one


def _gated(place: Place) -> Sequence[Form]:
    """GRU: blocks z, r, h where ours are r, z, n; two biases, as rows. The variant of `reset_after=True`."""
    units = place.shapes["u"][0]

    def exchanged(a: Arrays) -> Arrays:
        return (_exchanged(a[0], units),)

    def into(a: Arrays) -> Arrays:
        return (_exchanged(a[0], units).reshape(-1),)

    def back(a: Arrays) -> Arrays:
        return (_exchanged(a[0].reshape(2, -1), units),)

    pairs = ("w", "kernel"), ("u", "recurrent_kernel")
    kernels = [Part((ours,), (theirs,), exchanged, exchanged) for ours, theirs in pairs]
    return [Form((*kernels, Part(("b",), ("bias",), into, back, True)))]


def _exchanged(a: Numbers, units: int) -> Numbers:
    return np.concatenate([a[..., units : 2 * units], a[..., :units], a[..., 2 * units :]], -1)


def _attention(place: Place) -> Sequence[Form]:
    """Each map apart, with an axis of heads."""
    heads = int(place.options["heads"])
    parts: list[Part] = []
    for c, name in zip("qkvo", ("query", "key", "value", "attention_output"), strict=True):
        rows, n = place.shapes[f"w{c}"]
        w = (heads, n // heads, n) if c == "o" else (rows, heads, n // heads)
        b = (n,) if c == "o" else (heads, n // heads)
        parts.append(reshaped(f"w{c}", f"{name}/kernel", (rows, n), w))
        parts.append(reshaped(f"b{c}", f"{name}/bias", (n,), b))
    return [Form(tuple(parts))]


SCALED: Final = (same("scale", "gamma"), same("offset", "beta"))

FORMS: Final[dict[str, Make]] = {
    "Dense": of_parts(same("w", "kernel"), same("b", "bias")),
    "EinsumDense": of_parts(same("w", "kernel"), same("b", "bias")),
    "Conv1D": _convolution,
    "Conv": _convolution,
    "Conv3D": _convolution,
    "Conv1DTranspose": _transposed,
    "ConvTranspose": _transposed,
    "Conv3DTranspose": _transposed,
    "BatchNorm": of_parts(*SCALED, same("mean", "moving_mean"), same("var", "moving_variance")),
    "LayerNorm": of_parts(*SCALED),
    "GroupNorm": of_parts(*SCALED),
    "InstanceNorm": of_parts(*SCALED),
    "RMSNorm": of_parts(same("scale", "scale")),
    "PRelu": of_parts(same("slope", "alpha")),
    "Embedding": of_parts(same("w", "embeddings")),
    "PositionalEmbedding": of_parts(same("w", "embeddings")),
    "RNN": _one_bias,
    "GRU": _gated,
    "LSTM": _one_bias,
    "RNNCell": _one_bias,
    "GRUCell": _gated,
    "LSTMCell": _one_bias,
    "MultiHeadAttention": _attention,
}
