"""Softmax, its logarithm and its relatives: probabilities out of scores."""

from __future__ import annotations

from funcnn.kernels import softmax as kernel
from funcnn.layers.pointwise import row_of_value
from funcnn.networks import Layer
from funcnn.types import Array


def _softmin(x: Array) -> Array:
    return kernel.softmax(-x)


def _softmin_pullback(y: Array, dy: Array) -> Array:
    return -kernel.softmax_pullback(y, dy)


Softmax: Layer[Array, Array] = row_of_value("Softmax", __name__, kernel.softmax, kernel.softmax_pullback)
"""Probabilities along the last axis, `y_i = e^(x_i) / sum_j e^(x_j)`. To train, take LogSoftmax or a loss on logits.

Shapes
    x, y    (..., n)        any number of batch axes
Errors
    ShapeError   x is a tuple, or has no axis
Pullback
    dx_i = y_i (dy_i - sum_j y_j dy_j)
Source: Goodfellow, Bengio & Courville, Deep Learning (2016), section 6.2.2.3.

>>> Softmax.apply({}, np.array([[0.0, 0.0], [1000.0, 0.0]]))
array([[0.5, 0.5],
       [1. , 0. ]])
"""

LogSoftmax: Layer[Array, Array] = row_of_value("LogSoftmax", __name__, kernel.log_softmax, kernel.log_softmax_pullback)
"""Log-probabilities along the last axis, `y_i = x_i - log sum_j e^(x_j)`; exact where the probabilities would be 0.

Shapes
    x, y    (..., n)        any number of batch axes
Errors
    ShapeError   x is a tuple, or has no axis
Pullback
    dx_i = dy_i - e^(y_i) sum_j dy_j
Source: Goodfellow, Bengio & Courville, Deep Learning (2016), section 6.2.2.3.

>>> LogSoftmax.apply({}, np.array([[0.0, 0.0], [100.0, 0.0]])).round(1)
array([[  -0.7,   -0.7],
       [   0. , -100. ]])
"""

Softmin: Layer[Array, Array] = row_of_value("Softmin", __name__, _softmin, _softmin_pullback)
"""Probabilities that are large where the input is small, `y_i = e^(-x_i) / sum_j e^(-x_j)`: the Softmax of -x.

Shapes
    x, y    (..., n)        any number of batch axes
Errors
    ShapeError   x is a tuple, or has no axis
Pullback
    dx_i = -y_i (dy_i - sum_j y_j dy_j)
Source: Goodfellow, Bengio & Courville, Deep Learning (2016), section 6.2.2.3, with energies in the place of scores.

>>> Softmin.apply({}, np.array([[0.0, 0.0], [1000.0, 0.0]]))
array([[0.5, 0.5],
       [0. , 1. ]])
"""

Sparsemax: Layer[Array, Array] = row_of_value("Sparsemax", __name__, kernel.sparsemax, kernel.sparsemax_pullback)
"""Probabilities along the last axis, many of which are 0: the point of the simplex that is nearest to x.

`y_i = max(x_i - t, 0)`, with the one t for which they sum to 1.

Shapes
    x, y    (..., n)        any number of batch axes
Errors
    ShapeError   x is a tuple, or has no axis
Pullback, S the places where y is not 0
    dx_i = dy_i - mean of dy over S for i in S, else 0
Source: Martins & Astudillo, From Softmax to Sparsemax (2016), equations 2, 6 and 14.

>>> Sparsemax.apply({}, np.array([[0.0, 0.5], [1000.0, 0.0]]))
array([[0.25, 0.75],
       [1.  , 0.  ]])
"""
