"""Layers without params that make tuples, join them, and pick from them."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from itertools import accumulate
from typing import Any, Literal, overload

import numpy as np

from funcnn.arguments import is_integer, positive
from funcnn.combinators.nested import leading
from funcnn.cotangents import zeros_like
from funcnn.errors import ShapeError
from funcnn.inputs import Kind, part, unify
from funcnn.kernels.elements import total
from funcnn.networks import Layer, constant, layer
from funcnn.shapes import branches, display, known, same
from funcnn.types import Array, One, Shape, Two, is_tuple


def add(a: Any, b: Any) -> Any:
    """The sum of two cotangents, arrays or tuples; never in place, for either may be somebody's."""
    return tuple(map(add, a, b)) if is_tuple(a) else total(a, b)


def agreed(what: str, shapes: tuple[Shape, ...], fix: str) -> Shape:
    """The shape that all of these are, as far as they are known.

    Errors
        ShapeError   they differ
    """
    flat = [tuple(d for d in s if not isinstance(d, tuple)) for s in shapes]
    alike = all(len(s) == len(f) == len(flat[0]) for s, f in zip(shapes, flat, strict=True))
    if not alike or not all(same(*dims) for dims in zip(*flat, strict=True)):
        raise ShapeError(f"{what} arrays of one shape, got {' and '.join(map(display, shapes))}; {fix}")
    return tuple(next((d for d in dims if known(d)), dims[0]) for dims in zip(*flat, strict=True))


@overload
def FanOut(n: Literal[2], /) -> Layer[One, tuple[One, One]]: ...
@overload
def FanOut(n: Literal[3], /) -> Layer[One, tuple[One, One, One]]: ...
@overload
def FanOut(n: Literal[4], /) -> Layer[One, tuple[One, One, One, One]]: ...
@overload
def FanOut(n: int, /) -> Layer[One, tuple[One, ...]]: ...
@layer
def FanOut(n: int, /) -> Layer[Any, Any]:
    """The input `n` times: `y = (x, ..., x)`.

    Shapes
        x   anything
        y   a tuple of n
    Errors
        ValueError   `n` is less than one
    Pullback
        dx = dy_1 + ... + dy_n
    Source: Griewank & Walther, Evaluating Derivatives (2008), section 3.2 (the adjoint of a copy is a sum).

    >>> FanOut(2).out_shape((-1, 3))
    ((-1, 3), (-1, 3))
    """
    positive("FanOut", n=n)
    return Layer.lift(
        lambda shape: (shape,) * n,
        lambda x: ((x,) * n, lambda dy: reduce(add, dy)),
        takes=lambda out: unify(*(part(out, i) for i in range(n))),
    )


def _sum_shape(shape: Shape) -> Shape:
    return agreed("FanInSum adds", branches("FanInSum", shape), "nothing is broadcast")


FanInSum: Layer[tuple[Array, ...], Array] = constant(
    "FanInSum", __name__, Layer.lift(_sum_shape, lambda xs: (reduce(add, xs), lambda dy: (dy,) * len(xs)))
)
"""The sum of a tuple of arrays of one shape: `y = x_1 + ... + x_n`.

Shapes
    x   a tuple of arrays of one shape
    y   that shape
Errors
    ShapeError   x is no tuple, or the shapes differ: nothing is broadcast
Pullback
    dx_i = dy
Source: Griewank & Walther, Evaluating Derivatives (2008), section 3.2.

>>> FanInSum.out_shape(((-1, 3), (-1, 3)))
(-1, 3)
"""


def _product_shape(shape: Shape) -> Shape:
    return agreed("FanInProduct multiplies", branches("FanInProduct", shape), "nothing is broadcast")


def _product(xs: tuple[Array, ...]) -> tuple[Array, Callable[[Array], tuple[Array, ...]]]:
    before = [*accumulate(xs[:-1], np.multiply)]  # the products of those before each, from the second on

    def pullback(dy: Array) -> tuple[Array, ...]:
        found: list[Array] = []
        for i in range(len(xs) - 1, 0, -1):
            found.append(dy * before[i - 1])
            dy = dy * xs[i]
        return (dy, *reversed(found))

    return (before[-1] * xs[-1] if before else xs[0]), pullback


FanInProduct: Layer[tuple[Array, ...], Array] = constant(
    "FanInProduct", __name__, Layer.lift(_product_shape, _product)
)
"""The product of a tuple of arrays of one shape, number by number: `y = x_1 ... x_n`.

Shapes
    x   a tuple of arrays of one shape
    y   that shape
Errors
    ShapeError   x is no tuple, or the shapes differ: nothing is broadcast
Pullback
    dx_i = dy times the product of the others
Source: Griewank & Walther, Evaluating Derivatives (2008), section 3.3 (Speelpenning's product, without a division).

>>> FanInProduct.apply({}, (np.array([2.0, 3.0]), np.array([5.0, 0.0])))
array([10.,  0.])
"""


