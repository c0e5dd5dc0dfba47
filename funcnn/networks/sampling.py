"""Params drawn from a spec."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from funcnn.errors import DTypeError, ShapeError, brief, locate
from funcnn.keys import Key
from funcnn.networks.definitions import Spec
from funcnn.shapes import display, known
from funcnn.types import Shape, is_tuple


def draw(spec: Spec, key: Key, dtype: np.dtype[Any], shape: Shape, at: tuple[str, ...]) -> dict[str, Any]:
    """The params of a spec. `shape` is the network's input, for messages; `at` is the path they are drawn at.

    Errors
        ShapeError   the size of a leaf is not known, or its initializer returns another one
        DTypeError   an initializer returns complex numbers, objects, ...
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
            array = np.asarray(initializer(below, sizes, dtype))
        except Exception as error:
            locate(error, "/".join((*at, name)))
            raise
        if array.shape != sizes:
            raise ShapeError(f"the initializer of {name} returned shape {array.shape}, expected {sizes}", path=at)
        if array.dtype.kind not in "fiub":
            raise DTypeError(f"the initializer of {name} returned {array.dtype}, expected {dtype}", path=at)
        tree[name] = array.astype(dtype, copy=False)
    return tree


def _leaf(name: str, wanted: Any, at: tuple[str, ...]) -> tuple[Any, tuple[int, ...]]:
    """The initializer and the shape that a spec gives for a leaf."""
    if not is_tuple(wanted) or len(wanted) != 2 or not is_tuple(wanted[1]):
        shown = "/".join((*at, name))
        raise TypeError(f"the spec of {shown} must be (initializer, shape), with a tuple of sizes, got {brief(wanted)}")
    if not callable(wanted[0]):
        shown, got = "/".join((*at, name)), brief(wanted[0])
        raise TypeError(f"the initializer of {shown} must be a function, (key, shape, dtype) -> array, got {got}")
    return wanted
