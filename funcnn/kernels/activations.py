"""The arithmetic of the activations: for each its value `f(x)` and its derivative `d_f(x, y)`, where `y = f(x)`; or,
where the derivative comes from y alone, `f_pullback(y, dy)`, the derivative times `dy`.

All are finite and silent for x between -1e4 and 1e4 (`exp` apart, which is infinite there), keep the dtype, and carry
NaN through. Complex numbers, which only derivatives by complex step bring here, take the branch of their real part.
"""

from __future__ import annotations

import functools
from typing import Any, Final

import numpy as np

from funcnn.kernels.scratch import SHORT, like
from funcnn.kernels.threads import longer, spread
from funcnn.types import Array

SLOPE: Final = 0.01
ALPHA: Final = 1.6732632423543772
SCALE: Final = 1.0507009873554805
_GELU: Final = (2 / np.pi) ** 0.5
_CUBIC: Final = 0.044715
_BLOCK: Final = 1 << 16  # elements that stay in the cache between two passes
_WORTHWHILE: Final = 1 << 19  # elements that repay another thread


@functools.lru_cache(128)
def number(value: float, dtype: np.dtype[Any]) -> Array:
    """A constant in the dtype of what it meets: a ufunc takes it in 0.3 us, a Python float in 0.5 us."""
    array: Array = np.array(value, dtype)
    array.setflags(write=False)
    return array


# the two halves of the line ------------------------------------------------------------------------------------------
def positive_part(x: Array) -> Array:
    """x where it is positive, else 0."""
    if x.dtype.kind == "c":
        return x * (x.real > 0)
    y: Array = np.maximum(x, number(0.0, x.dtype))
    return y


def negative_part(x: Array) -> Array:
    """x where it is not positive, else 0."""
    if x.dtype.kind == "c":
        return x * (x.real <= 0)
    y: Array = np.minimum(x, number(0.0, x.dtype))
    return y


def step(x: Array) -> Array:
    """1 where x is positive, else 0. Written as floats at once: 16 us on 64k floats, 21 us by way of booleans."""
    if x.dtype.kind == "c":
        return (x.real > 0).astype(x.real.dtype)
    y: Array = np.empty_like(x)
    np.greater(x, number(0.0, x.dtype), y)
    return y


def _times(d: Array, dy: Array) -> Array:
    """`d dy`, in place: `d` is fresh."""
    return np.multiply(d, dy, d) if d.dtype == dy.dtype else d * dy


# values and derivatives ----------------------------------------------------------------------------------------------
def tanh(x: Array) -> Array:
    y: Array = np.tanh(x)
    return y


def tanh_pullback(y: Array, dy: Array) -> Array:
    d: Array = y * y
    np.subtract(number(1.0, y.dtype), d, d)
    return _times(d, dy)


def exp(x: Array) -> Array:
    with np.errstate(over="ignore"):  # infinity is the right answer
        y: Array = np.exp(x)
    return y


def exp_pullback(y: Array, dy: Array) -> Array:
    return dy * y


def sigmoid(x: Array) -> Array:
    """`e / (1 + e)` with `e = exp x`, right to the last digits on both sides; by way of tanh, x = -17 would have one.

    2.4 ms on 1M floats, by way of tanh 4.7 ms.
    """
    dtype = x.dtype
    if dtype.kind == "c":
        e: Array = x.copy()
        np.minimum(e.real, 700.0, out=e.real)
    else:
        e = np.minimum(x, number(87.0 if dtype.char == "f" else 700.0, dtype))  # behind it e overflows; the value is 1
    np.exp(e, e)
    return np.divide(e, e + number(1.0, dtype), e)


def sigmoid_pullback(y: Array, dy: Array) -> Array:
    d: Array = np.subtract(number(1.0, y.dtype), y)
    np.multiply(d, y, d)
    return _times(d, dy)


def softplus(x: Array) -> Array:
    """`max(x, 0) + log(1 + exp(-|x|))`: exp gets nothing positive, log1p keeps what is small."""
    positive, y = positive_part(x), negative_part(x)
    y -= positive
    np.exp(y, y)
    np.log1p(y, y)
    y += positive
    return y


def softplus_pullback(y: Array, dy: Array) -> Array:
    """The derivative, the sigmoid of x, comes from the value: `1 - exp(-y)`."""
    d: Array = np.negative(y)
    np.expm1(d, d)
    d = _times(d, dy)
    return np.negative(d, d)


def relu(x: Array) -> Array:
    """Long arrays in scratch memory, and on several cores: 0.8 ms on 2.4M floats, 1.2 ms and page faults without."""
    if x.size < SHORT or x.dtype.kind == "c" or not x.flags.c_contiguous:
        return positive_part(x)
    y: Array = like(x)
    a, b, zero = x.reshape(-1), y.reshape(-1), number(0.0, x.dtype)
    spread(x.size, _WORTHWHILE, lambda i, j: np.maximum(a[i:j], zero, out=b[i:j]))
    return y


def relu_pullback(y: Array, dy: Array) -> Array:
    """`dx = dy` where y is positive, else 0.

    Long arrays go block by block: 1.1 ms on 2.4M floats, 2.4 ms in two passes. Masks made of integers take as long.
    """
    plain = y.dtype == dy.dtype and y.dtype.kind != "c" and y.flags.c_contiguous and dy.flags.c_contiguous
    if y.size < SHORT or not plain:
        return step(y) * dy
    dx: Array = like(y)
    a, b, c, zero, block = y.reshape(-1), dy.reshape(-1), dx.reshape(-1), number(0.0, y.dtype), longer(_BLOCK)

    def part(start: int, end: int) -> None:
        for i in range(start, end, block):
            s = slice(i, min(i + block, end))
            np.greater(a[s], zero, c[s])
            np.multiply(c[s], b[s], c[s])

    spread(y.size, _WORTHWHILE, part)
    return dx


def leaky_relu(x: Array) -> Array:
    if x.dtype.kind == "c":
        return positive_part(x) + SLOPE * negative_part(x)
    y: Array = x * number(SLOPE, x.dtype)
    return np.maximum(x, y, out=y)


def d_leaky_relu(x: Array, y: Array) -> Array:
    d = step(y)
    return np.maximum(d, number(SLOPE, d.dtype), out=d)


def elu(x: Array) -> Array:
    y = negative_part(x)
    np.expm1(y, y)
    y += positive_part(x)
    return y


def d_elu(x: Array, y: Array) -> Array:
    d = negative_part(x)
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


def gelu(x: Array) -> Array:
    y = _gelu_gate(x)
    y *= x
    return y


def d_gelu(x: Array, y: Array) -> Array:
    """`g + y (1 - g) 2 u'` with the gate `g = sigmoid(2 u)`, which costs less to compute again than to keep."""
    gate = _gelu_gate(x)
    slope: Array = x * x
    slope *= number(6 * _GELU * _CUBIC, x.dtype)
    slope += number(2 * _GELU, x.dtype)
    slope *= y
    slope *= number(1.0, x.dtype) - gate
    slope += gate
    return slope


def _gelu_gate(x: Array) -> Array:
    """`(1 + tanh u) / 2`, the sigmoid of `2 u`, with `u = sqrt(2 / pi) (x + 0.044715 x^3)`."""
    g: Array = x * x
    g *= number(2 * _GELU * _CUBIC, x.dtype)
    g += number(2 * _GELU, x.dtype)
    g *= x
    return sigmoid(g)
