"""What stands behind a mask, put to 0: once, where a sequence comes in."""

from __future__ import annotations

from typing import Any

import numpy as np

from funcnn.inputs import Kind, part
from funcnn.layers.sequences import expected, items
from funcnn.networks import Layer, constant
from funcnn.nested import mapped
from funcnn.shapes import axes
from funcnn.types import Array, Mask, Shape

Masked = tuple[Array, Mask]


def zeroed(mask: Mask, tree: Any) -> Any:
    """Arrays (batch, time, ...) where the mask is true, 0 elsewhere, whatever stands there: NaN too.

    >>> zeroed(np.array([[True, False]]), np.array([[[1.0], [np.nan]]]))
    array([[[1.],
            [0.]]])
    """

    def put(a: Array) -> Array:
        return np.where(mask.reshape(*mask.shape, *(1,) * (a.ndim - mask.ndim)), a, np.zeros((), a.dtype))

    return mapped(put, tree)


def _shape(shape: Shape) -> Shape:
    x, mask = items("ZeroMasked", shape, ("x", "mask"), {})
    sizes, given = axes("ZeroMasked", x, at_least=1, empty=None), axes("ZeroMasked", mask, at_least=1, empty=None)
    expected("ZeroMasked", given, sizes[: len(given)], "its mask has a truth value for every place of the leading axes")
    return sizes, given


def _value(x: Masked) -> Masked:
    return zeroed(x[1], x[0]), x[1]


def _run(x: Masked) -> tuple[Masked, Any]:
    mask = x[1]

    def pullback(dy: Any) -> Any:
        dx = zeroed(mask, dy[0])
        return dx, np.zeros(mask.shape, dx.dtype)

    return _value(x), pullback


def _takes(out: Kind) -> Kind:
    return {0: part(out, 0), 1: "mask"}


ZeroMasked: Layer[Masked, Masked] = constant(
    "ZeroMasked", __name__, Layer.lift(_shape, _run, value=_value, takes=_takes)
)
"""What a mask says is not real becomes 0, NaN and inf too; the mask passes on: `(x, mask) -> (x where mask, mask)`.

Layers with `masked=True` look at nothing behind their mask. A layer in front of them that takes no mask does, as the
Dense of `serial(first(Dense(8)), GRU(8, masked=True))`: put this first where padding may be NaN or inf.

Shapes
    x, y    pairs of an array (batch, ...) and a mask, its leading axes
Errors
    ShapeError   the input is no such pair, or the mask has not those axes
Pullback
    dx = dy where the mask is true, else 0
Source: Griewank & Walther, Evaluating Derivatives (2008), section 3.2.

>>> ZeroMasked.apply({}, (np.array([[3.0, np.nan]]), np.array([[True, False]])))[0]
array([[3., 0.]])
"""
