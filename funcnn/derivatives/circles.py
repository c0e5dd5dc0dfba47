"""Derivatives along a curve by Cauchy's formula: values at complex points of a circle give Taylor coefficients.

For layers whose rules jets cannot go through, because they write into memory of their own, and for layers that are not
the library's own. `c_k` is the mean of `f(s) s^-k` over N points; what is wrong with it is `c_(k + N) r^N`, and
rounding, which `r^-k` multiplies. So the radius must be right: it begins with one in which the input moves by one, and
shrinks until the last coefficients have died away, which says that the others are right. A polynomial, as every affine
layer is, is found at the first radius, exactly. Everything is computed in float64.

Source: Lyness & Moler, Numerical Differentiation of Analytic Functions (1967); Trefethen & Weideman, The
Exponentially Convergent Trapezoidal Rule (2014), section 2.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from funcnn.calculus import force
from funcnn.derivatives.jets import Jet
from funcnn.derivatives.stepping import ordered
from funcnn.errors import NotAnalyticError
from funcnn.nested import arrays, mapped
from funcnn.networks.definitions import Definition

# points, and the radius as a part of that in which the input moves by one
_TRIES: Final = ((8, 1.0), *[(16, 0.3 * 0.4**i) for i in range(11)])
_DIED: Final = 64 * float(np.finfo(np.float64).eps)


def value(definition: Definition, params: Any, x: Any, key: Any) -> Any:
    """The jets of a layer's value.

    Errors
        NotAnalyticError   the coefficients do not die away: the rule loses imaginary parts, or has no derivatives at
                           this point; or numbers are complex already
    """
    wide = mapped(_wide, params)
    return _coefficients(lambda s: definition.value(wide, _at(x, s), *key), x, _single(params, x))


def pulled_back(definition: Definition, params: Any, x: Any, dy: Any, key: Any) -> tuple[Any, Any]:
    """The jets of the gradients, and of the input's cotangent: what a layer's pullback does with jets.

    Errors as for `value`.
    """
    wide = mapped(_wide, params)

    def both(s: complex) -> tuple[Any, Any]:
        grads, dx = definition.rule(wide, _at(x, s), *key)[1](_at(dy, s))
        return ordered(grads, params), force(dx)

    found: tuple[Any, Any] = _coefficients(both, x, _single(params, x))
    return found


def _single(params: Any, x: Any) -> bool:
    return any(a.dtype.char in "fF" for a in arrays((params, x)))


def _wide(a: Any) -> Any:
    if a.dtype.kind == "c":
        raise NotAnalyticError(
            "its derivatives are taken at complex points, and a complex step cannot go through that as well"
        )
    return a.astype(np.float64) if a.dtype.kind == "f" else a


def _at(tree: Any, s: complex) -> Any:
    """Jets at a point; what does not move as it is."""
    return mapped(lambda a: _sum([_wide(c) for c in a.series], s) if isinstance(a, Jet) else a, tree)


def _sum(c: Any, s: complex) -> Any:
    return c[0] + s * c[1] + (s * s) * c[2]


def _coefficients(f: Callable[[complex], Any], moving: Any, single: bool) -> Any:
    """The jets of `f(s)` at s = 0, from the circle on which the second coefficients are known best."""
    jets = [a for a in arrays(moving) if isinstance(a, Jet)]
    speed, wide = max(map(_speed, jets), default=0.0), max([1.0, *[_largest(a.series.a) for a in jets]])
    one = 1 / speed if 0 < speed < np.inf else 1.0
    best, error, radius, like = list[Any](), np.inf, one, None
    with np.errstate(all="ignore"):  # far out, anything may overflow
        lost = [~np.isfinite(a) for a in arrays(f(0j))]  # what is no number at the point itself
        for points, part in _TRIES:
            r = part * one * (wide if not best else 1.0)  # numbers that are large lose nothing of a polynomial
            unit = np.exp(2j * np.pi * (np.arange(points // 2) + 0.5) / points)  # the other half is their conjugates
            like = [f(complex(r * u)) for u in unit]
            found = [_series(np.stack(each), unit) for each in zip(*map(arrays, like), strict=True)]
            tails = [_tail(c, no) for c, no in zip(found, lost, strict=True)]
            off = max(tails, default=0.0) / r**2
            if not best or off < error:
                best, error, radius = found, off, r
            elif _small(max(tails, default=0.0), found):  # now rounding grows
                break
            if all(tail <= _DIED * _largest(c) for tail, c in zip(tails, found, strict=True)):
                break
    if not _small(error * radius**2, best):
        raise NotAnalyticError(
            "the Taylor series of this layer does not converge: its rule loses the imaginary part of its input, or the "
            "point is one without derivatives"
        )
    leaves = iter([_jet(c, radius, np.float32 if single else np.float64) for c in best])
    return mapped(lambda _: next(leaves), like[0] if like else ())


def _small(tail: float, found: list[Any]) -> bool:
    """Have the last coefficients died away, but for rounding?"""
    return tail <= 1e-9 * max(map(_largest, found), default=0.0)


def _tail(c: npt.NDArray[np.float64], lost: npt.NDArray[np.bool_]) -> float:
    """The last coefficients; infinite where something overflowed that is a number at the point itself."""
    found = np.where(lost, 0, c)
    return _largest(found[-3:]) if np.isfinite(found).all() else np.inf


def _largest(c: npt.NDArray[np.float64]) -> float:
    return float(np.abs(c[np.isfinite(c)]).max(initial=0))


def _speed(a: Jet) -> float:
    """How far the input moves for s = 1."""
    _, c1, c2 = a.series
    return max(_largest(c1), math.sqrt(_largest(c2)))


def _series(values: npt.NDArray[Any], unit: npt.NDArray[np.complex128]) -> npt.NDArray[np.float64]:
    """`c_k r^k`, from the values at the points of the upper half: those of the lower half are their conjugates."""
    k = np.arange(2 * len(unit))
    weights = unit[None, :] ** -k[:, None]
    found: npt.NDArray[np.complex128] = np.tensordot(weights, values, 1)
    return found.real / len(unit)


def _jet(c: npt.NDArray[np.float64], radius: float, dtype: Any) -> Jet:
    return Jet(*[(c[k] / radius**k).astype(dtype) for k in range(3)])
