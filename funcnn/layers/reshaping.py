"""Layers that change the form of an array, or nothing at all. None computes: tokens and masks pass through them too."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np

from funcnn.arguments import integers, is_integer
from funcnn.errors import ShapeError
from funcnn.inputs import passes
from funcnn.networks import EMPTY, Layer, apart, constant, layer
from funcnn.shapes import axes, display, known
from funcnn.types import Array, Shape, Tree


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
    "Flatten", __name__, Layer.lift(_flat_shape, apart(_flatten), value=_flat, takes=passes)
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


@layer
def Reshape(sizes: tuple[int, ...]) -> Layer[Array, Array]:
    """Every example in another form, read with the last axis fastest; the first axis, the batch, stays.

    One size may be -1: it is what is left for it.

    Shapes
        x   (batch, ...)
        y   (batch, *sizes)
    Errors
        ValueError   `sizes` is no tuple of sizes of at least 1, or more than one of them is -1
        ShapeError   x is a tuple, has no axis, or examples of another number of entries
    Pullback
        dx = dy in the shape of x
    Source: NumPy's reshape.

    >>> Reshape((28, 28, 1)).out_shape((-1, 784)), Reshape((-1, 2)).out_shape((5, 3, 4))
    ((-1, 28, 28, 1), (5, 6, 2))
    """
    wanted = integers("Reshape", sizes=sizes)
    left = [i for i, n in enumerate(wanted) if known(n) and n == -1]
    if len(left) > 1 or not all(not known(n) or n > 0 or n == -1 for n in wanted):
        raise ValueError(f"Reshape: sizes must be integers of at least 1, one of them -1 at most, got {wanted!r}")

    def out_shape(shape: Shape) -> Shape:
        first, *rest = axes("Reshape", shape, at_least=1)
        entries, others = prod(rest), prod(n for i, n in enumerate(wanted) if i not in left)
        if known(entries, others) and (entries % others if left else entries != others):
            some = _multiple(others, left)
            raise ShapeError(f"Reshape({display(wanted)}) takes examples of {some}, got {display(shape)}")
        return (first, *(entries // others if i in left else n for i, n in enumerate(wanted)))

    def value(x: Array) -> Array:
        return x.reshape(_full(x, wanted, left))

    return Layer.lift(out_shape, lambda x: (value(x), lambda dy: dy.reshape(x.shape)), value=value, takes=passes)


def _multiple(others: int, left: list[int]) -> str:
    return f"a multiple of {others} entries" if left else f"{others} entries"


def _full(x: Array, wanted: tuple[int, ...], left: list[int]) -> tuple[int, ...]:
    """The shape of the output; NumPy does not guess the -1 of no rows."""
    if not left:
        return (len(x), *wanted)
    missing = prod(x.shape[1:]) // prod(n for n in wanted if n != -1)
    return (len(x), *(missing if n == -1 else n for n in wanted))


@layer
def Transpose(order: tuple[int, ...], /) -> Layer[Array, Array]:
    """The axes in another order, the first among them: `Transpose((0, 2, 1))` exchanges the two behind the batch.

    Shapes
        x   as many axes as are given
        y   its axis i is the axis of x that the i-th number says
    Errors
        ValueError   `order` is no permutation of 0, 1, ...
        ShapeError   x is a tuple, or has another number of axes
    Pullback
        dx = dy with its axes in the order that undoes it
    Source: NumPy's transpose.

    >>> Transpose((0, 3, 1, 2)).out_shape((-1, 28, 28, 3))
    (-1, 3, 28, 28)
    """
    order = integers("Transpose", order=order)
    if not order or sorted(order) != list(range(len(order))):
        raise ValueError(f"Transpose: order must be a permutation of 0, 1, 2, ..., such as (0, 2, 1), got {order!r}")
    back = tuple(order.index(i) for i in range(len(order)))

    def out_shape(shape: Shape) -> Shape:
        sizes = axes("Transpose", shape, exactly=len(order))
        return tuple(sizes[i] for i in order)

    def value(x: Array) -> Array:
        return x.transpose(order)

    return Layer.lift(out_shape, lambda x: (value(x), lambda dy: dy.transpose(back)), value=value, takes=passes)


@layer
def Squeeze(axis: int = -1) -> Layer[Array, Array]:
    """Without an axis that has one entry: behind `Dense(1)`, `Squeeze()` gives one number a row.

    Shapes
        x   (batch, ..., 1, ...)    1 at `axis`
        y   the same without it
    Errors
        ValueError   `axis` is no integer, or 0, which is the batch
        ShapeError   x is a tuple, has no such axis, or more than one entry along it
    Pullback
        dx = dy in the shape of x
    Source: NumPy's squeeze.

    >>> serial(Dense(1), Squeeze()).out_shape((-1, 5))
    (-1,)
    """
    if not known(axis) or not is_integer(axis) or axis == 0:
        raise ValueError(f"Squeeze: axis must be an integer other than 0, which is the batch, got {axis!r}")

    def out_shape(shape: Shape) -> Shape:
        sizes = axes("Squeeze", shape, at_least=2)
        at = axis % len(sizes) if -len(sizes) <= axis < len(sizes) else 0
        if at == 0:
            some = f"an array with a batch axis and an axis {axis}"
            raise ShapeError(f"Squeeze({axis}) takes {some}, got {display(shape)}")
        if known(sizes[at]) and sizes[at] != 1:
            raise ShapeError(f"Squeeze({axis}) takes one entry along axis {axis}, got {display(shape)}")
        return (*sizes[:at], *sizes[at + 1 :])

    def value(x: Array) -> Array:
        at = axis % x.ndim
        return x.reshape(*x.shape[:at], *x.shape[at + 1 :])

    return Layer.lift(out_shape, lambda x: (value(x), lambda dy: dy.reshape(x.shape)), value=value, takes=passes)


def _without_time(shape: Shape) -> Shape:
    batch, _, *rest = axes("Last", shape, at_least=2, like="(batch, time, ...)")
    return (batch, *rest)


def _last(params: Tree, x: Array) -> tuple[Array, Callable[[Array], tuple[Tree, Array]]]:
    def pullback(dy: Array) -> tuple[Tree, Array]:
        dx: Array = np.zeros_like(dy, shape=x.shape)
        dx[:, -1] = dy
        return EMPTY, dx

    return x[:, -1], pullback


Last: Layer[Array, Array] = constant(
    "Last", __name__,
    Layer.of(_without_time, lambda shape: EMPTY, _last, takes=passes, step="Last gives the last step alone"),
)  # fmt: skip
"""The last step of a sequence, `y = x[:, -1]`.

Shapes
    x   (batch, time, ...)
    y   (batch, ...)
Errors
    ShapeError   x is a tuple, or has no second axis
Pullback
    dx = dy at the last step, else 0
Source: Sutskever, Vinyals & Le, Sequence to Sequence Learning with Neural Networks (2014), section 2.

>>> Last.out_shape((-1, 20, 8))
(-1, 8)
"""