@layer
def FanInConcat(axis: int = -1) -> Layer[tuple[Array, ...], Array]:
    """A tuple of arrays, one after the other along `axis`.

    Shapes
        x   a tuple of arrays that differ along `axis` at most
        y   their sizes along `axis` added
    Errors
        ValueError   `axis` is no integer
        ShapeError   x is no tuple, or the arrays differ elsewhere
    Pullback
        dx_i = the part of dy that came from x_i
    Source: stax's layer; Griewank & Walther, Evaluating Derivatives (2008), section 3.2.

    >>> FanInConcat().out_shape(((-1, 3), (-1, 4)))
    (-1, 7)
    """

    if not (known(axis) and is_integer(axis)):
        raise ValueError(f"FanInConcat: axis must be an integer, got {axis!r}")

    def out_shape(shape: Shape) -> Shape:
        parts = branches("FanInConcat", shape)
        rank = len(parts[0])
        if not -rank <= axis < rank:
            raise ShapeError(f"FanInConcat joins along axis {axis}, got arrays of {rank} axes: {display(shape)}")
        at = axis % rank
        rest = agreed(
            f"FanInConcat({axis}) joins, but for the sizes along that axis,",
            tuple((*s[:at], 1, *s[at + 1 :]) if len(s) == rank else s for s in parts),
            f"the inputs are {display(shape)}",
        )
        return (*rest[:at], sum(d for s in parts for d in s[at : at + 1] if not isinstance(d, tuple)), *rest[at + 1 :])

    def f(xs: tuple[Array, ...]) -> tuple[Array, Callable[[Array], tuple[Array, ...]]]:
        cuts = np.cumsum([x.shape[axis] for x in xs])[:-1]

        def pullback(dy: Array) -> tuple[Array, ...]:
            return tuple(np.split(dy, cuts, axis))

        return np.concatenate(xs, axis), pullback

    return Layer.lift(out_shape, f)


@overload
def select(item: Literal[0], /) -> Layer[tuple[One, *tuple[Any, ...]], One]: ...
@overload
def select(item: Literal[1], /) -> Layer[tuple[Any, One, *tuple[Any, ...]], One]: ...
@overload
def select(item: Literal[2], /) -> Layer[tuple[Any, Any, One, *tuple[Any, ...]], One]: ...
@overload
def select(a: Literal[0], b: Literal[1], /) -> Layer[tuple[One, Two, *tuple[Any, ...]], tuple[One, Two]]: ...
@overload
def select(a: Literal[1], b: Literal[0], /) -> Layer[tuple[One, Two, *tuple[Any, ...]], tuple[Two, One]]: ...
@overload
def select(a: Literal[0], b: Literal[2], /) -> Layer[tuple[One, Any, Two, *tuple[Any, ...]], tuple[One, Two]]: ...
@overload
def select(item: int, /) -> Layer[tuple[Any, ...], One]: ...
@overload
def select(a: int, b: int, /) -> Layer[tuple[Any, ...], tuple[Any, Any]]: ...
@overload
def select(a: int, b: int, c: int, /) -> Layer[tuple[Any, ...], tuple[Any, Any, Any]]: ...
@overload
def select(a: int, b: int, /, *items: int) -> Layer[tuple[Any, ...], tuple[Any, ...]]: ...
@layer
def select(*items: int) -> Layer[Any, Any]:
    """Copy, reorder and drop items of a tuple: `select(1, 0)` swaps, `select(0)` gives the item itself, no tuple.

    Shapes
        x   a tuple that has all the items
        y   the tuple of them; for one item, that item
    Errors
        ValueError   no item, or a negative one
        ShapeError   x is no tuple, or too short
    Pullback
        dx_i = the sum of the cotangents of the copies of x_i; zero where there is none
    Source: Griewank & Walther, Evaluating Derivatives (2008), section 3.2.

    >>> select(1, 0).out_shape(((-1, 3), (-1, 4)))
    ((-1, 4), (-1, 3))
    >>> select(0).out_shape(((-1, 3), (-1, 4)))
    (-1, 3)
    """
    if not items or not all(is_integer(i) and i >= 0 for i in items):
        raise ValueError(f"select takes the indices of items, from 0 on, got {items}")
    alone = len(items) == 1

    def out_shape(shape: Shape) -> Shape:
        parts = branches("select", shape)
        if max(items) >= len(parts):
            raise ShapeError(f"select takes item {max(items)} of a tuple, got {len(parts)} items: {display(shape)}")
        return parts[items[0]] if alone else tuple(parts[i] for i in items)

    def f(x: tuple[Any, ...]) -> tuple[Any, Any]:
        def pullback(dy: Any) -> tuple[Any, ...]:
            dx: dict[int, Any] = {}
            for i, d in zip(items, (dy,) if alone else dy, strict=True):
                dx[i] = add(dx[i], d) if i in dx else d
            dtype = leading(dy).dtype
            return tuple(dx[i] if i in dx else zeros_like(v, dtype) for i, v in enumerate(x))

        return x[items[0]] if alone else tuple(x[i] for i in items), pullback

    def takes(out: Kind) -> Kind:
        return {i: unify(*(part(out, j) if not alone else out for j, k in enumerate(items) if k == i)) for i in items}

    return Layer.lift(out_shape, f, takes=takes)
