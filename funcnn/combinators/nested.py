"""Arrays and shapes in nested tuples: their steps, and sums of gradients."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from funcnn.nested import mapped
from funcnn.shapes import axes
from funcnn.types import Array, Mask, Shape, is_mapping, is_tuple


def mapped_shape(f: Callable[[tuple[int, ...]], Shape], shape: Shape) -> Shape:
    """`f` of the shape of every array of a nested one."""
    parts = tuple([d for d in shape if isinstance(d, tuple)])
    return tuple([mapped_shape(f, d) for d in parts]) if parts else f(axes("scan", shape, empty=None))


def first_shape(shape: Shape) -> Shape:
    """The shape of the first array of a nested tuple."""
    while shape and isinstance(shape[0], tuple):
        shape = shape[0]
    return shape


def leading(tree: Any) -> Any:
    """The first array of a nested tuple."""
    while is_tuple(tree):
        tree = tree[0]
    return tree


def at_step(tree: Any, t: int) -> Any:
    """Sequences (batch, time, ...) at one step."""
    return mapped(lambda a: a[:, t], tree)


def stacked(trees: Sequence[Any], axis: int) -> Any:
    """One tree of several alike, whose arrays stand beside each other along this axis; there is one at least."""
    return mapped(lambda *arrays: np.stack(arrays, axis), *trees)


def where(real: Mask, tree: Any, other: Any = None) -> Any:
    """The rows of a tree where this is true, elsewhere those of another, or 0."""

    def chosen(a: Array, b: Array) -> Array:
        return np.where(real.reshape(-1, *(1,) * (a.ndim - 1)), a, b)

    def zero_elsewhere(a: Array) -> Array:
        return chosen(a, np.zeros((), a.dtype))

    if other is None:
        return mapped(zero_elsewhere, tree)
    return mapped(chosen, tree, other)


def summed(total: dict[str, Any], gradients: Mapping[str, Any]) -> dict[str, Any]:
    """Gradients added to a sum of them, which is ours: it is empty, or what this function returned."""
    for name, g in gradients.items():
        if is_mapping(g):
            summed(total.setdefault(name, {}), g)
        elif name in total:
            total[name] = np.add(total[name], g, total[name] if np.can_cast(g.dtype, total[name].dtype) else None)
        else:
            total[name] = np.copy(g)
    return total


def zeros_of(params: Mapping[str, Any], dtype: Any) -> dict[str, Any]:
    """No gradient, of everything."""
    return {k: zeros_of(v, dtype) if is_mapping(v) else np.zeros(v.shape, dtype) for k, v in params.items()}
