"""Activations made of pieces.

| layer       | y                                     | dy/dx                         | at a kink        |
|-------------|---------------------------------------|-------------------------------|------------------|
| LeakyRelu   | x for x > 0, else 0.01 x              | 1 for x > 0, else 0.01        | 0.01 at 0        |
| PRelu()     | x for x > 0, else s x, s learned      | 1 for x > 0, else s           | s at 0           |
| Elu         | x for x > 0, else e^x - 1             | 1 for x > 0, else e^x         |                  |
| Celu        | the same, for the usual number        |                               |                  |
| Selu        | l x for x > 0, else l a (e^x - 1)     | l for x > 0, else l a e^x     | l a = 1.758 at 0 |
| Relu6       | x between 0 and 6, else the nearer    | 1 for 0 < x <= 6, else 0      | 0 at 0, 1 at 6   |
| HardTanh    | x between -1 and 1, else the nearer   | 1 for -1 < x <= 1, else 0     | 0 at -1, 1 at 1  |
| HardSigmoid | (x + 3) / 6 between 0 and 1           | 1 / 6 for -3 < x <= 3, else 0 | 0 at -3, 1/6 at 3|

with a = 1.67326, l = 1.05070. At a kink, the derivative is the one from the left. Relu stands with the others of one
formula, HardSwish with the gates.

Sources: the papers named with each.
"""

from __future__ import annotations

from functools import partial

from funcnn.arguments import finite, finite_positive
from funcnn.calculus import Later, Pullback
from funcnn.initializers import constant
from funcnn.kernels import rectifiers as kernel
from funcnn.kernels.activations import negative_part, positive_part, step
from funcnn.kernels.sums import column_sums
from funcnn.keys import Initializer
from funcnn.layers.pointwise import pointwise, row
from funcnn.networks import Layer, layer
from funcnn.networks.definitions import Spec
from funcnn.params.trees import leaves
from funcnn.shapes import axes
from funcnn.types import Array, Shape, Tree

LeakyRelu: Layer[Array, Array] = row("LeakyRelu", __name__, kernel.leaky_relu, kernel.d_leaky_relu)
"""`y = x` for x > 0, else `0.01 x`; `dy/dx = 1` for x > 0, else 0.01; at 0 it is 0.01.

Source: Maas, Hannun & Ng, Rectifier Nonlinearities Improve Neural Network Acoustic Models (2013).

>>> LeakyRelu.apply({}, np.array([-2.0, 3.0]))
array([-0.02,  3.  ])
"""


@layer
def leaky_relu(slope: float = kernel.SLOPE) -> Layer[Array, Array]:
    """`y = x` for x > 0, else `slope x`.

    Shapes
        x, y    (..., n)        any shape
    Errors
        ValueError   `slope` is not finite
        ShapeError   x is a tuple, or has no axis
    Pullback
        dx = dy for x > 0, else slope dy; at 0 it is slope dy
    Source: Maas, Hannun & Ng, Rectifier Nonlinearities Improve Neural Network Acoustic Models (2013).

    >>> leaky_relu(0.2).apply({}, np.array([-2.0, 3.0]))
    array([-0.4,  3. ])
    >>> leaky_relu()
    LeakyRelu
    """
    finite("leaky_relu", slope=slope)
    if slope == kernel.SLOPE:
        return LeakyRelu
    return pointwise("leaky_relu", partial(kernel.leaky_relu, slope=slope), partial(kernel.d_leaky_relu, slope=slope))


@layer
def PRelu(*, slope_init: Initializer = constant(0.25)) -> Layer[Array, Array]:
    """A leaky Relu that learns its slopes, `y = x` for x > 0, else `s x`, with a slope for every feature.

    Shapes
        x, y    (..., n)        any number of batch axes
        params  {"slope": (n,)}
    Errors
        ShapeError   x has no axis, or its last axis is not n
    Pullback, batch axes flattened to rows
        dslope = sum of min(x, 0) dy over the rows      dx = dy for x > 0, else s dy; at 0 it is s dy
    Source: He, Zhang, Ren & Sun, Delving Deep into Rectifiers (2015), equations 1 and 10.

    >>> net = PRelu()
    >>> net.apply(net.init(Key(0), (-1, 2))[1], np.array([[-2.0, 3.0]]))
    array([[-0.5,  3. ]], dtype=float32)
    """

    def out_shape(shape: Shape) -> Shape:
        return axes("PRelu", shape, at_least=1, empty=-1)

    def spec(shape: Shape) -> Spec:
        return {"slope": (slope_init, axes("PRelu", shape, at_least=1, empty=-1)[-1:])}

    def rule(params: Tree, x: Array) -> tuple[Array, Pullback]:
        (slope,) = leaves(params, "slope")
        below = negative_part(x)

        def pullback(dy: Array) -> tuple[Tree, Later[Array]]:
            def input_cotangent() -> Array:
                on = step(x)
                return dy * (on + (1 - on) * slope)

            dslope = column_sums((below * dy).reshape(-1, len(slope)))
            return {"slope": dslope}, Later(input_cotangent)

        y: Array = below * slope
        y += positive_part(x)
        return y, pullback

    return Layer.of(out_shape, spec, rule)


