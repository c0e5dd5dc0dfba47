"""The standard normal distribution: its function and its density, right to the last digits in both tails."""

from __future__ import annotations

from typing import Final

import numpy as np

from funcnn.kernels.activations import number
from funcnn.kernels.scratch import room
from funcnn.types import Array

# (1 + 2 t) e^(t^2) erfc(t) as a sum of Chebyshev polynomials of (t - 3.75) / (t + 3.75), t >= 0. The form is that of
# Shepherd & Laframboise, Chebyshev Approximation of (1 + 2x) exp(x^2) erfc x (Mathematics of Computation 36, 1981); the
# numbers were computed from the definition of erfc, DLMF 7.2.2, at 80 points with 40 digits.
# fmt: off
_COEFFICIENTS: Final = (
    1.1775789345674017541, -0.0045900545806464773309, -0.084249133366517915584, 0.059209939998191890498,
    -0.026658668435305752277, 0.0090749976707052650939, -0.0024131635404176081909, 0.00049077583652580863229,
    -0.000069169733025012063671, 4.1390279860730101675e-6, 7.7403830661984906686e-7, -2.1886401049234395661e-7,
    1.0764999465670910377e-8, 4.5219598112182868979e-9, -7.7544002088313511065e-10, -6.3180883408866844944e-11,
    2.8687950109306698981e-11, 1.945586854577734723e-13, -9.6546967484334389059e-13, 3.2525481481487398415e-14,
    3.3478119482868053878e-14, -1.8645628804193131015e-15, -1.2507950530688647085e-15, 7.418235256624043463e-17,
    5.0681489047961113168e-17,
)
# fmt: on
_FEW: Final = 14  # of them are enough for float32
_CENTER: Final = 3.75
_BLOCK: Final = 1 << 14  # elements that stay in the cache from one pass to the next
_FAR: Final = {"f": 15.0, "d": 40.0}  # behind it everything is 0, or 1


def distribution(x: Array) -> Array:
    """`P(x)`, the probability that a normal number is less than x: for negative x `e^(-x^2 / 2)` times a series.

    Block by block: 22 ms on 1M numbers in float64, 44 ms in one go.
    """
    y: Array = room(x, x.shape)
    flat, out = x.reshape(-1), y.reshape(-1)
    for i in range(0, len(flat), _BLOCK):
        out[i : i + _BLOCK] = _distribution(flat[i : i + _BLOCK])
    return y


def _distribution(x: Array) -> Array:
    positive = x.real > 0
    t, dtype = _bounded(np.where(positive, -x, x)), x.dtype
    tail = _bell(t)
    t *= number(-(0.5**0.5), dtype)
    tail *= _series(t)
    t *= number(4.0, dtype)
    t += number(2.0, dtype)
    tail /= t  # the series is that of (1 + 2 t) erfc(t), and half of erfc is wanted
    return np.subtract(number(1.0, dtype), tail, out=tail, where=positive)


def density(x: Array) -> Array:
    """`p(x) = e^(-x^2 / 2) / sqrt(2 pi)`."""
    y = _bell(_bounded(x))
    y *= number((2 * np.pi) ** -0.5, x.dtype)
    return y


def _bounded(x: Array) -> Array:
    """A copy that is not beyond where everything is 0, so that squares do not overflow."""
    far = _FAR.get(x.real.dtype.char, 40.0)
    t: Array = x.copy()
    np.clip(t.real, -far, far, out=t.real)
    return t


def _bell(x: Array) -> Array:
    """`e^(-x^2 / 2)`, with x^2 in two parts: a rounded square would cost as many digits as it is large."""
    real = x.real
    high: Array = np.rint(real * number(16.0, real.dtype)) / number(16.0, real.dtype)  # its square is exact
    rest: Array = x - high
    rest *= x + high
    rest *= number(-0.5, x.dtype)
    np.exp(rest, rest)
    high *= high
    high *= number(-0.5, real.dtype)
    rest *= np.exp(high)
    return rest


def _series(t: Array) -> Array:
    """The sum of the Chebyshev polynomials, by Clenshaw's recurrence."""
    s: Array = t - number(_CENTER, t.dtype)
    s /= t + number(_CENTER, t.dtype)
    s += s
    count = _FEW if t.real.dtype.char == "f" else len(_COEFFICIENTS)
    a, b, c = np.zeros_like(t), np.zeros_like(t), np.empty_like(t)
    for coefficient in reversed(_COEFFICIENTS[1:count]):
        np.multiply(s, a, c)
        c -= b
        c += number(coefficient, t.dtype)
        a, b, c = c, a, b
    s *= number(0.5, t.dtype)
    np.multiply(s, a, c)
    c -= b
    c += number(_COEFFICIENTS[0], t.dtype)
    return c
