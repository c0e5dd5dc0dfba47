"""Layers that change at random while a network is trained, and do nothing after."""

from __future__ import annotations

import numpy as np

from funcnn.arguments import probability
from funcnn.calculus import Pullback
from funcnn.keys import Key
from funcnn.networks import EMPTY, Layer, layer
from funcnn.shapes import axes
from funcnn.types import Array, Shape, Tree


@layer
def Dropout(drop: float) -> Layer[Array, Array]:
    """In a training pass every number becomes 0 with probability `drop`; the others are scaled up, so that means stay.

    `y = x m / (1 - drop)`, where m is 0 with probability `drop`, else 1. In inference `y = x`. The same key
    gives the same m: fold the step into it. (stax's Dropout takes the probability of *keeping*.)

    Shapes
        x, y    (..., n)        any shape
    Errors
        ValueError   `drop` is not in [0, 1)
        ShapeError   x is a tuple, or has no axis
    Pullback
        dx = dy m / (1 - drop)
    Source: Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov, Dropout (2014), section 4, with the scaling at
    training time that its section 10 mentions.

    >>> Dropout(0.5).apply({}, np.ones(6)), Dropout(0.5).apply({}, np.ones(6), rng=1)
    (array([1., 1., 1., 1., 1., 1.]), array([2., 0., 2., 0., 2., 0.]))
    """
    probability("Dropout", drop=drop)
    scale = 1.0 / (1.0 - float(drop))

    def out_shape(shape: Shape) -> Shape:
        return axes("Dropout", shape, at_least=1)

    def rule(params: Tree, x: Array, rng: Key | None) -> tuple[Array, Pullback]:
        if rng is None or drop == 0:
            return x, lambda dy: (EMPTY, dy)
        kept = rng.generator().random(x.shape, np.float32) >= drop  # a byte each, until the pullback is gone

        def scaled(v: Array) -> Array:
            masked: Array = v * kept
            masked *= scale
            return masked

        return scaled(x), lambda dy: (EMPTY, scaled(dy))

    return Layer.of(out_shape, lambda shape: EMPTY, rule)
