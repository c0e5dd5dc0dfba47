"""Activations that one formula gives, and Relu.

| layer      | y                      | dy/dx                 |
|------------|------------------------|-----------------------|
| Tanh       | tanh x                 | 1 - y^2               |
| Relu       | x for x > 0, else 0    | 1 for x > 0, else 0   |
| Exp        | e^x                    | y                     |
| Softplus   | log(1 + e^x)           | 1 - e^-y              |
| Sigmoid    | 1 / (1 + e^-x)         | y (1 - y)             |
| LogSigmoid | -log(1 + e^-x)         | 1 - e^y               |
| Softsign   | x / (1 + |x|)          | 1 / (1 + |x|)^2       |
| Sin        | sin x                  | cos x                 |
| Square     | x^2                    | 2 x                   |

All take arrays of any shape with at least one axis, give the same shape, have no params, and raise ShapeError for a
tuple. NaN goes in and comes out.

Sources: the elementary derivatives, NIST Digital Library of Mathematical Functions, sections 4.7, 4.20 and 4.34; the
functions, the papers named with each.
"""

from __future__ import annotations

from funcnn.kernels import activations as kernel
from funcnn.layers.pointwise import row, row_of_value
from funcnn.networks import Layer
from funcnn.types import Array

Tanh: Layer[Array, Array] = row_of_value("Tanh", __name__, kernel.tanh, kernel.tanh_pullback)
"""The hyperbolic tangent, `y = tanh x`, `dy/dx = 1 - y^2`.

Source: LeCun, Bottou, Orr & Müller, Efficient BackProp (1998), section 4.4.

>>> Tanh.apply({}, np.array([0.0, 1.0])).round(4)
array([0.    , 0.7616])
"""

Relu: Layer[Array, Array] = row_of_value("Relu", __name__, kernel.relu, kernel.relu_pullback)
"""The positive part, `y = max(x, 0)`, `dy/dx = 1` for x > 0, else 0; at 0 it is 0.

Source: Nair & Hinton, Rectified Linear Units Improve Restricted Boltzmann Machines (2010).

>>> Relu.apply({}, np.array([-2.0, 0.0, 3.0]))
array([0., 0., 3.])
"""

Exp: Layer[Array, Array] = row_of_value("Exp", __name__, kernel.exp, kernel.exp_pullback)
"""The exponential, `y = e^x`, `dy/dx = y`.

It is infinite, without a warning, for x beyond 88.7 in float32 and 709.7 in float64.

Source: NIST Digital Library of Mathematical Functions, section 4.7.

>>> Exp.apply({}, np.array([0.0, 1.0])).round(4)
array([1.    , 2.7183])
"""

Softplus: Layer[Array, Array] = row_of_value("Softplus", __name__, kernel.softplus, kernel.softplus_pullback)
"""A smooth positive part, `y = log(1 + e^x)`, `dy/dx = 1 / (1 + e^-x) = 1 - e^-y`.

Source: Dugas, Bengio, Bélisle, Nadeau & Garcia, Incorporating Second-Order Functional Knowledge (2001).

>>> Softplus.apply({}, np.array([-100.0, 0.0, 100.0])).round(4)
array([  0.    ,   0.6931, 100.    ])
"""

Sigmoid: Layer[Array, Array] = row_of_value("Sigmoid", __name__, kernel.sigmoid, kernel.sigmoid_pullback)
"""The logistic function, `y = 1 / (1 + e^-x)`, `dy/dx = y (1 - y)`. Computed as `(1 + tanh(x / 2)) / 2`.

Source: Rumelhart, Hinton & Williams, Learning representations by back-propagating errors (1986), equations 2 and 5.

>>> Sigmoid.apply({}, np.array([-1000.0, 0.0, 1000.0]))
array([0. , 0.5, 1. ])
"""

LogSigmoid: Layer[Array, Array] = row_of_value("LogSigmoid", __name__, kernel.log_sigmoid, kernel.log_sigmoid_pullback)
"""The logarithm of the logistic function, `y = -log(1 + e^-x)`, `dy/dx = 1 / (1 + e^x) = 1 - e^y`.

It is exact where the probability itself would be 0.

Source: Goodfellow, Bengio & Courville, Deep Learning (2016), section 6.2.2.2.

>>> LogSigmoid.apply({}, np.array([-100.0, 0.0, 100.0])).round(4)
array([-100.    ,   -0.6931,   -0.    ])
"""

Softsign: Layer[Array, Array] = row("Softsign", __name__, kernel.softsign, kernel.d_softsign)
"""A slow Tanh, `y = x / (1 + |x|)`, `dy/dx = 1 / (1 + |x|)^2`.

Source: Bergstra, Desjardins, Lamblin & Bengio, Quadratic Polynomials Learn Better Image Features (2009), section 2.

>>> Softsign.apply({}, np.array([-1.0, 0.0, 3.0]))
array([-0.5 ,  0.  ,  0.75])
"""

Sin: Layer[Array, Array] = row("Sin", __name__, kernel.sin, kernel.d_sin)
"""The sine, `y = sin x`, `dy/dx = cos x`.

Source: Sitzmann, Martel, Bergman, Lindell & Wetzstein, Implicit Neural Representations with Periodic Activation
Functions (2020), section 3.

>>> Sin.apply({}, np.array([0.0, np.pi / 2]))
array([0., 1.])
"""

Square: Layer[Array, Array] = row("Square", __name__, kernel.square, kernel.d_square)
"""The square, `y = x^2`, `dy/dx = 2 x`.

Source: Livni, Shalev-Shwartz & Shamir, On the Computational Efficiency of Training Neural Networks (2014), section 2.

>>> Square.apply({}, np.array([-2.0, 3.0]))
array([4., 9.])
"""
