"""Jets: arrays of power series `a + b s + c s^2` in one variable, that pass for arrays of complex numbers.

A rule is arithmetic on arrays. Run on jets in the place of arrays it gives the value with its first and second
derivative along a curve, and its pullback the same of every cotangent: exact to rounding, whatever the rule is, and
without a word of it in the rule. NumPy hands every function of a jet to `Jet`, by its two protocols. What is not in the
tables of `power_series` and `array_functions`, or asks for the memory of one array, is refused with `NoJet`; see
`funcnn.derivatives.curving` for what is done then.

A jet says that it is complex, so that rules take the way that keeps everything analytic. Its coefficients are
real, or complex where a complex step goes through: jets and complex steps do not get into each other's way.

Source: Griewank & Walther, Evaluating Derivatives (2008), section 13.2; the protocols are NumPy Enhancement Proposals
13 and 18.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast, final

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from funcnn.derivatives.array_functions import FUNCTIONS
from funcnn.derivatives.power_series import IN_PLACE, UFUNCS, NoJet, Series, each, matrix_product, product

__all__ = ["Jet", "NoJet", "series"]


@final
class Jet(NDArrayOperatorsMixin):
    """An array of numbers `a + b s + c s^2`, the coefficients as arrays of one shape and dtype.

    >>> from funcnn.derivatives.jets import Jet
    >>> x = Jet(np.array([2.0]), np.array([1.0]), np.array([0.0]))
    >>> tuple((x * x * x).series)  # (2 + s)^3 = 8 + 12 s + 6 s^2 + ...
    (array([8.]), array([12.]), array([6.]))
    """

    __slots__ = ("series",)

    def __init__(self, a: Any, b: Any, c: Any) -> None:
        self.series = Series(a, b, c)

    # what an array says of itself --------------------------------------------------------------------------------
    @property
    def shape(self) -> tuple[int, ...]:
        return self.series.a.shape  # type: ignore[no-any-return]

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.complex64 if self.series.a.dtype.char in "fF" else np.complex128)

    @property
    def real(self) -> Any:
        """What branches are taken by: the value."""
        return self.series.a.real

    @property
    def T(self) -> Jet:  # noqa: N802
        return self.transpose()

    def __getattr__(self, name: str) -> Any:
        if name in ("ndim", "size", "nbytes", "flags"):
            return getattr(self.series.a, name)
        raise NoJet(f"jets have no {name}")

    def __array__(self, *args: object, **options: object) -> Any:
        raise NoJet("a jet is no array")

    def __len__(self) -> int:
        return len(self.series.a)

    def __iter__(self) -> Iterator[Jet]:
        return (self[i] for i in range(len(self)))

    # what arrays do ----------------------------------------------------------------------------------------------
    def each(self, f: Callable[[Any], Any]) -> Jet:
        """The jet of the coefficients, each passed through a linear function."""
        return Jet(*each(f, self.series))

    def __getitem__(self, index: Any) -> Jet:
        return self.each(lambda u: u[index])

    def __setitem__(self, index: Any, value: Any) -> None:
        for u, v in zip(self.series, series(value), strict=True):
            u[index] = 0 if v is None else v

    def fill(self, value: float) -> None:
        self[...] = value

    def reshape(self, *shape: Any) -> Jet:
        return self.each(lambda u: u.reshape(*shape))

    def transpose(self, *axes: Any) -> Jet:
        return self.each(lambda u: u.transpose(*axes))

    def squeeze(self, axis: Any = None) -> Jet:
        return self.each(lambda u: u.squeeze(axis))

    def copy(self) -> Jet:
        return self.each(lambda u: u.copy())

    def sum(self, axis: Any = None, keepdims: bool = False) -> Jet:
        return self.each(lambda u: u.sum(axis, keepdims=keepdims))

    def mean(self, axis: Any = None, keepdims: bool = False) -> Jet:
        return self.each(lambda u: u.mean(axis, keepdims=keepdims))

    def dot(self, other: Any) -> Jet:
        return Jet(*product(matrix_product, self.series, series(other)))

    def astype(self, dtype: Any, **options: object) -> Jet:
        del options
        if np.dtype(dtype).kind != "c":
            raise NoJet("a cast of jets to real numbers")
        return self.copy()

    # NumPy's protocols -------------------------------------------------------------------------------------------
    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **options: Any) -> Any:
        found, out, where = UFUNCS.get((ufunc, method)), options.pop("out", None), options.pop("where", True)
        if found is None or not options.keys() <= {"axis", "keepdims"}:
            raise NoJet(f"np.{ufunc.__name__} of jets")
        given = [series(a) for a in args]
        if out is None and where is True:
            return _jets(found(*given, **options))
        into = None if out is None else out[0]
        if not isinstance(into, Jet):
            raise NoJet("a jet into an array")
        if ufunc in IN_PLACE and args[0] is into and given[1].b is None and where is True:
            for u in into.series[: IN_PLACE[ufunc]]:
                ufunc(u, given[1].a, out=u)
        else:
            for u, v in zip(into.series, found(*given, **options), strict=True):
                np.copyto(u, 0 if v is None else v, where=where)
        return into

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        del types
        found = FUNCTIONS.get(function)
        if function is np.result_type:
            return np.result_type(*[a.dtype if isinstance(a, Jet) else a for a in args])
        if found is None:
            raise NoJet(f"np.{function.__name__} of jets")
        return _jets(found(*_opened(args), **options))


def series(a: Any) -> Series:
    """The series of a jet, or of what does not move. Constants that say they are complex are real."""
    if isinstance(a, Jet):
        return a.series
    if isinstance(a, (int, float)):
        return Series(a)  # a number of Python's, which takes the dtype of what it meets
    value: Any = np.asarray(a)
    return Series(value.real if value.dtype.kind == "c" and not value.imag.any() else value)


def _opened(args: Any) -> list[Any]:
    """Series in the place of jets and arrays, lists of them in the place of lists of these; the rest as it is."""
    found: list[Any] = []
    for a in args:
        if isinstance(a, (list, tuple)) and any(isinstance(v, Jet) for v in cast("list[Any]", a)):
            found.append([series(v) for v in cast("list[Any]", a)])
        else:
            found.append(series(a) if isinstance(a, (Jet, np.ndarray, np.generic)) else a)
    return found


def _jets(found: Any) -> Any:
    """Jets in the place of series."""
    if isinstance(found, Series):
        return Jet(*found)
    return [Jet(*v) for v in cast("list[Series]", found)] if isinstance(found, list) else found
