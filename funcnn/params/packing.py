"""Params as one vector: `ravel`, and what optimizers do with trees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, overload

import numpy as np

from funcnn.array_kinds import as_array
from funcnn.errors import ParamsError
from funcnn.kernels import scratch
from funcnn.params import trees
from funcnn.params.layouts import Layout
from funcnn.params.kinds import Gradients, Params, as_tree, packed, plain_tree
from funcnn.params.mapping import ArrayTree, K, made
from funcnn.types import Array, Tree, is_array


@overload
def own(layout: Layout, flat: Array) -> Params: ...
@overload
def own(layout: Layout, flat: Array, kind: type[K]) -> K: ...
def own(layout: Layout, flat: Array, kind: Any = Params) -> Any:
    """Params, or another kind, whose leaves are views of `flat`, which is sealed and must be nobody else's."""
    vector: Any = flat
    vector.setflags(False)  # three times faster than by keyword
    return made(kind, None, flat, layout)


def gather(layout: Layout, tree: Tree) -> Array:
    """The leaves of `tree` in one vector: its own where it is packed this way, else a fresh one.

    Errors
        ParamsError   the tree has another structure, or leaves of other shapes
    """
    if found := packed(tree):
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
    if layout.size < scratch.SHORT or packed(tree):
        return [gather(layout, tree)]
    return _leaves(layout, tree)


def _leaves(layout: Layout, tree: Tree) -> list[Array]:
    source = plain_tree(tree)
    leaves = layout.collect(source)
    if leaves is None:
        raise ParamsError(layout.mismatch(source))
    return leaves


def taken(layout: Layout, tree: object, dtype: np.dtype[Any]) -> Gradients | None:
    """Short gradients packed, if these are plain arrays of this layout and dtype; None if that is not so."""
    if layout.size >= scratch.SHORT or not layout.size:
        return None
    leaves = layout.collect_unseen(tree, dtype)
    return None if leaves is None else own(layout, np.concatenate(leaves), Gradients)


def layout_of(tree: ArrayTree) -> Layout:
    """The layout of a packed tree, or a new one."""
    found = packed(tree)
    return found[1] if found else Layout(plain_tree(tree))


def pack(given: K) -> K:
    """The same tree, packed."""
    if packed(given):
        return given
    tree = plain_tree(given)
    dtype = trees.common_dtype(list(trees.flatten(tree)))
    layout = Layout(tree)
    return own(layout, gather(layout, tree).astype(dtype, copy=False), type(given))


# as in leafwise.py
@overload
def ravel(params: K) -> tuple[Array, Callable[[Array], K]]: ...  # type: ignore[overload-overlap] # pyright: ignore[reportOverlappingOverload]
@overload
def ravel(params: Tree) -> tuple[Array, Callable[[Array], Params]]: ...
def ravel(params: Tree) -> tuple[Array, Callable[[Array], Any]]:
    """All leaves as one vector, and the function that makes such a tree out of another vector.

    It makes gradients out of gradients, updates out of updates, params out of what else comes. Leaves lie in the order
    of `Params.paths`. The vector is read-only. What `unravel` gives is packed: its leaves are views of one vector, a
    copy of the one it got, and ravelling it again is free.

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
    one = pack(as_tree(params))
    layout, tree = layout_of(one), type(one)

    def unravel(vector: Array) -> ArrayTree:
        array = vector if is_array(vector) else as_array(vector, "the vector")
        if array.shape != (layout.size,) or array.dtype.kind != "f" or isinstance(array, np.ma.MaskedArray):
            kind = "a masked array" if isinstance(array, np.ma.MaskedArray) else f"{array.dtype} of shape {array.shape}"
            raise ParamsError(f"unravel takes a float vector of {layout.size}, got {kind}")
        return own(layout, np.array(array, array.dtype.newbyteorder("="), subok=False), tree)

    return gather(layout, one), unravel
