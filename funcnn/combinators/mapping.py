"""map_over: a layer at every place of an axis."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

from funcnn.arguments import counted
from funcnn.calculus import Later, force
from funcnn.combinators.nested import first_shape, leading, mapped_shape
from funcnn.errors import ShapeError
from funcnn.inputs import Kind
from funcnn.kernels.sums import contiguous
from funcnn.keys import Key
from funcnn.layers.sequences import expected
from funcnn.nested import mapped
from funcnn.networks import Child, Combined, Go, Layer, layer
from funcnn.pulling import Pulling
from funcnn.shapes import axes, display
from funcnn.types import Shape, Tree

A = TypeVar("A")
B = TypeVar("B")


@layer
def map_over(f: Layer[A, B], /, axis: int = 1) -> Layer[A, B]:
    """A layer at every place of an axis, with the same weights: `y[:, i] = f(x[:, i])` for `axis=1`.

    The places become examples, and f is called once: what looks across the batch, as BatchNorm does in a training pass,
    looks across the places too, and a random layer draws for each of them.

    Shapes
        x       an array, or a tuple of arrays, that has the axis; without it, what f takes
        params  those of f, under its name
        y       what f gives, with the axis in its old place
    Errors
        TypeError    the argument is no layer
        ValueError   `axis` is less than one
        ShapeError   x, or what f gives, has not that axis; the arrays of a tuple differ along it; or from f
    Pullback
        f's, at every place: dx[:, i] of dy[:, i]; the gradients of all places added
    Source: the map of functional languages, Bird & Wadler, Introduction to Functional Programming (1988), section 3.1.

    >>> map_over(serial(Flatten, Dense(3))).out_shape((-1, 20, 8, 8))
    (-1, 20, 3)
    """
    axis = counted("map_over", axis=axis)

    def joined(a: Any) -> Any:
        """The axis beside the batch, and both one."""
        a = np.moveaxis(a, axis, 1)
        return contiguous(a.reshape(a.shape[0] * a.shape[1], *a.shape[2:]))

    def parted(tree: Any, like: Any) -> Any:
        """The axis again, where it is in what this came from."""
        shape = leading(like).shape
        return mapped(lambda a: np.moveaxis(a.reshape(shape[0], shape[axis], *a.shape[1:]), 1, axis), tree)

    def build(child: Child) -> Combined:
        def meets(shape: Shape, go: Go) -> Shape:
            sizes = axes("map_over", first_shape(shape), at_least=axis + 1, empty=None)
            batch, n = sizes[0], sizes[axis]

            def without(s: tuple[int, ...]) -> Shape:
                rest = axes("map_over", s, at_least=axis + 1, empty=None)
                expected("map_over", (rest[0], rest[axis]), (batch, n), f"its arrays agree in batch and axis {axis}")
                return (batch * n, *rest[1:axis], *rest[axis + 1 :])

            def within(s: tuple[int, ...]) -> Shape:
                places = "it gives an output for every place of the axis"
                expected(f"map_over of {child.name}", s[:1], (batch * n,), places)
                if len(s) < axis:
                    raise ShapeError(f"map_over puts back axis {axis}, but {child.name} gives {display(s)}")
                return (batch, *s[1:axis], n, *s[axis:])

            return mapped_shape(within, go(child, mapped_shape(without, shape)))

        def takes(out: Kind) -> Kind:
            return child.takes(out)

        def value(params: Tree, x: Any, rng: Key | None = None) -> Any:
            return parted(child.value(params, mapped(joined, x), rng), x)

        def rule(params: Tree, x: Any, rng: Key | None = None) -> tuple[Any, Any]:
            y, back = child.pull(params, mapped(joined, x), rng)

            def run(dy: Any, last: bool) -> tuple[Tree, Any]:
                dparams, dx = back.run(mapped(joined, dy), last)
                return child.grads(dparams), Later(lambda: parted(force(dx), x))

            return parted(y, x), Pulling(run)

        def step(params: Tree, x: Any, memory: None) -> tuple[Any, None]:
            return value(params, x), None

        # along axis 1 the layer sees single steps, and what it does with its own axis 1 is no matter of time
        return Combined(meets, rule, value, takes, step=step if axis == 1 else None)

    return Layer.over((f,), build, where="map_over")
