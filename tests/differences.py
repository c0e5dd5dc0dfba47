"""Central differences in float64: the plainest judge of a pullback, for values the tests choose by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from funcnn import Array, Key, Layer, Params, Tree, vjp
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


def disagreement(net: Layer[Any, Any], x: Any, *, params: Tree | None = None, rng: int | None = None) -> float:
    """How far the pullback of `net` at `x` is from differences: the worst of params and input, 3 directions."""
    numbers = np.random.default_rng(11)
    if params is None:
        _, drawn = net.init(Key(3), shapes(x), dtype=np.float64)
        params = Params(moved(drawn.to_dict(), 0.3, drawn_like(drawn.to_dict(), numbers)))
    y, pullback = vjp(net.apply, params, x, rng=rng)
    w = drawn_like(y, numbers)
    dparams, dx = pullback(w)
    worst = 0.0
    for _ in range(3):
        dp, d = drawn_like(params, numbers), drawn_like(x, numbers)
        along_params = slope(lambda t: inner(w, net.apply(moved(params, t, dp), x, rng=rng)))
        along_x = slope(lambda t: inner(w, net.apply(params, moved(x, t, d), rng=rng)))
        for found, wanted in ((inner(dparams, dp), along_params), (inner(dx, d), along_x)):
            worst = max(worst, abs(found - wanted) / (1 + abs(wanted)))
    return worst


def shapes(x: Any) -> Any:
    """The shape of an array, or the shapes of a tuple."""
    return tuple(shapes(item) for item in x) if is_tuple(x) else x.shape
