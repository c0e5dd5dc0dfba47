"""An array in parts, a tuple of arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, overload

import numpy as np

from funcnn.arguments import integers, is_integer, positive
from funcnn.errors import ShapeError
from funcnn.inputs import Kind, part, unify
from funcnn.networks import Layer, layer
from funcnn.shapes import axes, display, known
from funcnn.types import Array, Shape


@overload
def split(parts: Literal[2] | tuple[int, int], /, *, axis: int = -1) -> Layer[Array, tuple[Array, Array]]: ...
@overload
def split(
    parts: Literal[3] | tuple[int, int, int], /, *, axis: int = -1
) -> Layer[Array, tuple[Array, Array, Array]]: ...
@overload
def split(
    parts: Literal[4] | tuple[int, int, int, int], /, *, axis: int = -1
) -> Layer[Array, tuple[Array, Array, Array, Array]]: ...
@overload
def split(parts: int | tuple[int, ...], /, *, axis: int = -1) -> Layer[Array, tuple[Array, ...]]: ...
@layer
def split(parts: int | tuple[int, ...], /, *, axis: int = -1) -> Layer[Array, Any]:
    """An array in parts along an axis: in `split(2)` halves, or in parts of the sizes `split((3, 5))`.

    FanInConcat puts them together again.

    Shapes
        x   (..., n, ...)       n at `axis`
        y   a tuple of arrays, n / parts or the given sizes at `axis`
    Errors
        ValueError   `parts` is no integer of at least 1 and no tuple of them, or `axis` no integer
        ShapeError   x is a tuple, has no such axis, or a size along it that the parts do not make up
    Pullback
        dx = the cotangents of the parts, one after the other
    Source: Griewank & Walther, Evaluating Derivatives (2008), section 3.2.

    >>> serial(Dense(8), split(2)).out_shape((-1, 3)), split((3, 5)).out_shape((-1, 8))
    (((-1, 4), (-1, 4)), ((-1, 3), (-1, 5)))
    """
    given: tuple[int, ...] | None = None
    count = 0
    if isinstance(parts, tuple):
        given = integers("split", parts=parts)
        if not given:
            raise ValueError("split: parts must be at least one, got ()")
        positive("split", **{f"parts[{i}]": n for i, n in enumerate(given)})
    elif known(parts) and not is_integer(parts):
        raise ValueError(f"split: parts must be an integer, or a tuple of sizes, got {parts!r}")
    else:
        positive("split", parts=parts)
        count = parts
    if not (known(axis) and is_integer(axis)):
        raise ValueError(f"split: axis must be an integer, got {axis!r}")

    def sizes_of(n: int, shape: Shape) -> tuple[int, ...]:
        if given is None:
            if known(n) and n % count:
                some = f"a multiple of {count}"
                raise ShapeError(f"split({count}) takes {some} entries along axis {axis}, got {display(shape)}")
            return (n // count,) * count
        if known(n, *given) and n != sum(given):
            some = display(given)
            raise ShapeError(f"split({some}) takes {sum(given)} entries along axis {axis}, got {display(shape)}")
        return given

    def out_shape(shape: Shape) -> Shape:
        sizes = axes("split", shape, at_least=1, empty=-1)
        if not -len(sizes) <= axis < len(sizes):
            raise ShapeError(f"split cuts along axis {axis}, got an array of {len(sizes)} axes: {display(shape)}")
        at = axis % len(sizes)
        return tuple((*sizes[:at], n, *sizes[at + 1 :]) for n in sizes_of(sizes[at], shape))

    def f(x: Array) -> tuple[tuple[Array, ...], Callable[[Sequence[Array]], Array]]:
        cuts = np.cumsum(sizes_of(x.shape[axis], x.shape))[:-1]
        return tuple(np.split(x, cuts, axis)), lambda dy: np.concatenate(dy, axis)

    def takes(out: Kind) -> Kind:
        return unify(*(part(out, i) for i in range(len(given) if given else count)))

    return Layer.lift(out_shape, f, takes=takes)
