"""Positions: what tells attention in which order the steps come."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from funcnn.arguments import finite_positive, positive
from funcnn.calculus import Pullback
from funcnn.errors import ShapeError
from funcnn.initializers import normal
from funcnn.kernels.positions import rotated, waves
from funcnn.keys import Initializer
from funcnn.layers.sequences import sequence
from funcnn.networks import Layer, apart, layer
from funcnn.networks.definitions import EMPTY, Spec
from funcnn.params.trees import leaves
from funcnn.shapes import known
from funcnn.types import Array, Shape, Tree


@layer
def PositionalEmbedding(length: int, *, W_init: Initializer = normal(0.02)) -> Layer[Array, Array]:  # noqa: B008
    """A learned vector for every position, added: `y[:, t] = x[:, t] + w[t]`.

    Shapes
        x, y    (batch, time, n)        time at most `length`
        params  {"w": (length, n)}
    Errors
        ValueError   `length` is less than one
        ShapeError   x has not three axes, or more steps than `length`
    Pullback
        dw[t] = sum over the batch of dy[:, t], 0 beyond the last step      dx = dy
    Source: Gehring et al., Convolutional Sequence to Sequence Learning (2017), section 3.1.

    >>> serial(Embedding(100, 16), PositionalEmbedding(64)).out_shape((-1, 20))
    (-1, 20, 16)
    """
    positive("PositionalEmbedding", length=length)

    def out_shape(shape: Shape) -> Shape:
        batch, time, n = sequence("PositionalEmbedding", shape)
        if known(time, length):
            fitting(time)
        return batch, time, n

    def fitting(steps: int) -> None:
        if steps > length:
            raise ShapeError(f"PositionalEmbedding({length}) has no place for {steps} steps; make it longer")

    def spec(shape: Shape) -> Spec:
        return {"w": (W_init, (length, sequence("PositionalEmbedding", shape)[2]))}

    def rule(params: Tree, x: Array) -> tuple[Array, Pullback]:
        (w,), steps = leaves(params, "w"), x.shape[1]

        def pullback(dy: Array) -> tuple[Tree, Array]:
            dw = np.zeros_like(dy, shape=w.shape)
            dw[:steps] = dy.sum(0)
            return {"w": dw}, dy

        return x + w[:steps], pullback

    def step(params: Tree, x: Array, memory: int | None) -> tuple[Array, int]:
        (w,) = leaves(params, "w")
        start = memory or 0
        end = start + x.shape[1]
        fitting(end)
        return x + w[start:end], end

    return Layer.of(out_shape, spec, apart(rule), step=step)


def _by_position(
    name: str, at: Callable[[Array, int], Array], back: Callable[[Array], Array], *, even: bool
) -> Layer[Array, Array]:
    def out_shape(shape: Shape) -> Shape:
        batch, time, n = sequence(name, shape)
        if even and known(n) and n % 2:
            raise ShapeError(f"{name} turns pairs of features, got {n} features")
        return batch, time, n

    def rule(params: Tree, x: Array) -> tuple[Array, Pullback]:
        return at(x, 0), lambda dy: (EMPTY, back(dy))

    def step(params: Tree, x: Array, memory: int | None) -> tuple[Array, int]:
        start = memory or 0
        return at(x, start), start + x.shape[1]

    return Layer.of(out_shape, lambda shape: EMPTY, apart(rule), step=step)


@layer
def SinusoidalEncoding(*, base: float = 10000.0) -> Layer[Array, Array]:
    """Waves of many lengths, added: `y[:, t, 2i] = x[:, t, 2i] + sin(t / base^(2i/n))`, and the cosine at 2i + 1.

    Shapes
        x, y    (batch, time, n)        of any length
    Errors
        ValueError   `base` is not positive
        ShapeError   x has not three axes
    Pullback
        dx = dy
    Source: Vaswani et al., Attention Is All You Need (2017), section 3.5.

    >>> SinusoidalEncoding().apply({}, np.zeros((1, 2, 4))).round(3)
    array([[[0.   , 1.   , 0.   , 1.   ],
            [0.841, 0.54 , 0.01 , 1.   ]]])
    """
    finite_positive("SinusoidalEncoding", base=base)
    base = float(base)

    def at(x: Array, start: int) -> Array:
        return x + waves(start, x.shape[1], x.shape[2], base, x.real.dtype.char)

    return _by_position("SinusoidalEncoding", at, lambda dy: dy, even=False)


@layer
def RotaryEmbedding(*, base: float = 10000.0) -> Layer[Array, Array]:
    """Every pair of neighbouring features, turned by the position times its frequency.

    `(y_2i, y_2i+1)` at step t is `(x_2i, x_2i+1)` turned by the angle `t base^(-2i/n)`, so that the product of two
    steps depends on how far they are apart. Attention does this to queries and keys, with
    `MultiHeadAttention(rotary=True)`.

    Shapes
        x, y    (batch, time, n)        n even, time of any length
    Errors
        ValueError   `base` is not positive
        ShapeError   x has not three axes, or an odd number of features
    Pullback
        dx = dy, turned back
    Source: Su et al., RoFormer: Enhanced Transformer with Rotary Position Embedding (2021), equations 14 and 34.

    >>> RotaryEmbedding().apply({}, np.array([[[1.0, 0.0], [1.0, 0.0]]])).round(3)
    array([[[1.   , 0.   ],
            [0.54 , 0.841]]])
    """
    finite_positive("RotaryEmbedding", base=base)
    base = float(base)

    def at(x: Array, start: int) -> Array:
        return rotated(x, start, base)

    def back(dy: Array) -> Array:
        return rotated(dy, 0, base, back=True)

    return _by_position("RotaryEmbedding", at, back, even=True)
