"""Params drawn from a spec."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from funcnn.errors import DTypeError, NonFiniteError, ParamsError, ShapeError, brief, locate
from funcnn.foreign.lookups import spelled
from funcnn.keys import Key
from funcnn.networks.definitions import Spec
from funcnn.promises import ours
from funcnn.shapes import display, known
from funcnn.types import Array, Shape, is_array, is_scalar, is_tuple


def draw(spec: Spec, key: Key, dtype: np.dtype[Any], shape: Shape, at: tuple[str, ...]) -> dict[str, Any]:
    """The params of a spec. `shape` is the network's input, for messages; `at` is the path they are drawn at.

    Errors
        ShapeError       the size of a leaf is not known, or its initializer returns another one
        DTypeError       an initializer returns another dtype than it was asked for
        ParamsError      it returns no array
        NonFiniteError   it returns NaN
    """
    tree: dict[str, Any] = {}
    for name, wanted in spec.items():
        below = key.fold(name)
        if isinstance(wanted, Mapping):
            if drawn := draw(wanted, below, dtype, shape, (*at, name)):
                tree[name] = drawn
            continue
        initializer, sizes = _leaf(name, wanted, at)
        if not known(*sizes):
            raise ShapeError(
                f"{name} has shape {display(sizes)} where the network gets {display(shape)}; "
                f"give the sizes it depends on, only others may be -1",
                path=at,
            )
        try:
            array: object = initializer(below, sizes, dtype)
        except Exception as error:
            locate(error, "/".join((*at, name)))
            raise
        if type(array) is not np.ndarray or array.shape != sizes or array.dtype != dtype:
            array = _converted(name, array, sizes, dtype, at)
        if not ours(initializer) and np.isnan(array).any():  # infinity may be where a maximum starts
            where = ", ".join(map(str, np.argwhere(np.isnan(array))[0]))
            raise NonFiniteError(f"the initializer of {name} returned NaN, first at index {where or '()'}", path=at)
        tree[name] = array
    return tree


def _converted(name: str, array: object, sizes: tuple[int, ...], dtype: np.dtype[Any], at: tuple[str, ...]) -> Array:
    """What an initializer returned, if it is an array after all: a number of NumPy's, numbers of another byte order."""
    wanted = f"expected {dtype} of shape {sizes}"
    if not (is_array(array) or is_scalar(array)) or isinstance(array, np.ma.MaskedArray):
        got = type(array).__name__
        raise ParamsError(f"the initializer of {name} returned {got}, {wanted}; write np.asarray(..., dtype)", path=at)
    if array.shape != sizes:
        raise ShapeError(f"the initializer of {name} returned shape {array.shape}, expected {sizes}", path=at)
    if array.dtype.newbyteorder("=") != dtype:
        fix = "; write .astype(dtype)" if array.dtype.kind in "fiub" else ""
        raise DTypeError(f"the initializer of {name} returned {array.dtype}, expected {dtype}{fix}", path=at)
    return np.asarray(array, dtype)


def _leaf(name: str, wanted: Any, at: tuple[str, ...]) -> tuple[Any, tuple[int, ...]]:
    """The initializer and the shape that a spec gives for a leaf."""
    if not is_tuple(wanted) or len(wanted) != 2 or not is_tuple(wanted[1]):
        shown = "/".join((*at, name))
        raise TypeError(f"the spec of {shown} must be (initializer, shape), with a tuple of sizes, got {brief(wanted)}")
    if not callable(wanted[0]):
        shown, got, hint = "/".join((*at, name)), brief(wanted[0]), spelled(wanted[0])
        raise TypeError(f"the initializer of {shown} must be a function, (key, shape, dtype) -> array, got {got}{hint}")
    return wanted
