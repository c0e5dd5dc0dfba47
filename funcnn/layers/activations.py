"""Activations: functions of each number alone, given by their value and their derivative.

| layer     | y                                    | dy/dx                        | at a kink        |
|-----------|--------------------------------------|------------------------------|------------------|
| Tanh      | tanh x                               | 1 - y^2                      |                  |
| Relu      | x for x > 0, else 0                  | 1 for x > 0, else 0          | 0 at 0           |
| Exp       | e^x                                  | y                            |                  |
| Softplus  | log(1 + e^x)                         | 1 - e^-y                     |                  |
| Sigmoid   | 1 / (1 + e^-x)                       | y (1 - y)                    |                  |
| Elu       | x for x > 0, else e^x - 1            | 1 for x > 0, else e^x        |                  |
| LeakyRelu | x for x > 0, else 0.01 x             | 1 for x > 0, else 0.01       | 0.01 at 0        |
| Selu      | l x for x > 0, else l a (e^x - 1)    | l for x > 0, else l a e^x    | l a = 1.758 at 0 |
| Gelu      | x g, g = (1 + tanh u) / 2            | g + 2 y (1 - g) u'           |                  |

with a = 1.67326, l = 1.05070, u = sqrt(2 / pi) (x + 0.044715 x^3). Where there is a kink, the derivative is the one
from the left. Constants are those of stax and JAX. All take arrays of any shape with at least one axis, give the same
shape, have no params, and raise ShapeError for a tuple. NaN goes in and comes out.

Sources: the elementary derivatives, NIST Digital Library of Mathematical Functions, sections 4.7 and 4.34; the
functions, the papers named with each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from funcnn.calculus import Pullback
from funcnn.kernels import activations as kernel
from funcnn.networks import EMPTY, Layer, constant, is_layer, layer
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
    return _pointwise("elementwise", one or f, (lambda x, y: slope(x)) if slope else df)


def _of_one_array(f: Any) -> Value | None:
    """A ufunc of one array, such as `np.cos`, as a function of that array alone."""
    return (lambda x: f(x)) if isinstance(f, np.ufunc) and f.nin == 1 else None


def _pointwise(name: str, f: Value, df: Derivative) -> Layer[Array, Array]:
    """The layer of a value and its derivative."""

    def rule(x: Array) -> tuple[Array, Callable[[Array], Array]]:
        y = f(x)
        return y, lambda dy: dy * df(x, y)

    return Layer.lift(lambda shape: axes(name, shape, at_least=1), rule, value=f)


def _row(name: str, f: Value, df: Derivative) -> Layer[Array, Array]:
    """A row of the table."""
    return constant(name, __name__, _pointwise(name, f, df))


def _row_of_value(name: str, f: Value, pull: Callable[[Array, Array], Array]) -> Layer[Array, Array]:
    """A row whose derivative comes from y alone, so that x need not be kept: `dx = pull(y, dy)`."""

    def rule(params: Tree, x: Array) -> tuple[Array, Pullback]:  # not lifted, which would be a call more on the way
        y = f(x)
        return y, lambda dy: (EMPTY, pull(y, dy))

    def out_shape(shape: Shape) -> Shape:
        return axes(name, shape, at_least=1)

    def value(params: Tree, x: Array) -> Array:
        return f(x)

    return constant(name, __name__, Layer.of(out_shape, lambda shape: EMPTY, rule, value=value))


Tanh: Layer[Array, Array] = _row_of_value("Tanh", kernel.tanh, kernel.tanh_pullback)
"""The hyperbolic tangent, `y = tanh x`, `dy/dx = 1 - y^2`.

Source: LeCun, Bottou, Orr & Müller, Efficient BackProp (1998), section 4.4.

>>> Tanh.apply({}, np.array([0.0, 1.0])).round(4)
array([0.    , 0.7616])
"""

Relu: Layer[Array, Array] = _row_of_value("Relu", kernel.relu, kernel.relu_pullback)
"""The positive part, `y = max(x, 0)`, `dy/dx = 1` for x > 0, else 0; at 0 it is 0.

