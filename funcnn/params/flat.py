"""Params as one dict of arrays by path, and back: what other libraries and other formats take and give."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from funcnn.errors import ParamsError
from funcnn.params import trees
from funcnn.params.kinds import Params, plain_tree
from funcnn.types import Array, Tree, is_mapping


def to_flat(params: Tree) -> dict[str, Array]:
    """The leaves by path, `{"dense_0/w": ...}`, in the order of the tree. They are not copied, and read-only.

    Errors
        ParamsError   these are no params; or a subtree is empty, which no path could tell

    >>> to_flat(Params({"dense_0": {"w": np.ones(2), "b": np.zeros(1)}}))
    {'dense_0/w': array([1., 1.]), 'dense_0/b': array([0.])}
    """
    tree = plain_tree(params)
    if empty := [path for path, leaf in trees.listed(tree) if leaf is None]:
        raise ParamsError(f"to_flat: {', '.join(empty)} has no leaves, and so no path that would tell; leave it out")
    return {"/".join(path): _sealed(leaf) for path, leaf in trees.flatten(tree)}


def from_flat(arrays: Mapping[str, Any]) -> Params:
    """The params with these leaves, `from_flat(to_flat(params)) == params`. The arrays are copied.

    Names of other libraries are turned first: `from_flat({name.replace(".", "/"): a for name, a in arrays.items()})`.

    Errors
        ParamsError   a path that is no string, has an empty name, or is within that of another leaf; no mapping
        DTypeError    an array that is not floating-point

    >>> from_flat({"dense_0/w": np.ones((2, 3)), "dense_0/b": np.zeros(3)})
    Params(2 leaves, 9 values, float64, 72 bytes)
      dense_0/w  (2, 3)  float64  6
      dense_0/b  (3,)    float64  3
    """
    if not is_mapping(arrays):
        raise ParamsError(f"from_flat takes arrays by path, {{'dense_0/w': ...}}, got {type(arrays).__name__}")
    return Params(nested(arrays))


def nested(arrays: Mapping[Any, Any], subtrees: int | None = None) -> dict[str, Any]:
    """The tree that these paths make, of no more subtrees than are given.

    Errors
        ParamsError   they make none, or one of more
    """
    tree, count = _Subtree(), 0
    for path, leaf in arrays.items():
        if not isinstance(path, str):
            raise ParamsError(f"a path is a string, 'dense_0/w', got {path!r:.40}")
        *above, last = path.split("/")
        here: Any = tree
        for i, name in enumerate(above):
            if not name or i >= trees.LEVELS:
                trees.checked_name(name, tuple(above[:i]))
            if name not in here:
                here[name], count = _Subtree(), count + 1
                if subtrees is not None and count > subtrees:
                    raise ParamsError(f"these paths have more than {subtrees:,} subtrees")
            here = here[name]
            if type(here) is not _Subtree:
                raise ParamsError(f"{'/'.join(above[: i + 1])!r} is a leaf, and {path!r} is within it")
        trees.checked_name(last, tuple(above))
        if last in here:
            raise ParamsError(f"{path!r} is a leaf, and there are others within it")
        here[last] = leaf
    return tree


class _Subtree(dict[str, Any]):
    """A dict that is none of the leaves, whatever these are."""


def _sealed(leaf: Array) -> Array:
    if not leaf.flags.writeable:
        return leaf
    view = leaf.view()
    view.flags.writeable = False
    return view
