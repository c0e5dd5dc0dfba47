"""Functions of params, leaf by leaf."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from funcnn.errors import ParamsError
from funcnn.params import trees
from funcnn.params.mapping import Params, plain_tree
from funcnn.types import Array, Tree


def astype(params: Tree, dtype: npt.DTypeLike) -> Params:
    """The same values in another floating-point dtype.

    Errors
        DTypeError   the dtype is none of floating-point numbers

    >>> astype(Params({"w": np.ones(2)}), np.float32).at("w").dtype
    dtype('float32')
    """
    wanted = trees.floating(dtype)

    def convert(leaf: Array) -> Array:
        return leaf.astype(wanted)

    return Params(trees.mapped(convert, plain_tree(params)))


def tree_map(f: Callable[..., Array], params: Tree, *rest: Tree) -> Params:
    """`f` of every leaf, or of corresponding leaves of several trees. Results are copied.

    Errors
        ParamsError   the trees have not the same structure; the message lists every differing path

    >>> tree_map(np.add, {"w": np.ones(2)}, {"w": np.ones(2)}).at("w")
    array([2., 2.])
    """
    first, others = plain_tree(params), [plain_tree(t) for t in rest]
    for other in others:
        if wrong := trees.differences(first, other):
            raise ParamsError("tree_map needs trees of one structure: " + ", ".join(wrong))
    return Params(trees.mapped(lambda *leaves: np.asarray(f(*leaves)), first, *others))
