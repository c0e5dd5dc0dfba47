"""What activations are made of: functions of each number alone, given by their value and their derivative.

All take arrays of any shape with at least one axis, give the same shape, have no params, and raise ShapeError for a
tuple. NaN goes in and comes out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from funcnn.calculus import Pullback
from funcnn.kernels.elements import both, each, product
from funcnn.networks import EMPTY, Layer, apart, constant, is_layer, layer
from funcnn.networks.surgery import promised
from funcnn.promises import ours
from funcnn.shapes import axes
from funcnn.types import Array, Shape, Tree

Value: TypeAlias = "Callable[[Array], Array]"
Derivative: TypeAlias = "Callable[[Array, Array], Array]"


@layer
def elementwise(f: Callable[[Array], Array], df: Callable[[Array, Array], Array]) -> Layer[Array, Array]:
    """An activation of your own: `y = f(x)` with `dy/dx = df(x, y)`, both of each number alone.

    `df` gets the value too, for many derivatives are cheaper from it. A network with it prints and pickles when `f` and
    `df` are functions of a module, not lambdas. Neither may write into what it gets. NumPy's own functions of one
    array will do for either: `elementwise(np.sin, np.cos)`.

    Shapes
        x, y    (..., n)        any shape
    Errors
        TypeError    `f` or `df` is no function
        ShapeError   x is a tuple, or has no axis
    Pullback
        dx = dy df(x, y)
    Source: stax's elementwise, plus the derivative.

    >>> Square = elementwise(np.square, lambda x, y: 2 * x)
    >>> y, pullback = vjp(Square.apply, {}, np.array([1.0, 3.0]))
    >>> y, pullback(np.array([1.0, 1.0]))[1]
    (array([1., 9.]), array([2., 6.]))
    """
    for name, function in (("f", f), ("df", df)):
        if not callable(function) or is_layer(function):
            hint = "; compose layers with >>" if is_layer(function) else ""
            raise TypeError(f"elementwise: {name} must be a function of arrays, got {type(function).__name__}{hint}")
    one, slope = _of_one_array(f), _of_one_array(df)  # a ufunc would take y for the array to write into
    made = pointwise("elementwise", one or f, (lambda x, y: slope(x)) if slope else df)
    return promised(made) if ours(one or f) and not ours(f, df) else made  # else `lift` has seen whose they are


def _of_one_array(f: Any) -> Value | None:
    """A ufunc of one array, such as `np.cos`, as a function of that array alone."""
    return (lambda x: f(x)) if isinstance(f, np.ufunc) and f.nin == 1 else None


def pointwise(name: str, f: Value, df: Derivative) -> Layer[Array, Array]:
    """The layer of a value and its derivative."""

    def rule(x: Array) -> tuple[Array, Callable[[Array], Array]]:
        y = f(x)
        return y, lambda dy: dy * df(x, y)

    if ours(f, df):
        apart(rule)

    return Layer.lift(lambda shape: axes(name, shape, at_least=1, empty=-1), rule, value=f)


def row(name: str, module: str, f: Value, df: Derivative) -> Layer[Array, Array]:
    """A ready-made activation of this module."""
    return constant(name, module, pointwise(name, f, df))


def with_slope(name: str, f: Value, value_and_slope: Callable[[Array], tuple[Array, Array]]) -> Layer[Array, Array]:
    """The layer of a value and its derivative, which are computed together, and the derivative kept in place of x."""

    def value(x: Array) -> Array:
        return each(f, x)

    def rule(x: Array) -> tuple[Array, Callable[[Array], Array]]:
        y, slope = both(value_and_slope, x)
        return y, lambda dy: product(slope, dy)

    apart(rule)

    return Layer.lift(lambda shape: axes(name, shape, at_least=1, empty=-1), rule, value=value)


def row_with_slope(
    name: str, module: str, f: Value, value_and_slope: Callable[[Array], tuple[Array, Array]]
) -> Layer[Array, Array]:
    """A ready-made activation of this kind."""
    return constant(name, module, with_slope(name, f, value_and_slope))


def row_of_value(name: str, module: str, f: Value, pull: Callable[[Array, Array], Array]) -> Layer[Array, Array]:
    """A ready-made activation whose derivative comes from y alone, so that x need not be kept: `dx = pull(y, dy)`."""

    def rule(params: Tree, x: Array) -> tuple[Array, Pullback]:  # not lifted, which would be a call more on the way
        y = f(x)
        return y, lambda dy: (EMPTY, pull(y, dy))

    def out_shape(shape: Shape) -> Shape:
        return axes(name, shape, at_least=1, empty=-1)

    def value(params: Tree, x: Array) -> Array:
        return f(x)

    return constant(name, module, Layer.of(out_shape, lambda shape: EMPTY, apart(rule), value=value))
