"""From the terms of a loss to one number, and back: once, for all losses."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, Literal, TypeAlias, Union

import numpy as np

from funcnn.calculus import Later, force
from funcnn.errors import ShapeError
from funcnn.inputs import convert
from funcnn.nested import mapped
from funcnn.shapes import display
from funcnn.types import Array, Mask, Tokens

Reduce: TypeAlias = Literal["mean", "sum", "batch"]
"""How terms become one number: their mean, their sum, or "batch": summed over outputs, then the mean over rows."""

Weights: TypeAlias = Union[Array, Tokens, Mask]
"""How often rows or terms count: numbers, or a mask, which leaves out what is False."""

Back: TypeAlias = "Callable[[Any], tuple[Any, Any]]"


def reduced(terms: Any, back: Back, weights: Any, how: str | None) -> tuple[Any, Back]:
    """The terms as one number, or weighted, and the pullback of that.

    Without weights, one number for all terms goes back, not an array filled with it.

    Errors
        ShapeError   a mean over nothing; weights whose shape is not that of the leading axes of the terms
    """
    if weights is not None:
        return _weighted(terms, back, weights, how)
    if how == "none":
        return terms, back
    n = divisor(terms, None, how)
    if not n:
        raise ShapeError(_empty(terms))
    total = np.add.reduce(terms, None)
    return (total.item() if terms.dtype.kind == "c" else float(total)) / n, lambda d: back(d / n)


def _weighted(terms: Any, back: Back, weights: Any, how: str | None) -> tuple[Any, Back]:
    w = convert(weights, "features", terms.dtype, "the array of weights")
    if isinstance(w, tuple) or w.shape != terms.shape[: w.ndim] or (w.ndim == 0 and terms.ndim):
        got = "a tuple" if isinstance(w, tuple) else display(w.shape)
        raise ShapeError(
            f"weights must have the shape of the leading axes of the terms, {display(terms.shape)}, got {got}; "
            f"nothing is broadcast, give one weight for every row or term"
        )
    if not w.all():
        terms, back = _without(w != 0, terms, back)
    each = w.reshape(w.shape + (1,) * (terms.ndim - w.ndim))
    if how == "none":
        return terms * each, lambda d: back(d * each)
    n = divisor(terms, w, how)
    if not n.real > 0:
        raise ShapeError(weightless(n) if terms.size else _empty(terms))
    value = np.add.reduce(terms * each, None).item() / n
    return value, lambda d: back(np.broadcast_to(each * (d / n), terms.shape))


def divisor(terms: Any, weights: Any, how: str | None) -> Any:
    """What the weighted sum of the terms is divided by: how much there is of them."""
    if how == "mean":
        return terms.size if weights is None else np.add.reduce(weights, None).item() * prod(terms.shape[weights.ndim :])
    if how == "batch":
        return _rows(terms) if weights is None or weights.ndim != 1 else np.add.reduce(weights, None).item()
    return 1


def _without(counted: Any, terms: Any, back: Back) -> tuple[Any, Back]:
    """Terms that do not count, and what goes back from them, are 0 whatever they are, for 0 times NaN is NaN."""

    def zero(a: Any) -> Any:
        if a.shape[: counted.ndim] != counted.shape:
            return a
        return np.where(counted.reshape(counted.shape + (1,) * (a.ndim - counted.ndim)), a, np.zeros((), a.dtype))

    def zeroed(cotangent: Any) -> Any:
        with np.errstate(invalid="ignore"):
            return mapped(zero, force(cotangent))

    def pullback(d: Any) -> tuple[Any, Any]:
        with np.errstate(invalid="ignore"):
            dprediction, dtarget = back(d)
        return zeroed(dprediction), Later(lambda: zeroed(dtarget))

    return zero(terms), pullback


def product(weights: Any, own: Any) -> Any:
    """Weights of the caller and of the loss itself; the caller's have the leading axes of the other."""
    w: Any = np.asarray(weights)
    if w.ndim > own.ndim or w.shape != own.shape[: w.ndim]:
        return weights  # what does not fit is refused where weights are
    return own * w.reshape(w.shape + (1,) * (own.ndim - w.ndim))


def _rows(terms: Any) -> int:
    return int(terms.shape[0]) if terms.ndim else 1


def weightless(n: Any) -> str:
    """What is said where a mean has nothing to divide by."""
    what = "empty batch: " if n == 0 else ""
    return f"{what}the weights sum to {n}, but the mean divides by their sum; give weights whose sum is above 0"


def _empty(terms: Any) -> str:
    return f"empty batch: there is no mean of terms of shape {display(terms.shape)}; leave empty batches out"
