"""Central differences in float64: the plainest judge of a pullback, for values the tests choose by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from funcnn import Array
from funcnn.types import is_tuple


def arrays(x: Any) -> Iterator[Array]:
    """The arrays of a tree, of nested tuples, or of one array."""
    if isinstance(x, np.ndarray):
        yield x
    elif is_tuple(x):
        for item in x:
            yield from arrays(item)
    else:
        for name in sorted(x):
            yield from arrays(x[name])


def inner(a: Any, b: Any) -> float:
    """The sum of all products of corresponding entries."""
    return float(sum(np.vdot(u, v) for u, v in zip(arrays(a), arrays(b), strict=True)))


def drawn_like(x: Any, rng: np.random.Generator) -> Any:
    """Random numbers in the place of every float; zeros in the place of everything else."""
    if isinstance(x, np.ndarray):
        return rng.normal(size=x.shape) if x.dtype.kind == "f" else np.zeros(x.shape)
    if is_tuple(x):
        return tuple(drawn_like(item, rng) for item in x)
    return {name: drawn_like(x[name], rng) for name in x}


def moved(x: Any, t: complex, direction: Any) -> Any:
    """`x + t direction`; an imaginary `t` makes a complex step."""
    if isinstance(x, np.ndarray):
        return x + t * direction if x.dtype.kind == "f" else x
    if is_tuple(x):
        return tuple(moved(a, t, d) for a, d in zip(x, direction, strict=True))
    return {name: moved(x[name], t, direction[name]) for name in x}


def slope(f: Callable[[float], float], h: float = 1e-5) -> float:
    """The derivative of `f` at 0, by differences of fourth order."""
    return (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h)
