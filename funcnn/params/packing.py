"""Params as one vector: `ravel`, and what optimizers do with trees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from funcnn.errors import ParamsError
from funcnn.kernels import scratch
from funcnn.params import trees
from funcnn.params.layouts import Layout
from funcnn.params.mapping import Params, packed, plain_tree, wrap
from funcnn.types import Array, Tree


def own(layout: Layout, flat: Array) -> Params:
    """Params that are views of `flat`, which is sealed and must be nobody else's."""
    vector: Any = flat
    vector.setflags(False)  # three times faster than by keyword
    return wrap(None, flat, layout)


def gather(layout: Layout, tree: Tree) -> Array:
    """The leaves of `tree` in one vector: its own where it is packed this way, else a fresh one.

    Errors
        ParamsError   the tree has another structure, or leaves of other shapes
    """
    if type(tree) is Params and (found := packed(tree)):
        flat, its = found
        if its is layout or its.sorted == layout.sorted:
            return flat
    leaves = _leaves(layout, tree)
    if not leaves:
        return np.zeros(0, np.float32)
    dtype = leaves[0].dtype
    if layout.size < scratch.SHORT or any(leaf.dtype != dtype for leaf in leaves):
        return np.concatenate(leaves)
    return np.concatenate(leaves, out=scratch.vector(layout.size, dtype))


def pieces(layout: Layout, tree: Tree) -> list[Array]:
    """The leaves of `tree` one after the other: few numbers as one vector, many as they are, without a copy.

    Errors
        ParamsError   the tree has another structure, or leaves of other shapes
    """
    if layout.size < scratch.SHORT or (type(tree) is Params and packed(tree)):
        return [gather(layout, tree)]
    return _leaves(layout, tree)


def _leaves(layout: Layout, tree: Tree) -> list[Array]:
    source = plain_tree(tree)
    leaves = layout.collect(source)
    if leaves is None:
        raise ParamsError(layout.mismatch(source))
    return leaves


def taken(layout: Layout, tree: object, dtype: np.dtype[Any]) -> Params | None:
    """A short tree packed, if it is one of plain arrays of this layout and dtype; None if that is not so."""
    if layout.size >= scratch.SHORT or not layout.size:
        return None
    leaves = layout.collect_unseen(tree, dtype)
    return None if leaves is None else own(layout, np.concatenate(leaves))


def layout_of(params: Params) -> Layout:
    """The layout of packed params, or a new one."""
    found = packed(params)
    return found[1] if found else Layout(plain_tree(params))


def pack(params: Params) -> Params:
    """The same params, packed."""
    if packed(params):
        return params
    tree = plain_tree(params)
    dtype = trees.common_dtype(list(trees.flatten(tree)))
    layout = Layout(tree)
    return own(layout, gather(layout, tree).astype(dtype, copy=False))


def ravel(params: Tree) -> tuple[Array, Callable[[Array], Params]]:
    """All leaves as one vector, and the function that makes such a tree out of another vector.

    Leaves lie in the order of `Params.paths`. The vector is read-only. What `unravel` gives is packed: its leaves are
    views of one vector, a copy of the one it got, and ravelling it again is free.

    Errors
        ParamsError   `unravel` gets something else than a vector of this length
        DTypeError    the leaves have several dtypes

    >>> vector, unravel = ravel({"w": np.ones((2, 2)), "b": np.zeros(2)})
    >>> vector
    array([0., 0., 1., 1., 1., 1.])
    >>> unravel(vector + 1).at("w")
    array([[2., 2.],
           [2., 2.]])
    """
    one = pack(params if isinstance(params, Params) else Params(params))
    layout = layout_of(one)

    def unravel(vector: Array) -> Params:
        array = np.asanyarray(vector)
        if array.shape != (layout.size,) or array.dtype.kind != "f" or isinstance(array, np.ma.MaskedArray):
            kind = "a masked array" if isinstance(array, np.ma.MaskedArray) else f"{array.dtype} of shape {array.shape}"
            raise ParamsError(f"unravel takes a float vector of {layout.size}, got {kind}")
        return own(layout, np.array(array, array.dtype.newbyteorder("="), subok=False))

    return gather(layout, one), unravel
