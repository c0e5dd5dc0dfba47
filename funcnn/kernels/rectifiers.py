"""The arithmetic of activations made of pieces: for each its value `f(x)` and its derivative `d_f(x, y)`, `y = f(x)`.

At a kink the derivative is the one from the left. Complex numbers take the branch of their real part.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from funcnn.kernels.activations import negative_part, number, positive_part, step
from funcnn.types import Array

SLOPE: Final = 0.01
ALPHA: Final = 1.6732632423543772
SCALE: Final = 1.0507009873554805


# a slope on the left --------------------------------------------------------------------------------------------------
def leaky_relu(x: Array, slope: float = SLOPE) -> Array:
    if x.dtype.kind == "c" or not 0 <= slope <= 1:
        return positive_part(x) + number(slope, x.real.dtype) * negative_part(x)
    y: Array = x * number(slope, x.dtype)
    return np.maximum(x, y, out=y)


def d_leaky_relu(x: Array, y: Array, slope: float = SLOPE) -> Array:
    d = step(x)
    if 0 <= slope <= 1:
        return np.maximum(d, number(slope, d.dtype), out=d)
    np.copyto(d, number(slope, d.dtype), where=d == 0)
    return d


# an exponential on the left -------------------------------------------------------------------------------------------
def elu(x: Array, alpha: float = 1.0) -> Array:
    y = negative_part(x)
    np.expm1(y, y)
    if alpha != 1:
        y *= number(alpha, x.dtype)
    y += positive_part(x)
    return y


def d_elu(x: Array, y: Array, alpha: float = 1.0) -> Array:
    """`alpha exp(min(x, 0))`, less the `alpha - 1` that is too much where x is positive."""
    d = negative_part(x)
    np.exp(d, d)
    if alpha != 1:
        d *= number(alpha, x.dtype)
        np.copyto(d, number(1.0, d.dtype), where=x.real > 0)
    return d


def celu(x: Array, alpha: float = 1.0) -> Array:
    y = negative_part(x)
    y /= number(alpha, x.dtype)
    np.expm1(y, y)
    y *= number(alpha, x.dtype)
    y += positive_part(x)
    return y


def d_celu(x: Array, y: Array, alpha: float = 1.0) -> Array:
    d = negative_part(x)
    d /= number(alpha, x.dtype)
    return np.exp(d, d)


def selu(x: Array) -> Array:
    y = negative_part(x)
    np.expm1(y, y)
    y *= number(ALPHA, x.dtype)
    y += positive_part(x)
    y *= number(SCALE, x.dtype)
    return y


def d_selu(x: Array, y: Array) -> Array:
    """`alpha exp(min(x, 0))`, less the `alpha - 1` that is too much where x is positive; all of it scaled."""
    d = negative_part(x)
    np.exp(d, d)
    d *= number(SCALE * ALPHA, x.dtype)
    d -= step(x) * number(SCALE * (ALPHA - 1), x.real.dtype)
    return d


# between two bounds ---------------------------------------------------------------------------------------------------
def clipped(x: Array, low: float, high: float) -> Array:
    """x, `low` where it is less, `high` where it is more."""
    if x.dtype.kind == "c":
        return np.where(x.real <= low, low, np.where(x.real > high, high, x))
    y: Array = np.maximum(x, number(low, x.dtype))
    return np.minimum(y, number(high, x.dtype), out=y)


def between(x: Array, low: float, high: float) -> Array:
    """The derivative of `clipped`: 1 for `low < x <= high`, else 0."""
    real = x.real
    return ((real > number(low, real.dtype)) & (real <= number(high, real.dtype))).astype(real.dtype)


def relu6(x: Array) -> Array:
    return clipped(x, 0.0, 6.0)


def d_relu6(x: Array, y: Array) -> Array:
    return between(x, 0.0, 6.0)


def hard_tanh(x: Array) -> Array:
    return clipped(x, -1.0, 1.0)


def d_hard_tanh(x: Array, y: Array) -> Array:
    return between(x, -1.0, 1.0)


def hard_sigmoid(x: Array) -> Array:
    """`(x + 3) / 6` between -3 and 3: clipped first, so that it is exactly 0 and 1 outside."""
    y = clipped(x, -3.0, 3.0)
    y += number(3.0, x.dtype)
    y /= number(6.0, x.dtype)
    return y


def d_hard_sigmoid(x: Array, y: Array) -> Array:
    d = between(x, -3.0, 3.0)
    d /= number(6.0, d.dtype)
    return d


def hard_swish(x: Array) -> Array:
    y = hard_sigmoid(x)
    y *= x
    return y


def d_hard_swish(x: Array, y: Array) -> Array:
    """0 up to -3, `(2 x + 3) / 6` up to 3, 1 beyond."""
    d: Array = x + x
    d += number(3.0, x.dtype)
    d /= number(6.0, x.dtype)
    d *= between(x, -3.0, 3.0)
    d += step(x - number(3.0, x.dtype))
    return d
