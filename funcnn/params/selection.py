"""Some of the leaves of a tree: what `where` says, to optimizers and penalties alike."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Final

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
        found = [path for path in leaves if matches(where, path)]
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


def matches(pattern: str, path: str) -> bool:
    """Is this a path of the pattern? In time that is bounded by the product of their lengths: both may be a file's.

    >>> from funcnn.params.selection import matches
    >>> matches("**/w", "dense_0/w"), matches("*/w", "a/b/w")
    (True, False)
    """
    expression, tokens, wild = _compiled(pattern)
    if len(path) ** wild <= _STEPS:
        return expression.fullmatch(path) is not None
    return _walked(tokens, path)


_WILD: Final = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
_STEPS: Final = 1_000_000  # that a regular expression may need, which tries one way after the other


@functools.lru_cache(256)  # penalties ask at every step
def _compiled(pattern: str) -> tuple[re.Pattern[str], list[str], int]:
    """The pattern as a regular expression, its pieces, and how many of them may be of any length."""
    tokens = re.findall(r"\*\*/|\*\*|\*|\?|[^*?]+", pattern)
    expression = re.compile("".join(_WILD.get(token) or re.escape(token) for token in tokens), re.DOTALL)
    return expression, tokens, sum(token in _WILD for token in tokens)


def _walked(tokens: list[str], path: str) -> bool:
    """The same by going all ways at once: after every token, where in the path it may have ended."""
    ends = {0}
    for token in tokens:
        first = min(ends)
        if token == "**":
            ends = set(range(first, len(path) + 1))
        elif token == "**/":
            ends |= {i + 1 for i in range(first, len(path)) if path[i] == "/"}
        elif token == "*":
            for i in range(first, len(path)):
                if i in ends and path[i] != "/":
                    ends.add(i + 1)
        elif token == "?":
            ends = {i + 1 for i in ends if path[i : i + 1] not in ("", "/")}
        else:
            ends = {i + len(token) for i in ends if path.startswith(token, i)}
        if not ends:
            return False
    return len(path) in ends
