"""NumPy's functions of arrays that jets go through: those that move numbers, add them up, or are linear in each array.

See `funcnn.derivatives.jets` for how they come here; series stand in the place of jets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from funcnn.derivatives.power_series import NoJet, Run, Series, choice, each, product


def _linear(f: Any) -> Run:
    def run(x: Series, *args: Any, **options: Any) -> Series:
        rest = [_value(a) for a in args]
        return each(lambda u: f(u, *rest, **options), x)

    return run


def _value(a: Any) -> Any:
    """What an argument that is no jet is: indices, axes."""
    return a.a if isinstance(a, Series) else a


def _of_several(f: Any) -> Run:
    """Arrays that come together: what does not move has derivatives of zero."""

    def run(given: Sequence[Series], *args: Any, **options: Any) -> Series:
        dtype = np.result_type(*[x.a.dtype for x in given if x.b is not None])
        parts = [[np.zeros(x.a.shape, dtype) if u is None else u for u in x] for x in given]
        return Series(*[f(u, *args, **options).astype(dtype, copy=False) for u in zip(*parts, strict=True)])

    return run


def _pad(x: Series, *args: Any, **options: Any) -> Series:
    """A constant in the border does not move."""
    still = dict.fromkeys(options.keys() & {"constant_values"}, 0)
    return Series(np.pad(x.a, *args, **options), *[np.pad(u, *args, **{**options, **still}) for u in x[1:]])


def _sort(x: Series, axis: int = -1) -> Series:
    at = np.argsort(x.a.real, axis)
    return each(lambda u: np.take_along_axis(u, at, axis), x)


def _split(x: Series, cuts: Any, axis: int = 0) -> list[Series]:
    return [Series(*parts) for parts in zip(*[np.split(u, _value(cuts), axis) for u in x], strict=True)]


def _einsum(subscripts: Any, *given: Series, **options: Any) -> Series:
    def run(*arrays: Any) -> Any:
        return np.einsum(subscripts, *arrays, **options)

    if len(given) > 2:
        raise NoJet("np.einsum of more than two arrays, jets among them,")
    return product(run, *given) if len(given) == 2 else each(run, *given)


def _copyto(into: Series, x: Any, casting: Any = "same_kind", where: Any = True) -> None:
    del casting
    for u, v in _pairs(into, x):
        np.copyto(u, v, where=where)


def _put_along_axis(into: Series, indices: Series, x: Any, axis: Any) -> None:
    for u, v in _pairs(into, x):
        np.put_along_axis(u, indices.a, v, axis)


def _pairs(into: Series, x: Any) -> list[tuple[Any, Any]]:
    """What goes where."""
    if into.b is None:
        raise NoJet("a jet into an array")
    return [(u, 0 if v is None else v) for u, v in zip(into, _moving(x), strict=True)]


def _moving(x: Any) -> Series:
    """A number is a series too."""
    return x if isinstance(x, Series) else Series(x)


def _ones_like(x: Series, **options: Any) -> Series:
    return Series(np.ones_like(x.a, **options), *[np.zeros_like(u, **options) for u in x[1:]])


def _of_values(f: Any) -> Run:
    def run(x: Series, *args: Any, **options: Any) -> Any:
        return f(x.a.real, *args, **options)

    return run


def _dot(x: Series, y: Series) -> Series:
    return product(np.dot, x, y)


def _where(on: Series, x: Any, y: Any) -> Series:
    return choice(on.a, _moving(x), _moving(y))


FUNCTIONS: Final[dict[Any, Callable[..., Any]]] = {
    **{f: _linear(f) for f in (
        np.reshape, np.ravel, np.transpose, np.swapaxes, np.moveaxis, np.expand_dims, np.squeeze, np.broadcast_to,
        np.flip, np.roll, np.repeat, np.tile, np.take, np.cumsum, np.sum, np.mean, np.diff, np.copy, np.zeros_like,
        np.empty_like, np.take_along_axis,
    )},
    **{f: _of_several(f) for f in (np.concatenate, np.stack)},
    **{f: _of_values(f) for f in (np.argmax, np.argmin, np.shape, np.ndim, np.size)},
    np.dot: _dot,
    np.einsum: _einsum,
    np.pad: _pad,
    np.sort: _sort,
    np.split: _split,
    np.where: _where,
    np.copyto: _copyto,
    np.put_along_axis: _put_along_axis,
    np.ones_like: _ones_like,
}  # fmt: skip
