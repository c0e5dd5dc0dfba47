"""Activations that are x times a gate between 0 and 1.

| layer     | y                                    | dy/dx                                  |
|-----------|--------------------------------------|----------------------------------------|
| Gelu      | x g, g = (1 + tanh u) / 2            | g + 2 y (1 - g) u'                     |
| Silu      | x g, g = 1 / (1 + e^-x)              | g (1 + x (1 - g))                      |
| Mish      | x tanh s, s = log(1 + e^x)           | tanh s + x (1 - (tanh s)^2) (1 - e^-s) |
| HardSwish | x times HardSigmoid                  | 0, (2 x + 3) / 6, or 1                 |
| GLU       | a g, g = 1 / (1 + e^-b), x = (a, b)  | for a: g, for b: a g (1 - g)           |

with u = sqrt(2 / pi) (x + 0.044715 x^3). All but GLU take arrays of any shape with at least one axis, give the same
shape, have no params, and raise ShapeError for a tuple. NaN goes in and comes out.

Sources: the papers named with each.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from funcnn.errors import ShapeError
from funcnn.kernels import gates as kernel
from funcnn.kernels import rectifiers
from funcnn.kernels.activations import sigmoid
from funcnn.layers.pointwise import row, row_with_slope, with_slope
from funcnn.networks import Layer, constant, layer
from funcnn.shapes import axes, display, known
from funcnn.types import Array, Shape

Gelu: Layer[Array, Array] = row_with_slope("Gelu", __name__, kernel.gelu, kernel.gelu_and_slope)
"""Nearly x times the normal distribution function, `y = x (1 + tanh u) / 2` with `u = sqrt(2 / pi) (x + 0.044715 x^3)`.

This is the approximation that stax and JAX have as their default; it differs from the exact form, `gelu(exact=True)`,
by less than 5e-4.
`dy/dx = g + 2 y (1 - g) u'` with `g = (1 + tanh u) / 2`.

Source: Hendrycks & Gimpel, Gaussian Error Linear Units (2016), section 2.

>>> Gelu.apply({}, np.array([-1.0, 1.0])).round(4)
array([-0.1588,  0.8412])
"""


@layer
def gelu(*, exact: bool = False) -> Layer[Array, Array]:
    """x times the normal distribution function, `y = x P(x)`; without `exact` the approximation by tanh, `Gelu`.

    Shapes
        x, y    (..., n)        any shape
    Errors
        ShapeError   x is a tuple, or has no axis
    Pullback, of the exact form, with the normal density p
        dx = (P(x) + x p(x)) dy
    Source: Hendrycks & Gimpel, Gaussian Error Linear Units (2016), section 2.

    >>> gelu(exact=True).apply({}, np.array([-1.0, 1.0])).round(4)
    array([-0.1587,  0.8413])
    >>> gelu()
    Gelu
    """
    return with_slope("gelu", kernel.gelu_exact, kernel.gelu_exact_and_slope) if exact else Gelu


Silu: Layer[Array, Array] = row_with_slope("Silu", __name__, kernel.silu, kernel.silu_and_slope)
"""x times its own logistic function, `y = x / (1 + e^-x)`; it is also known as Swish.

`dy/dx = g (1 + x (1 - g))` with `g = 1 / (1 + e^-x)`.

Source: Elfwing, Uchibe & Doya, Sigmoid-Weighted Linear Units (2018), equations 1 and 2.

>>> Silu.apply({}, np.array([-1.0, 1.0])).round(4)
array([-0.2689,  0.7311])
"""

Mish: Layer[Array, Array] = row_with_slope("Mish", __name__, kernel.mish, kernel.mish_and_slope)
"""`y = x tanh(log(1 + e^x))`, computed as `x w / (w + 2)` with `w = e^x (e^x + 2)`.

`dy/dx = w / (w + 2) + 4 x e^x (e^x + 1) / (w + 2)^2`.

Source: Misra, Mish: A Self Regularized Non-Monotonic Activation Function (2020), equation 1.

>>> Mish.apply({}, np.array([-1.0, 1.0])).round(4)
array([-0.3034,  0.8651])
"""

HardSwish: Layer[Array, Array] = row("HardSwish", __name__, rectifiers.hard_swish, rectifiers.d_hard_swish)
"""`y = x (x + 3) / 6` between -3 and 3, 0 below, x above; `dy/dx = (2 x + 3) / 6` for -3 < x <= 3, 0 below, 1 above.

Source: Howard et al., Searching for MobileNetV3 (2019), section 5.2.

>>> HardSwish.apply({}, np.array([-4.0, 1.5, 5.0]))
array([-0.   ,  1.125,  5.   ])
"""


def _halved(shape: Shape) -> Shape:
    *batch, n = axes("GLU", shape, at_least=1, empty=-1)
    if known(n) and n % 2:
        raise ShapeError(f"GLU takes an even number of features, the values and their gates, got {display(shape)}")
    return (*batch, n // 2)


def _glu(x: Array) -> tuple[Array, Callable[[Array], Array]]:
    a, b = np.split(x, 2, -1)
    gate = sigmoid(b)

    def pullback(dy: Array) -> Array:
        da: Array = dy * gate
        return np.concatenate([da, da * a * sigmoid(-b)], -1)  # 1 - gate has no digits where the gate is open

    return a * gate, pullback


GLU: Layer[Array, Array] = constant("GLU", __name__, Layer.lift(_halved, _glu))
"""The gated linear unit, `y = a / (1 + e^-b)`: half of the features times the logistic function of the other half.

Shapes
    x   (..., 2 n)      a and b, one behind the other
    y   (..., n)
Errors
    ShapeError   x is a tuple, has no axis, or an odd number of features
Pullback, with g = 1 / (1 + e^-b)
    da = g dy      db = a g (1 - g) dy
Source: Dauphin, Fan, Auli & Grangier, Language Modeling with Gated Convolutional Networks (2017), equation 1.

>>> serial(Dense(8), GLU).out_shape((-1, 3))
(-1, 4)
"""
