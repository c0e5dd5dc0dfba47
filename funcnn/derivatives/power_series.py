"""The arithmetic of power series `a + b s + c s^2 + ...`, cut off behind the square, whose coefficients are arrays.

What NumPy's ufuncs are of numbers, this table has of series; see `funcnn.derivatives.jets` for how they come here.

Source: Griewank & Walther, Evaluating Derivatives (2008), section 13.2, table 13.2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from funcnn.kernels import affine
from funcnn.kernels.scratch import SHORT, like

Run: TypeAlias = Callable[..., Any]


class NoJet(AttributeError):
    """What was asked of jets is no function of power series here, or is known of arrays in memory alone."""


class Series(NamedTuple):
    """Coefficients of one shape and dtype; of what does not move there is but the first."""

    a: Any
    b: Any = None
    c: Any = None


def product(times: Run, x: Series, y: Series) -> Series:
    """A product of any kind, linear in both: `sum of x_i y_(k - i)`."""
    if y.b is None:
        return each(lambda u: times(u, y.a), x)
    if x.b is None:
        return each(lambda u: times(x.a, u), y)
    second = added(added(times(x.a, y.c), times(x.b, y.b)), times(x.c, y.a))
    return Series(times(x.a, y.a), added(times(x.a, y.b), times(x.b, y.a)), second)


def added(u: Any, v: Any) -> Any:
    """The sum of two arrays that nobody else has, in the place of the first where it fits."""
    fits = u.__class__ is np.ndarray and u.shape == v.shape and u.dtype == v.dtype
    return np.add(u, v, u) if fits else u + v


def times(u: Any, v: Any) -> Any:
    """The product of two arrays; a long one in memory that is used again, without page faults."""
    alike = u.__class__ is v.__class__ is np.ndarray and u.size >= SHORT and u.shape == v.shape and u.dtype == v.dtype
    return np.multiply(u, v, like(u)) if alike else u * v


def each(f: Callable[[Any], Any], x: Series) -> Series:
    """A linear function, of one coefficient after the other."""
    return Series(*[None if u is None else f(u) for u in x])


def whole(x: Series, like: Any) -> Series:
    """With all derivatives, of the shape of an array."""
    zero = np.zeros_like(like)
    return Series(x.a, *[zero if u is None else u if u.shape == like.shape else zero + u for u in x[1:]])


def matrix_product(a: Any, b: Any) -> Any:
    """What the method `dot` of arrays is, with the library's own product of matrices."""
    return affine.product(a, b) if b.ndim == 2 else np.dot(a, b)


# arithmetic -----------------------------------------------------------------------------------------------------------
def _multiply(x: Series, y: Series) -> Series:
    return product(times, x, y)


def _add(x: Series, y: Series) -> Series:
    total = x.a + y.a
    return whole(Series(total, _either(x.b, y.b), _either(x.c, y.c)), total)


def _either(u: Any, v: Any) -> Any:
    return u.copy() if v is None else v.copy() if u is None else u + v


def _subtract(x: Series, y: Series) -> Series:
    return _add(x, each(np.negative, y))


def _divide(x: Series, y: Series) -> Series:
    if y.b is None:
        return each(lambda u: u / y.a, x)
    a = x.a / y.a
    if x.b is None:
        x = whole(x, a)
    b = (x.b - a * y.b) / y.a
    return Series(a, b, (x.c - a * y.c - b * y.b) / y.a)


def _power(x: Series, n: Series) -> Series:
    if x.b is None or n.b is not None or np.ndim(n.a):
        raise NoJet("np.power of jets, but for a number as the exponent,")
    k = np.asarray(n.a).item()
    if k == 2:
        return _multiply(x, x)
    slope = k * x.a ** (k - 1)
    return Series(x.a**k, slope * x.b, slope * x.c + (k * (k - 1) / 2 * x.a ** (k - 2)) * (x.b * x.b))


def _of(f: Run, slopes: Callable[[Any, Any], tuple[Any, Any]]) -> Run:
    """A function of every number: `slopes(x, y)` are its first derivative, and half of its second one."""

    def run(x: Series) -> Series:
        y = f(x.a, like(x.a)) if x.a.size >= SHORT else f(x.a)
        d, half = slopes(x.a, y)
        return Series(y, times(d, x.b), added(times(d, x.c), times(half, times(x.b, x.b))))

    return run


