"""Fully connected layers."""

from __future__ import annotations

from math import prod

from funcnn.arguments import positive
from funcnn.calculus import Later, Pullback
from funcnn.initializers import glorot_normal, zeros
from funcnn.kernels import affine as kernel
from funcnn.keys import Initializer
from funcnn.networks import Layer, apart, layer
from funcnn.networks.definitions import Spec
from funcnn.params.trees import leaves
from funcnn.shapes import axes
from funcnn.types import Array, Shape, Tree


@layer
def Dense(
    units: int, *, bias: bool = True, W_init: Initializer = glorot_normal, b_init: Initializer = zeros
) -> Layer[Array, Array]:
    """Fully connected layer, `y = x w + b`; with `bias=False`, `y = x w`.

    Shapes
        x       (..., n)        any number of batch axes
        params  {"w": (n, units), "b": (units,)}; without bias there is no "b"
        y       (..., units)
    Errors
        ValueError   `units` is less than one
        ShapeError   x has no axis, or its last axis is not n
    Pullback, batch axes flattened to rows
        dw = x^T dy      db = 1^T dy      dx = dy w^T
    Source: Goodfellow, Bengio & Courville, Deep Learning (2016), algorithm 6.4.

    >>> Dense(3).out_shape((32, 5))
    (32, 3)
    """
    positive("Dense", units=units)

    def out_shape(shape: Shape) -> Shape:
        return (*axes("Dense", shape, at_least=1, empty=-1)[:-1], units)

    def spec(shape: Shape) -> Spec:
        w = {"w": (W_init, (axes("Dense", shape, at_least=1, empty=-1)[-1], units))}
        return {**w, "b": (b_init, (units,))} if bias else w

    def rule(params: Tree, x: Array) -> tuple[Array, Pullback]:
        w, b = leaves(params, "w", "b")
        y = kernel.affine(x, w, b)

        def pullback(dy: Array) -> tuple[Tree, Later[Array]]:
            dw, db = kernel.affine_params(x, dy)
            return {"w": dw, "b": db}, Later(lambda: kernel.affine_input(dy, w))

        return y, pullback

    def linear(params: Tree, x: Array) -> tuple[Array, Pullback]:
        (w,) = leaves(params, "w")

        def pullback(dy: Array) -> tuple[Tree, Later[Array]]:
            return {"w": kernel.linear_params(x, dy)}, Later(lambda: kernel.affine_input(dy, w))

        return kernel.product(x, w), pullback

    def multiply_adds(shape: Shape) -> int:
        return prod(axes("Dense", shape, empty=-1)) * units

    def by_row(params: Tree, x: Array, dy: Array) -> Tree:
        return dict(zip("wb" if bias else "w", kernel.affine_params_by_row(x, dy), strict=False))

    return Layer.of(out_shape, spec, apart(rule if bias else linear), multiply_adds=multiply_adds, by_row=by_row)
