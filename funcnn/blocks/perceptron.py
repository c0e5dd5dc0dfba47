"""Networks of Dense layers, given by their widths."""

from __future__ import annotations

from typing import Any

from funcnn.arguments import is_integer, positive
from funcnn.errors import brief
from funcnn.initializers import glorot_normal, zeros
from funcnn.keys import Initializer
from funcnn.layers.activations import Relu
from funcnn.layers.dense import Dense
from funcnn.networks import Layer, layer, serial
from funcnn.types import Array


@layer
def mlp(
    widths: tuple[int, ...],
    activation: Layer[Array, Array] = Relu,
    *,
    W_init: Initializer = glorot_normal,
    b_init: Initializer = zeros,
) -> Layer[Array, Array]:
    """A multilayer perceptron: a Dense for every width, with the activation between them and none after the last.

    `mlp((64, 64, 10))` is `serial(Dense(64), Relu, Dense(64), Relu, Dense(10))`; the input size comes from `init`.

    Shapes
        x       (..., n)
        params  those of the Dense layers, `dense_0` on
        y       (..., widths[-1])
    Errors
        ValueError   there is no width, or one is less than one
        TypeError    `activation` is no layer
        ShapeError   as for Dense
    Pullback
        that of `serial`
    Source: Goodfellow, Bengio & Courville, Deep Learning (2016), chapter 6.

    >>> mlp((64, 10)).out_shape((-1, 784))
    (-1, 10)
    >>> mlp((64, 10), Tanh)
    mlp((64, 10), Tanh)
    """
    if not isinstance(widths, (tuple, list)) or not widths:
        hint = f"; write ({widths!r},)" if is_integer(widths) else ""
        raise ValueError(f"mlp: widths must be a tuple of integers, at least one width, got {brief(widths)}{hint}")
    if not isinstance(activation, Layer):
        raise TypeError(f"mlp: activation must be a layer, like Tanh, got {brief(activation)}")
    positive("mlp", **{f"widths[{i}]": width for i, width in enumerate(widths)})
    layers: list[Layer[Any, Any]] = []
    for width in widths:
        layers += [activation, Dense(width, W_init=W_init, b_init=b_init)]
    made: Any = serial(*layers[1:])  # the types of a list's items are not followed
    return made  # type: ignore[no-any-return]
