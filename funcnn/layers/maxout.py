"""Maxout: an activation that is learned, as the largest of several affine functions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from funcnn.arguments import positive
from funcnn.errors import ShapeError
from funcnn.networks import Layer, layer
from funcnn.shapes import axes, display, known
from funcnn.types import Array, Shape


@layer
def Maxout(pieces: int) -> Layer[Array, Array]:
    """The largest of every `pieces` features in a row: behind `Dense(pieces * units)`, a hidden layer of `units`.

    `y_j = max(x_(kj), ..., x_(kj+k-1))`, k being `pieces`.

    Shapes
        x   (..., pieces n)     any number of batch axes
        y   (..., n)
    Errors
        ValueError   `pieces` is less than one
        ShapeError   x has no axis, or a number of features that `pieces` does not divide
    Pullback
        dx = dy at the largest of each group, the first of them where several are, else 0
    Source: Goodfellow, Warde-Farley, Mirza, Courville & Bengio, Maxout Networks (2013), section 2.

    >>> serial(Dense(8), Maxout(2)).out_shape((-1, 3))
    (-1, 4)
    """
    positive("Maxout", pieces=pieces)

    def out_shape(shape: Shape) -> Shape:
        *batch, n = axes("Maxout", shape, at_least=1, empty=-1)
        if known(n, pieces) and n % pieces:
            raise ShapeError(f"Maxout({pieces}) takes a multiple of {pieces} features, got {display(shape)}")
        return (*batch, n // pieces)

    def f(x: Array) -> tuple[Array, Callable[[Array], Array]]:
        groups = x.reshape(*x.shape[:-1], x.shape[-1] // pieces, pieces)
        largest = np.argmax(groups.real, axis=-1, keepdims=True)

        def pullback(dy: Array) -> Array:
            dgroups: Array = np.zeros_like(dy, shape=groups.shape)
            np.put_along_axis(dgroups, largest, dy[..., None], -1)
            return dgroups.reshape(x.shape)

        return np.take_along_axis(groups, largest, -1)[..., 0], pullback

    return Layer.lift(out_shape, f)
