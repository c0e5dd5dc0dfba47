"""Layers that change at random while a network is trained, and do nothing after."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from funcnn.arguments import finite_positive, probability
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
    return _dropping("Dropout", drop, 1, lambda shape: shape)


@layer
def SpatialDropout(drop: float) -> Layer[Array, Array]:
    """In a training pass every channel of an example becomes 0 with probability `drop`, at all places or at none.

    `y = x m / (1 - drop)` with one m for a channel of an example, 0 with probability `drop`, else 1: neighbours are
    alike, so that dropping each place by itself would hide little. In inference `y = x`.

    Shapes
        x, y    (batch, ..., channels)      any number of places
    Errors
        ValueError   `drop` is not in [0, 1)
        ShapeError   x is a tuple, or has fewer than two axes
    Pullback
        dx = dy m / (1 - drop)
    Source: Tompson, Goroshin, Jain, LeCun & Bregler, Efficient Object Localization Using Convolutional Networks (2015),
    section 3.2.

    >>> SpatialDropout(0.5).apply({}, np.ones((1, 2, 6)), rng=1)
    array([[[2., 0., 2., 0., 2., 0.],
            [2., 0., 2., 0., 2., 0.]]])
    """
    probability("SpatialDropout", drop=drop)
    return _dropping("SpatialDropout", drop, 2, lambda shape: (shape[0], *(1 for _ in shape[1:-1]), shape[-1]))


def _dropping(
    name: str, drop: float, at_least: int, once: Callable[[tuple[int, ...]], tuple[int, ...]]
) -> Layer[Array, Array]:
    """Dropout that draws an array of the shape `once(x.shape)`."""
    scale = 1.0 / (1.0 - float(drop))

    def out_shape(shape: Shape) -> Shape:
        return axes(name, shape, at_least=at_least, empty=-1)

    def rule(params: Tree, x: Array, rng: Key | None) -> tuple[Array, Pullback]:
        if rng is None or drop == 0:
            return x, lambda dy: (EMPTY, dy)
        kept = rng.generator().random(once(x.shape), np.float32) >= drop  # a byte each, until the pullback is gone

        def scaled(v: Array) -> Array:
            masked: Array = v * kept
            masked *= scale
            return masked

        return scaled(x), lambda dy: (EMPTY, scaled(dy))

    return Layer.of(out_shape, lambda shape: EMPTY, rule)


@layer
def GaussianNoise(stddev: float) -> Layer[Array, Array]:
    """In a training pass every number gets normal noise, `y = x + stddev e`; in inference `y = x`.

    The same key gives the same noise: fold the step into it.

    Shapes
        x, y    (..., n)        any shape
    Errors
        ValueError   `stddev` is not positive and finite
        ShapeError   x is a tuple, or has no axis
    Pullback
        dx = dy
    Source: Bishop, Training with Noise is Equivalent to Tikhonov Regularization (1995), section 2.

    >>> GaussianNoise(0.1).apply({}, np.zeros(3)), GaussianNoise(0.1).apply({}, np.zeros(3), rng=1).round(3)
    (array([0., 0., 0.]), array([-0.115, -0.031, -0.107]))
    """
    finite_positive("GaussianNoise", stddev=stddev)

    def out_shape(shape: Shape) -> Shape:
        return axes("GaussianNoise", shape, at_least=1, empty=-1)

    def rule(params: Tree, x: Array, rng: Key | None) -> tuple[Array, Pullback]:
        if rng is None:
            return x, lambda dy: (EMPTY, dy)
        noise = rng.generator().standard_normal(x.shape, np.float32)  # in every dtype the same
        noise *= np.float32(stddev)
        return x + noise, lambda dy: (EMPTY, dy)

    return Layer.of(out_shape, lambda shape: EMPTY, rule)
