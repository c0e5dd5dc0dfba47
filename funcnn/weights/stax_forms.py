"""How stax stores each layer of ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from funcnn.weights.forms import Make, stored
from funcnn.weights.parts import Arrays, Form, Part, reshaped, same
from funcnn.weights.places import Place


def forms(place: Place) -> Sequence[Form]:
    """The way in which stax stores the layer at a place; one of another's as its arrays, in the order of its spec."""
    return stored(FORMS, place)


def _dense(place: Place) -> Sequence[Form]:
    return [Form((same("w", "W"), same("b", "b")))]


def _bias(place: Place) -> Part:
    """It has an axis for each of the output's, of one entry but for the channels."""
    channels = place.shapes["w"][-1] if "b" not in place.shapes else place.shapes["b"][0]
    specs = place.options.get("dimension_numbers")
    out = str(specs[2]) if specs else "." * (len(place.shapes["w"]) - 1) + "C"
    return reshaped("b", "b", (channels,), tuple([channels if c == "C" else 1 for c in out]))


def _convolution(place: Place) -> Sequence[Form]:
    return [Form((same("w", "W"), _bias(place)))]


def _turned_round(place: Place) -> Sequence[Form]:
    """Windows of stax's transposed convolutions are turned round."""
    sizes = tuple(range(len(place.shapes["w"]) - 2))

    def turned(a: Arrays) -> Arrays:
        return (np.flip(a[0], sizes),)

    return [Form((Part(("w",), ("W",), turned, turned), _bias(place)))]


def _batch_norm(place: Place) -> Sequence[Form]:
    """stax keeps no statistics: ours start as `init` has them, for `calibrate`."""

    def nothing(a: Arrays) -> Arrays:
        return ()

    def start(leaf: str, value: float) -> Part:
        def into(a: Arrays) -> Arrays:
            return (np.full(place.shapes[leaf], value),)

        return Part((leaf,), (), into, nothing)

    return [Form((same("offset", "beta"), same("scale", "gamma"), start("mean", 0.0), start("var", 1.0)))]


FORMS: Final[dict[str, Make]] = {
    "Dense": _dense,
    "Conv1D": _convolution,
    "Conv": _convolution,
    "Conv3D": _convolution,
    "GeneralConv": _convolution,
    "GeneralConvTranspose": _convolution,
    "Conv1DTranspose": _turned_round,
    "ConvTranspose": _turned_round,
    "Conv3DTranspose": _turned_round,
    "BatchNorm": _batch_norm,
    "ByBatchNorm": _batch_norm,
}
