"""Trees of dicts, tuples and arrays: what laws compare, leaf by leaf and by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeGuard, overload

import numpy as np


def is_tuple(tree: object) -> TypeGuard[tuple[Any, ...]]:
    """A tuple of trees."""
    return isinstance(tree, tuple)


def is_mapping(tree: object) -> TypeGuard[Mapping[str, Any]]:
    """A mapping of trees. Most are dicts, of which one need not ask for an abstract class, twenty times as dear."""
    kind = type(tree)
    return kind is dict or (kind is not np.ndarray and kind is not tuple and isinstance(tree, Mapping))


def leaves(tree: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf with its path: `dense_0/w`, `x[1]`. Mappings by sorted name, so that order never counts.

    >>> [path for path, _ in leaves({"x": (np.ones(1), np.ones(2)), "params": {"w": np.ones(3)}})]
    ['params/w', 'x[0]', 'x[1]']
    """
    found: list[tuple[str, Any]] = []
    _gather(tree, at, found)
    return iter(found)


def _gather(tree: Any, at: str, found: list[tuple[str, Any]]) -> None:
    """Add the leaves to a list, which takes half the time of generators within generators."""
    if type(tree) is np.ndarray:
        found.append((at, tree))
    elif is_mapping(tree):
        for name in sorted(tree):
            _gather(tree[name], f"{at}/{name}" if at else name, found)
    elif is_tuple(tree):
        for i, item in enumerate(tree):
            _gather(item, f"{at}[{i}]", found)
    else:
        found.append((at, tree))


# One overload per arity, so that type checkers know what the arguments of a lambda are.
@overload
def mapped(f: Callable[[Any], Any], tree: Any, /) -> Any: ...
@overload
def mapped(f: Callable[[Any, Any], Any], tree: Any, a: Any, /) -> Any: ...
@overload
def mapped(f: Callable[[Any, Any, Any], Any], tree: Any, a: Any, b: Any, /) -> Any: ...
def mapped(f: Callable[..., Any], tree: Any, *rest: Any) -> Any:
    """`f` of corresponding leaves, in plain dicts and tuples."""
    if type(tree) is np.ndarray:
        return f(tree, *rest)
    if is_mapping(tree):
        return {name: mapped(f, tree[name], *(t[name] for t in rest)) for name in sorted(tree)}
    if is_tuple(tree):
        return tuple([mapped(f, item, *(t[i] for t in rest)) for i, item in enumerate(tree)])
    return f(tree, *rest)


def located(f: Callable[[str, Any], Any], tree: Any, at: str = "") -> Any:
    """`f` of the path and the leaf, for every leaf."""
    if is_mapping(tree):
        return {name: located(f, tree[name], f"{at}/{name}" if at else name) for name in sorted(tree)}
    if is_tuple(tree):
        return tuple([located(f, item, f"{at}[{i}]") for i, item in enumerate(tree)])
    return f(at, tree)


def spoken(path: str) -> str:
    """How messages name a leaf: params by their own path.

    >>> spoken("params/dense_0/w"), spoken("x[1]")
    ('dense_0/w', 'x[1]')
    """
    return path.removeprefix("params/")


def is_real(leaf: Any) -> bool:
    """Is this an array of numbers one can differentiate by?"""
    return bool(leaf.dtype.kind == "f")


def dot(a: Any, b: Any) -> Any:
    """The sum of products over all leaves; not conjugated, so that it is analytic."""
    products = (np.add.reduce(np.multiply(u, v), None) for (_, u), (_, v) in zip(leaves(a), leaves(b), strict=True))
    with np.errstate(over="ignore", invalid="ignore"):  # `finite` tells of what is not
        return sum(products, 0.0)


def absolute_dot(a: Any, b: Any) -> float:
    """The sum of the sizes of the terms of `dot`: what its roundoff is relative to."""
    pairs = zip(leaves(a), leaves(b), strict=True)
    with np.errstate(over="ignore", invalid="ignore"):
        return float(sum(np.add.reduce(np.abs(np.multiply(u, v)), None, np.float64) for (_, u), (_, v) in pairs))


def largest(a: Any) -> float:
    """The largest size of an entry of an array, 0 if there is none."""
    return float(np.maximum.reduce(np.abs(a), None, initial=0.0))


def reach(a: Any) -> float:
    """The largest size of a finite entry of an array."""
    return largest(a[np.isfinite(a)]) if a.dtype.kind in "fc" else largest(a)


def furthest(a: Any, b: Any) -> float:
    """The largest distance of entries that are finite in both; of truth values, whether any differ."""
    if a.dtype.kind == "b":
        return largest(a ^ b)
    if a.dtype.kind not in "fc":
        return largest(np.asarray(a, np.float64) - b)
    both = np.isfinite(a) & np.isfinite(b)
    return largest(a[both] - b[both]) if not both.all() else largest(a - b)


def all_finite(tree: Any) -> bool:
    """Is every number of every leaf finite? Tokens and masks are."""
    return all(np.isfinite(a).all() for _, a in leaves(tree))


def not_numbers(a: Any) -> bytes:
    """Where an array is not finite, to compare; b"" where it is finite everywhere."""
    finite = np.isfinite(a) if a.dtype.kind in "fc" else True
    return b"" if np.all(finite) else np.asarray(finite).tobytes()


def same_bytes(a: Any, b: Any) -> bool:
    """Equal shape, dtype and bits."""
    return bool(a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes())


def same_values(a: Any, b: Any) -> bool:
    """Equal shape and values; zeros of both signs are equal, and NaN equals NaN."""
    return bool(a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind in "fc"))


def bits(tree: Any) -> list[bytes]:
    """What is in memory, to compare with later."""
    return [leaf.tobytes() for _, leaf in leaves(tree)]


def structure(tree: Any) -> Any:
    """The shapes of all leaves, nested as they are."""
    return mapped(lambda leaf: tuple(leaf.shape), tree)
