"""What takes the place of a leaf: an array like the one that is there."""

from __future__ import annotations

import numpy as np

from funcnn.array_kinds import as_array
from funcnn.errors import ParamsError
from funcnn.params import trees
from funcnn.types import Array


def fitting(array: Array, old: Array | trees.Plain, path: str, kind: str) -> Array:
    """A sealed copy of an array for the place of another in a tree of this kind.

    Errors
        ParamsError   there is a subtree, or an array of another shape or dtype
    """
    if isinstance(old, dict):
        leaf = next(("/".join(below) for below in sorted(below for below, _ in trees.flatten(old))), "name")
        raise ParamsError(
            f"{path!r} is a subtree; set its leaves one by one, .set({path + '/' + leaf!r}, array), "
            f"or all together, {kind.lower()} | {{...}}"
        )
    if not isinstance(array, (np.ndarray, np.generic)):
        array = as_array(array, path, "the shape that is there")
    at = tuple(path.split("/"))
    new = trees.taken_leaf(array, at)
    if old.shape != new.shape or old.dtype != new.dtype:
        turned = new.shape == old.shape[::-1] != old.shape
        raise ParamsError(
            f"{path} has shape {old.shape} and dtype {old.dtype}, got {new.shape} and {new.dtype}; "
            f"{'it is the transpose: .T' if turned else 'convert with .reshape and .astype'}"
        )
    return trees.sealed_copy(new, at)
