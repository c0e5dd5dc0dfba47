"""Trees of params in two, and how much they hold."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, overload

from funcnn.params.kinds import Params, as_tree
from funcnn.params.mapping import K, made
from funcnn.params.selection import selected
from funcnn.params.trees import Plain, replaced
from funcnn.types import Tree, Where, is_mapping


# A tree of ours keeps its kind even where it is known as a `Tree`: types say params there, for what else comes.
@overload
def partition(params: K, where: Where) -> tuple[K, K]: ...  # type: ignore[overload-overlap] # pyright: ignore[reportOverlappingOverload]
@overload
def partition(params: Tree, where: Where) -> tuple[Params, Params]: ...
def partition(params: Tree, where: Where) -> Any:
    """The leaves that `where` chooses, and the others; `|` puts them together again.

    `where` is a pattern of paths, `"head/**"`, a function `(path, array) -> bool`, or None for the matrices.

    Errors
        ParamsError   a pattern or a function chooses no leaf; the message lists the paths

    >>> _, params = serial(Dense(4), Relu, Dense(2).named("head")).init(Key(0), (-1, 3))
    >>> head, rest = partition(params, "head/**")
    >>> head.paths(), rest.paths(), rest | head == params
    (('head/b', 'head/w'), ('dense_0/b', 'dense_0/w'), True)
    """
    return parted(params, where, caller="partition")


def parted(params: Tree, where: Where, *, caller: str) -> Any:
    """The same for a function of this name."""
    whole = as_tree(params)
    leaves = {path: whole.at(path) for path in whole.paths()}
    chosen = set(selected(leaves, where, caller=caller))
    return picked(whole, [path for path in leaves if path in chosen]), picked(whole, [p for p in leaves if p not in chosen])


def picked(tree: K, paths: Iterable[str]) -> K:
    """The leaves at these paths, as a tree of the same kind."""
    out: Plain = {}
    for path in paths:
        out = replaced(out, tuple(path.split("/")), tree.at(path))
    return made(type(tree), out)


def count(params: Tree, where: Where = "**") -> int:
    """How many numbers a tree of params holds, or the leaves that `where` chooses.

    `summary(net, shape).params` counts those of a network without drawing them.

    Errors
        ParamsError   a pattern or a function chooses no leaf; the message lists the paths

    >>> _, params = serial(Dense(4), Relu, Dense(2)).init(Key(0), (-1, 3))
    >>> count(params), count(params, "**/w"), count(params, None)
    (26, 20, 20)
    """
    if is_mapping(params) and not params and isinstance(where, str) and where == "**":
        return 0
    whole = as_tree(params)
    leaves = {path: whole.at(path) for path in whole.paths()}
    return sum(leaves[path].size for path in selected(leaves, where, caller="count"))
