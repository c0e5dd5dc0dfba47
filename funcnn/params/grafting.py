"""Nested dicts by path, of arrays or of what a spec has in their place: to look up, to put in, to take out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from funcnn.errors import ParamsError
from funcnn.params import trees
from funcnn.types import is_mapping


def subtree_at(tree: Mapping[str, Any], path: str, *, caller: str) -> Any:
    """The leaf or subtree at a path.

    Errors
        ParamsError   there is none; the message lists the paths

    >>> subtree_at({"dense_0": {"w": 1}}, "dense_0/w", caller="tie")
    1
    """
    found: Any = tree
    for name in path.split("/"):
        if not is_mapping(found) or name not in found:
            paths = ", ".join("/".join(p) for p, _ in trees.flatten(tree)) or "none"
            raise ParamsError(f"{caller}: there is no {path!r} among the params: {paths}")
        found = found[name]
    return found


def grafted(tree: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The tree with something else at a path; the rest is shared.

    >>> grafted({"dense_0": {"b": 0}}, "dense_0/w", 1)
    {'dense_0': {'b': 0, 'w': 1}}
    """
    name, _, rest = path.partition("/")
    return {**tree, name: grafted(tree.get(name, {}), rest, value) if rest else value}


def pruned(tree: Mapping[str, Any], path: str) -> dict[str, Any]:
    """The tree without what is at a path, and without subtrees that this leaves empty.

    >>> pruned({"dense_0": {"w": 1}, "dense_1": {"w": 2, "b": 3}}, "dense_0/w")
    {'dense_1': {'w': 2, 'b': 3}}
    """
    name, _, rest = path.partition("/")
    below = pruned(tree[name], rest) if rest else {}
    return {**tree, name: below} if below else {k: v for k, v in tree.items() if k != name}
