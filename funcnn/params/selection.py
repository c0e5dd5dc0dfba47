"""Some of the leaves of a tree: what `where` says, to optimizers and penalties alike."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping

import numpy as np

from funcnn.errors import ParamsError, brief
from funcnn.records import as_argument
from funcnn.types import Array, Where


def selected(leaves: Mapping[str, Array], where: Where, *, caller: str) -> list[str]:
    """The paths of the leaves that `where` says, in their order.

    In a pattern `*` and `?` stay within a name, and `**` spans any number of them. None stands for the leaves with at
    least two axes: the weights, and no biases, scales or statistics.

    Errors
        ParamsError   a pattern or a function chooses no leaf; the message lists the paths
        TypeError     it is no pattern, no function, and not None

    >>> leaves = {"dense_0/w": np.ones((3, 2)), "dense_0/b": np.ones(2), "head/w": np.ones((2, 1))}
    >>> [selected(leaves, where, caller="l2") for where in (None, "head/*", "**/b")]
    [['dense_0/w', 'head/w'], ['head/w'], ['dense_0/b']]
    """
    if where is None:
        return [path for path, leaf in leaves.items() if leaf.ndim >= 2]
    if callable(where) and not isinstance(where, (type, np.ufunc)):
        found = [path for path, leaf in leaves.items() if _says(where(path, leaf), path, caller)]
        what = "chooses no leaf"
    elif isinstance(where, str):
        pattern = _compiled(where)
        found = [path for path in leaves if pattern.fullmatch(path)]
        what = "matches no path"
    else:
        wanted = "a pattern of paths, '**/w', a function (path, array) -> bool, or None"
        raise TypeError(f"{caller}: where must be {wanted}, got {brief(where)}")
    if not found:
        raise ParamsError(f"{caller}: where={as_argument(where)} {what} of the params: {', '.join(leaves) or 'none'}")
    return found


def _says(answer: object, path: str, caller: str) -> bool:
    """What a function says of a leaf.

    Errors
        TypeError   neither yes nor no
    """
    if answer is True or answer is False or type(answer) is np.bool_:
        return bool(answer)
    got = f"for {path} it gave {brief(answer)}"
    raise TypeError(f"{caller}: where must be a function (path, array) -> bool, {got}; for all of an array, .all()")


@functools.lru_cache(256)  # penalties ask at every step
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    tokens = re.findall(r"\*\*/|\*\*|\*|\?|[^*?]+", pattern)
    return re.compile("".join(parts.get(token) or re.escape(token) for token in tokens))
