"""Means and maxima over an axis, of what is real."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, Literal, overload

import numpy as np
import numpy.typing as npt

from funcnn.arguments import is_integer
from funcnn.calculus import Pullback
from funcnn.errors import ShapeError
from funcnn.inputs import Kind
from funcnn.kernels.sums import middle_sums, totals
from funcnn.layers.sequences import expected, items, kinds
from funcnn.networks import Layer, apart, layer
from funcnn.networks.definitions import EMPTY
from funcnn.shapes import axes, display, known
from funcnn.types import Array, Mask, Shape, Tree, is_tuple

Reduction = Callable[[Array, int, "Mask | None"], tuple[Array, Callable[[Array], Array]]]
"""(x, axis, mask that broadcasts to x) -> value, with the axis of size 1, and dy -> dx."""


def _over(name: str, axis: int, masked: bool, reduction: Reduction) -> Layer[Any, Any]:
    if not is_integer(axis) or (masked and axis < 1):
        wanted = "an integer of at least 1, for a mask goes up to it" if masked else "an integer"
        raise ValueError(f"{name}: axis must be {wanted}, got {axis!r}")
    if axis == 0:
        raise ValueError(f"{name}: axis 0 is the batch, whose examples do not see each other; choose another one")
    axis, names = int(axis), ("x", "mask") if masked else ("x",)

    def out_shape(shape: Shape) -> Shape:
        x, *mask = items(name, shape, names, {"mask": "masked=True"})
        sizes = axes(name, x, at_least=2, empty=None)
        at = axis % len(sizes) if -len(sizes) <= axis < len(sizes) else 0
        if not at:
            raise ShapeError(f"{name} goes over axis {axis}, got {display(sizes)}")
        if not masked and known(sizes[at]) and not sizes[at]:
            raise ShapeError(f"{name} goes over axis {axis}, which is empty: got {display(sizes)}; masked=True gives 0")
        for each in mask:
            expected(name, each, sizes[: at + 1], f"its mask has a truth value for every place up to axis {axis}")
        return (*sizes[:at], *sizes[at + 1 :])

    def rule(params: Tree, x: Any) -> tuple[Array, Pullback[Array, Any]]:
        a, mask = x if is_tuple(x) else (x, None)
        real = None if mask is None else mask.reshape(*mask.shape, *(1,) * (a.ndim - mask.ndim))
        y, back = reduction(a, axis, real)

        def pullback(dy: Array) -> tuple[Tree, Any]:
            dx = back(np.expand_dims(dy, axis))
            return EMPTY, dx if mask is None else (dx, np.zeros(mask.shape, dx.dtype))

        return y.squeeze(axis), pullback

    def takes(out: Kind) -> Kind:
        return kinds(names)

    why = "it looks at all steps" if axis == 1 else None
    return Layer.of(out_shape, lambda shape: EMPTY, rule if masked else apart(rule), takes=takes, step=why)


def _mean(x: Array, axis: int, mask: Mask | None) -> tuple[Array, Callable[[Array], Array]]:
    if mask is None:
        n = x.shape[axis]

        def even(dy: Array) -> Array:
            return np.broadcast_to(dy / n, x.shape).copy()

        return _sum(x, axis) / n, even
    count: Any = np.maximum(mask.sum(axis, keepdims=True), 1).astype(x.real.dtype)

    def back(dy: Array) -> Array:
        return np.where(mask, dy / count, 0).astype(dy.dtype, copy=False)

    return _sum(np.where(mask, x, 0), axis) / count, back


def _sum(x: Array, axis: int) -> Array:
    """Over an axis, which stays: NumPy would add float32 numbers one after the other, and lose digits of long axes."""
    at = axis % x.ndim
    lead, n, trail = x.shape[:at], x.shape[at], x.shape[at + 1 :]
    rows = x.reshape(prod(lead), n, prod(trail))
    sums = totals(rows[:, :, 0]) if rows.shape[2] == 1 else middle_sums(rows)
    return sums.reshape(*lead, 1, *trail)


def _maximum(x: Array, axis: int, mask: Mask | None) -> tuple[Array, Callable[[Array], Array]]:
    if not x.shape[axis]:
        return _sum(x, axis), lambda dy: np.zeros(x.shape, dy.dtype)
    seen: npt.NDArray[Any] = x.real if mask is None else np.where(mask, x.real, -np.inf)
    at: npt.NDArray[np.intp] = np.argmax(seen, axis=axis, keepdims=True)
    if mask is not None:  # of real ones that are all -inf, the first that is real
        real: Mask = np.take_along_axis(np.broadcast_to(mask, x.shape), at, axis)
        at = np.where(real, at, np.argmax(mask, axis=axis, keepdims=True))
    any_real = None if mask is None else mask.any(axis, keepdims=True)

    def chosen(a: Array) -> Array:
        return a if any_real is None else np.where(any_real, a, 0)

    def back(dy: Array) -> Array:
        dx = np.zeros_like(dy, shape=x.shape)
        np.put_along_axis(dx, at, chosen(dy), axis=axis)
        return dx

    return chosen(np.take_along_axis(x, at, axis=axis)), back


# fmt: off
@overload
def MeanOver(axis: int, *, masked: Literal[False] = False) -> Layer[Array, Array]: ...
@overload
def MeanOver(axis: int, *, masked: Literal[True]) -> Layer[tuple[Array, Mask], Array]: ...
@overload
def MeanOver(axis: int, *, masked: bool = False) -> Layer[Any, Array]: ...
# fmt: on
@layer
def MeanOver(axis: int, *, masked: bool = False) -> Layer[Any, Any]:
    """The mean over an axis, which goes away: `MeanOver(1)` is the mean over time.

    With `masked` a mask comes beside x, True is real: the mean is over what is real, 0 where nothing is, and what
    stands elsewhere changes nothing.

    Shapes
        input   x, or (x, mask): x (batch, ..., k, ...), mask its axes up to the one that goes away
        y       x without that axis
    Errors
        ValueError   `axis` is 0, no integer, or with `masked` negative
        ShapeError   x has not that axis, or the mask not that shape
    Pullback
        dx = dy / k, with a mask dy / (how many are real), where it is true
    Source: Griewank & Walther, Evaluating Derivatives (2008), section 3.2.

    >>> MeanOver(1, masked=True).apply({}, (np.array([[[1.0], [3.0], [9.0]]]), np.array([[True, True, False]])))
    array([[2.]])
    """
    return _over("MeanOver", axis, masked, _mean)


# fmt: off
@overload
def MaxOver(axis: int, *, masked: Literal[False] = False) -> Layer[Array, Array]: ...
@overload
def MaxOver(axis: int, *, masked: Literal[True]) -> Layer[tuple[Array, Mask], Array]: ...
@overload
def MaxOver(axis: int, *, masked: bool = False) -> Layer[Any, Array]: ...
# fmt: on
@layer
def MaxOver(axis: int, *, masked: bool = False) -> Layer[Any, Any]:
    """The largest over an axis, which goes away: `MaxOver(1)` is the largest over time.

    With `masked` a mask comes beside x, True is real: the largest of what is real, 0 where nothing is.

    Shapes
        input   x, or (x, mask): x (batch, ..., k, ...), mask its axes up to the one that goes away
        y       x without that axis
    Errors
        ValueError   `axis` is 0, no integer, or with `masked` negative
        ShapeError   x has not that axis, or the mask not that shape
    Pullback
        dx = dy at the first of the largest, 0 elsewhere
    Source: Collobert & Weston, A Unified Architecture for Natural Language Processing (2008), section 3.3.

    >>> MaxOver(1, masked=True).apply({}, (np.array([[[1.0], [3.0], [9.0]]]), np.array([[True, True, False]])))
    array([[3.]])
    """
    return _over("MaxOver", axis, masked, _maximum)