Elu: Layer[Array, Array] = row("Elu", __name__, kernel.elu, kernel.d_elu)
"""`y = x` for x > 0, else `e^x - 1`; `dy/dx = 1` for x > 0, else `e^x`.

Source: Clevert, Unterthiner & Hochreiter, Fast and Accurate Deep Network Learning by ELUs (2016), section 3; alpha
is 1, and `elu` takes another.

>>> Elu.apply({}, np.array([-1.0, 2.0])).round(4)
array([-0.6321,  2.    ])
"""


@layer
def elu(alpha: float = 1.0) -> Layer[Array, Array]:
    """`y = x` for x > 0, else `alpha (e^x - 1)`.

    Shapes
        x, y    (..., n)        any shape
    Errors
        ValueError   `alpha` is not positive and finite
        ShapeError   x is a tuple, or has no axis
    Pullback
        dx = dy for x > 0, else alpha e^x dy; at 0 it is alpha dy
    Source: Clevert, Unterthiner & Hochreiter, Fast and Accurate Deep Network Learning by ELUs (2016), section 3.

    >>> elu(2.0).apply({}, np.array([-1.0, 2.0])).round(4)
    array([-1.2642,  2.    ])
    >>> elu()
    Elu
    """
    finite_positive("elu", alpha=alpha)
    if alpha == 1:
        return Elu
    return pointwise("elu", partial(kernel.elu, alpha=alpha), partial(kernel.d_elu, alpha=alpha))


Celu: Layer[Array, Array] = row("Celu", __name__, kernel.celu, kernel.d_celu)
"""`y = x` for x > 0, else `e^x - 1`; `dy/dx = 1` for x > 0, else `e^x`. It differs from Elu in what its number does.

Source: Barron, Continuously Differentiable Exponential Linear Units (2017); alpha is 1, and `celu` takes another.

>>> Celu.apply({}, np.array([-1.0, 2.0])).round(4)
array([-0.6321,  2.    ])
"""


@layer
def celu(alpha: float = 1.0) -> Layer[Array, Array]:
    """`y = x` for x > 0, else `alpha (e^(x / alpha) - 1)`: without a kink, whatever alpha is.

    Shapes
        x, y    (..., n)        any shape
    Errors
        ValueError   `alpha` is not positive and finite
        ShapeError   x is a tuple, or has no axis
    Pullback
        dx = dy for x > 0, else e^(x / alpha) dy
    Source: Barron, Continuously Differentiable Exponential Linear Units (2017).

    >>> celu(2.0).apply({}, np.array([-1.0, 2.0])).round(4)
    array([-0.7869,  2.    ])
    >>> celu()
    Celu
    """
    finite_positive("celu", alpha=alpha)
    if alpha == 1:
        return Celu
    return pointwise("celu", partial(kernel.celu, alpha=alpha), partial(kernel.d_celu, alpha=alpha))


Selu: Layer[Array, Array] = row("Selu", __name__, kernel.selu, kernel.d_selu)
"""`y = l x` for x > 0, else `l a (e^x - 1)`; `dy/dx = l` for x > 0, else `l a e^x`; at 0 it is `l a`.

Source: Klambauer, Unterthiner, Mayr & Hochreiter, Self-Normalizing Neural Networks (2017).

>>> Selu.apply({}, np.array([-1.0, 2.0])).round(4)
array([-1.1113,  2.1014])
"""

Relu6: Layer[Array, Array] = row("Relu6", __name__, kernel.relu6, kernel.d_relu6)
"""The positive part up to 6, `y = min(max(x, 0), 6)`; `dy/dx = 1` for 0 < x <= 6, else 0.

Source: Krizhevsky, Convolutional Deep Belief Networks on CIFAR-10 (2010), section 2.

>>> Relu6.apply({}, np.array([-1.0, 2.0, 9.0]))
array([0., 2., 6.])
"""

HardTanh: Layer[Array, Array] = row("HardTanh", __name__, kernel.hard_tanh, kernel.d_hard_tanh)
"""`y = x` between -1 and 1, outside the nearer of them; `dy/dx = 1` for -1 < x <= 1, else 0.

Source: Collobert, Large Scale Machine Learning (2004), section 5.2.

>>> HardTanh.apply({}, np.array([-2.0, 0.5, 3.0]))
array([-1. ,  0.5,  1. ])
"""

HardSigmoid: Layer[Array, Array] = row("HardSigmoid", __name__, kernel.hard_sigmoid, kernel.d_hard_sigmoid)
"""`y = (x + 3) / 6` between -3 and 3, outside 0 and 1; `dy/dx = 1 / 6` for -3 < x <= 3, else 0.

Source: Howard et al., Searching for MobileNetV3 (2019), section 5.2; slope and width are those of PyTorch and JAX.

>>> HardSigmoid.apply({}, np.array([-4.0, 0.0, 3.0]))
array([0. , 0.5, 1. ])
"""