Source: Nair & Hinton, Rectified Linear Units Improve Restricted Boltzmann Machines (2010).

>>> Relu.apply({}, np.array([-2.0, 0.0, 3.0]))
array([0., 0., 3.])
"""

Exp: Layer[Array, Array] = _row_of_value("Exp", kernel.exp, kernel.exp_pullback)
"""The exponential, `y = e^x`, `dy/dx = y`.

It is infinite, without a warning, for x beyond 88.7 in float32 and 709.7 in float64.

Source: NIST Digital Library of Mathematical Functions, section 4.7.

>>> Exp.apply({}, np.array([0.0, 1.0])).round(4)
array([1.    , 2.7183])
"""

Softplus: Layer[Array, Array] = _row_of_value("Softplus", kernel.softplus, kernel.softplus_pullback)
"""A smooth positive part, `y = log(1 + e^x)`, `dy/dx = 1 / (1 + e^-x) = 1 - e^-y`.

Source: Dugas, Bengio, Bélisle, Nadeau & Garcia, Incorporating Second-Order Functional Knowledge (2001).

>>> Softplus.apply({}, np.array([-100.0, 0.0, 100.0])).round(4)
array([  0.    ,   0.6931, 100.    ])
"""

Sigmoid: Layer[Array, Array] = _row_of_value("Sigmoid", kernel.sigmoid, kernel.sigmoid_pullback)
"""The logistic function, `y = 1 / (1 + e^-x)`, `dy/dx = y (1 - y)`. Computed as `(1 + tanh(x / 2)) / 2`.

Source: Rumelhart, Hinton & Williams, Learning representations by back-propagating errors (1986), equations 2 and 5.

>>> Sigmoid.apply({}, np.array([-1000.0, 0.0, 1000.0]))
array([0. , 0.5, 1. ])
"""

Elu: Layer[Array, Array] = _row("Elu", kernel.elu, kernel.d_elu)
"""`y = x` for x > 0, else `e^x - 1`; `dy/dx = 1` for x > 0, else `e^x`.

Source: Clevert, Unterthiner & Hochreiter, Fast and Accurate Deep Network Learning by ELUs (2016), section 3; alpha
is 1.

>>> Elu.apply({}, np.array([-1.0, 2.0])).round(4)
array([-0.6321,  2.    ])
"""

LeakyRelu: Layer[Array, Array] = _row("LeakyRelu", kernel.leaky_relu, kernel.d_leaky_relu)
"""`y = x` for x > 0, else `0.01 x`; `dy/dx = 1` for x > 0, else 0.01; at 0 it is 0.01.

Source: Maas, Hannun & Ng, Rectifier Nonlinearities Improve Neural Network Acoustic Models (2013).

>>> LeakyRelu.apply({}, np.array([-2.0, 3.0]))
array([-0.02,  3.  ])
"""

Selu: Layer[Array, Array] = _row("Selu", kernel.selu, kernel.d_selu)
"""`y = l x` for x > 0, else `l a (e^x - 1)`; `dy/dx = l` for x > 0, else `l a e^x`; at 0 it is `l a`.

Source: Klambauer, Unterthiner, Mayr & Hochreiter, Self-Normalizing Neural Networks (2017).

>>> Selu.apply({}, np.array([-1.0, 2.0])).round(4)
array([-1.1113,  2.1014])
"""

Gelu: Layer[Array, Array] = _row("Gelu", kernel.gelu, kernel.d_gelu)
"""Nearly x times the normal distribution function, `y = x (1 + tanh u) / 2` with `u = sqrt(2 / pi) (x + 0.044715 x^3)`.

This is the approximation that stax and JAX have as their default; it differs from the exact form by less than 5e-4.
`dy/dx = g + 2 y (1 - g) u'` with `g = (1 + tanh u) / 2`.

Source: Hendrycks & Gimpel, Gaussian Error Linear Units (2016), section 2.

>>> Gelu.apply({}, np.array([-1.0, 1.0])).round(4)
array([-0.1588,  0.8412])
"""
