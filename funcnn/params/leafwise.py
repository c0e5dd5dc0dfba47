"""Functions of params, leaf by leaf."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from funcnn.errors import ParamsError
from funcnn.params import trees
from funcnn.params.kinds import Params, plain_tree
from funcnn.params.mapping import ArrayTree, K
from funcnn.types import Array, Tree


# A tree of ours keeps its kind even where it is known as a `Tree`: types say params there, for what else comes.
@overload
def astype(params: K, dtype: npt.DTypeLike) -> K: ...  # type: ignore[overload-overlap] # pyright: ignore[reportOverlappingOverload]
@overload
def astype(params: Tree, dtype: npt.DTypeLike) -> Params: ...
def astype(params: Tree, dtype: npt.DTypeLike) -> Any:
    """The same values in another floating-point dtype: float32 or float64 to compute in, float16 to store, any other.

    Errors
        DTypeError   the dtype is none of floating-point numbers

    >>> astype(Params({"w": np.ones(2)}), np.float32).at("w").dtype
    dtype('float32')
    """
    wanted = trees.floating(dtype)

    def convert(leaf: Array) -> Array:
        return leaf.astype(wanted)

    return _kind(params)(trees.mapped(convert, plain_tree(params)))


# One overload for a number of trees, so that a type checker knows what a lambda is given.
# fmt: off
@overload
def tree_map(f: Callable[[Array], Array], params: K, /) -> K: ...  # type: ignore[overload-overlap] # pyright: ignore[reportOverlappingOverload]
@overload
def tree_map(f: Callable[[Array], Array], params: Tree, /) -> Params: ...
@overload
def tree_map(f: Callable[[Array, Array], Array], params: K, other: Tree, /) -> K: ...  # type: ignore[overload-overlap] # pyright: ignore[reportOverlappingOverload]
@overload
def tree_map(f: Callable[[Array, Array], Array], params: Tree, other: Tree, /) -> Params: ...
@overload
def tree_map(f: Callable[[Array, Array, Array], Array], params: K, a: Tree, b: Tree, /) -> K: ...  # type: ignore[overload-overlap] # pyright: ignore[reportOverlappingOverload]
@overload
def tree_map(f: Callable[[Array, Array, Array], Array], params: Tree, a: Tree, b: Tree, /) -> Params: ...
@overload
def tree_map(f: Callable[..., Array], params: K, *rest: Tree) -> K: ...  # type: ignore[overload-overlap] # pyright: ignore[reportOverlappingOverload]
@overload
def tree_map(f: Callable[..., Array], params: Tree, *rest: Tree) -> Params: ...
# fmt: on
def tree_map(f: Callable[..., Array], params: Tree, *rest: Tree) -> Any:
    """`f` of every leaf, or of corresponding leaves of several trees. Results are copied.

    What comes out is of the kind of the first tree: gradients of gradients, updates of updates, params of others.

    Errors
        ParamsError   the trees have not the same structure; the message lists every differing path

    >>> tree_map(np.add, {"w": np.ones(2)}, {"w": np.ones(2)}).at("w")
    array([2., 2.])
    """
    if not callable(f):
        raise TypeError(f"tree_map takes a function of arrays first, got {type(f).__name__}; write tree_map(f, params)")
    first, others = plain_tree(params), [plain_tree(t) for t in rest]
    for other in others:
        if wrong := trees.differences(first, other):
            raise ParamsError("tree_map needs trees of one structure: " + ", ".join(wrong))
    return _kind(params)(trees.mapped(lambda *leaves: np.asarray(f(*leaves)), first, *others))


def _kind(tree: Tree) -> type[ArrayTree]:
    return type(tree) if isinstance(tree, ArrayTree) else Params
