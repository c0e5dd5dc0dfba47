"""Arrays in tuples and dicts, in one another: functions of all of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, overload

import numpy as np

from funcnn.types import is_mapping, is_tuple


@overload
def mapped(f: Callable[[Any], Any], tree: Any, /) -> Any: ...
@overload
def mapped(f: Callable[[Any, Any], Any], tree: Any, other: Any, /) -> Any: ...
@overload
def mapped(f: Callable[..., Any], tree: Any, /, *others: Any) -> Any: ...
def mapped(f: Callable[..., Any], /, *trees: Any) -> Any:
    """`f` of the arrays that stand at one place in all of these, nested as the first is.

    >>> from funcnn.nested import mapped
    >>> mapped(lambda a, b: a + b, (np.ones(1), {"w": np.ones(2)}), (np.ones(1), {"w": np.ones(2)}))
    (array([2.]), {'w': array([2., 2.])})
    """
    first: Any = trees[0]
    if type(first) is np.ndarray:  # at once, for it is asked of every array
        return f(*trees)
    if is_tuple(first):
        return tuple([mapped(f, *items) for items in zip(*trees, strict=True)])
    if first.__class__ is dict or is_mapping(first):
        if len(trees) == 2:
            other = trees[1]
            return {name: mapped(f, a, other[name]) for name, a in first.items()}
        return {name: mapped(f, *[tree[name] for tree in trees]) for name in first}
    return f(*trees)


def arrays(tree: Any) -> Iterator[Any]:
    """The arrays, in order.

    >>> from funcnn.nested import arrays
    >>> [a.size for a in arrays((np.ones(1), {"w": np.ones(2)}))]
    [1, 2]
    """
    if type(tree) is not np.ndarray and (is_tuple(tree) or is_mapping(tree)):
        for value in tree.values() if is_mapping(tree) else tree:
            yield from arrays(value)
    else:
        yield tree


def like(tree: Any, leaves: Iterator[Any]) -> Any:
    """Nested as this is, of other leaves, which come in the order of `arrays`."""
    return mapped(lambda _: next(leaves), tree)


def fields_of(value: Any) -> dict[str, Any] | None:
    """The fields of a named tuple, or of a dataclass that is made of its fields; None of what is neither.

    >>> from funcnn.nested import fields_of
    >>> fields_of(sgd(0.1).init({})), fields_of((1, 2))
    ({'step': 0}, None)
    """
    names: object = getattr(value, "_fields", None)
    if is_tuple(value) and is_tuple(names):
        return dict(zip(names, value, strict=True))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {f.name: getattr(value, f.name) for f in fields} if all(f.init for f in fields) else None
    return None