def _of_tanh(x: Any, y: Any) -> tuple[Any, Any]:
    d = times(y, y)
    d = np.subtract(1, d, d if d.__class__ is np.ndarray else None)
    return d, -times(y, d)


def _of_arctan(x: Any, y: Any) -> tuple[Any, Any]:
    d = 1 / (1 + x * x)
    return d, -x * d * d


def _chosen(first: Run) -> Run:
    """One of two, by their values: the first where this is true of them; NaN before all."""

    def run(x: Series, y: Series) -> Series:
        on = first(x.a.real, y.a.real) | np.isnan(x.a.real)
        return choice(on, x, y)

    return run


def choice(on: Any, x: Series, y: Series) -> Series:
    """x where this is true, elsewhere y."""
    pick: Run = np.where
    value = pick(on, x.a, y.a)
    x, y = whole(x, value), whole(y, value)
    return Series(value, pick(on, x.b, y.b), pick(on, x.c, y.c))


def _reduced(place: Run) -> Run:
    """The largest or the smallest along one axis, by their values."""

    def run(x: Series, axis: Any = 0, keepdims: bool = False) -> Series:
        at = place(x.a.real, axis, keepdims=True)
        y = each(lambda u: np.take_along_axis(u, at, axis), x)
        return y if keepdims else each(lambda u: u.squeeze(axis), y)

    return run


def _matmul(x: Series, y: Series) -> Series:
    return product(np.matmul, x, y)


def _square(x: Series) -> Series:
    return _multiply(x, x)


def _reciprocal(x: Series) -> Series:
    return _divide(Series(np.ones((), x.a.dtype)), x)


def _sum(x: Series, axis: Any = 0, keepdims: bool = False) -> Series:
    return each(lambda u: u.sum(axis, keepdims=keepdims), x)


def _linear(f: Run) -> Callable[[Series], Series]:
    return lambda x: each(f, x)


def _of_values(f: Run) -> Run:
    """What is asked of values alone."""
    return lambda *args: f(*[x.a.real for x in args])


# fmt: off
_SLOPES: Final[dict[Any, Callable[[Any, Any], tuple[Any, Any]]]] = {
    np.exp:    lambda x, y: (y, y / 2),
    np.expm1:  lambda x, y: (y + 1, (y + 1) / 2),
    np.log:    lambda x, y: (1 / x, -0.5 / (x * x)),
    np.log1p:  lambda x, y: (1 / (1 + x), -0.5 / ((1 + x) * (1 + x))),
    np.sqrt:   lambda x, y: (0.5 / y, -0.125 / (x * y)),
    np.sin:    lambda x, y: (np.cos(x), -y / 2),
    np.cos:    lambda x, y: (-np.sin(x), -y / 2),
    np.sinh:   lambda x, y: (np.cosh(x), y / 2),
    np.cosh:   lambda x, y: (np.sinh(x), y / 2),
    np.tanh:   _of_tanh,
    np.arctan: _of_arctan,
}
"""The first derivative, and half of the second one."""

UFUNCS: Final[dict[tuple[Any, str], Run]] = {
    **{(f, "__call__"): _of(f, slopes) for f, slopes in _SLOPES.items()},
    **{(f, "__call__"): _of_values(f) for f in (
        np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal, np.isnan, np.isinf, np.isfinite,
        np.sign, np.rint,
    )},
    (np.add, "__call__"): _add,
    (np.subtract, "__call__"): _subtract,
    (np.multiply, "__call__"): _multiply,
    (np.divide, "__call__"): _divide,
    (np.matmul, "__call__"): _matmul,
    (np.square, "__call__"): _square,
    (np.power, "__call__"): _power,
    (np.reciprocal, "__call__"): _reciprocal,
    (np.negative, "__call__"): _linear(np.negative),
    (np.positive, "__call__"): _linear(np.positive),
    (np.maximum, "__call__"): _chosen(np.greater_equal),
    (np.minimum, "__call__"): _chosen(np.less_equal),
    (np.maximum, "reduce"): _reduced(np.argmax),
    (np.minimum, "reduce"): _reduced(np.argmin),
    (np.add, "reduce"): _sum,
}
# fmt: on
IN_PLACE: Final[dict[Any, int]] = {np.add: 1, np.subtract: 1, np.multiply: 3, np.divide: 3}
"""How many coefficients change where an array is added to a series, ..."""
