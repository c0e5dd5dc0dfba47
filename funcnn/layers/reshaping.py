"""Layers that change the form of an array, or nothing at all."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from funcnn.inputs import passes
from funcnn.networks import Layer, constant
from funcnn.shapes import axes
from funcnn.types import Array, Shape


def _flat_shape(shape: Shape) -> Shape:
    first, *rest = axes("Flatten", shape, at_least=1)
    return (first, prod(rest))


def _flat(x: Array) -> Array:
    return x.reshape(len(x), prod(x.shape[1:]))


def _flatten(x: Array) -> tuple[Array, Callable[[Array], Array]]:
    return _flat(x), lambda dy: dy.reshape(x.shape)


def _same(x: Array) -> Array:
    return x


Flatten: Layer[Array, Array] = constant(
    "Flatten", __name__, Layer.lift(_flat_shape, _flatten, value=_flat, takes=passes)
)
"""All axes but the first in one, last axis fastest; the first, the batch, stays.

Shapes
    x   (batch, ...)
    y   (batch, product of the others)
Errors
    ShapeError   x is a tuple, or has no axis
Pullback
    dx = dy in the shape of x
Source: stax's layer.

>>> Flatten.out_shape((-1, 28, 28, 1))
(-1, 784)
"""

Identity: Layer[Array, Array] = constant(
    "Identity", __name__, Layer.lift(lambda shape: shape, lambda x: (x, _same), value=_same, takes=passes)
)
"""The layer that does nothing: `y = x`, `dx = dy`. It takes tuples too, when the program runs.

Source: stax's layer.

>>> parallel(Dense(3), Identity).out_shape(((-1, 5), (-1, 4)))
((-1, 3), (-1, 4))
"""
