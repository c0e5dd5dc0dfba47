"""Pools of arrays with any order of axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from funcnn.calculus import force
from funcnn.layers import pooling as core
from funcnn.networks import Layer, layer
from funcnn.shapes import axes
from funcnn.stax.layouts import Padding, arranged, back, order, steps, tuples
from funcnn.types import Array, Shape

_Pool = Callable[[Any, Any, Any], Layer[Array, Array]]


@layer
def MaxPool(
    window_shape: Sequence[int],
    strides: Sequence[int] | None = None,
    padding: Padding = "VALID",
    spec: str | None = None,
) -> Layer[Array, Array]:
    """`funcnn.MaxPool` of arrays whose axes are in the order of `spec`, "NCHW" say; along N and C nothing slides.

    Shapes
        x, y    as `spec` says; without it (batch, ..., channels)
    Errors
        ValueError   `spec` has not N, C and an axis for each of the window; or what `funcnn.MaxPool` refuses
        ShapeError   x has another number of axes, or the window is larger than the image
    Pullback
        that of `funcnn.MaxPool`
    Source: `jax.example_libraries.stax.MaxPool`.

    >>> MaxPool((2, 2), (2, 2), spec="NCHW").out_shape((-1, 3, 28, 28))
    (-1, 3, 14, 14)
    """
    return _pool("MaxPool", core.MaxPool, window_shape, strides, padding, spec)


@layer
def SumPool(
    window_shape: Sequence[int],
    strides: Sequence[int] | None = None,
    padding: Padding = "VALID",
    spec: str | None = None,
) -> Layer[Array, Array]:
    """`funcnn.SumPool` of arrays whose axes are in the order of `spec`; see `MaxPool`.

    Source: `jax.example_libraries.stax.SumPool`.

    >>> SumPool([2], spec="NCT").out_shape((-1, 3, 28))
    (-1, 3, 27)
    """
    return _pool("SumPool", core.SumPool, window_shape, strides, padding, spec)


@layer
def AvgPool(
    window_shape: Sequence[int],
    strides: Sequence[int] | None = None,
    padding: Padding = "VALID",
    spec: str | None = None,
) -> Layer[Array, Array]:
    """`funcnn.AvgPool` of arrays whose axes are in the order of `spec`; see `MaxPool`.

    Source: `jax.example_libraries.stax.AvgPool`.

    >>> AvgPool((2, 2), padding="SAME", spec="CHWN").out_shape((3, 28, 28, -1))
    (3, 28, 28, -1)
    """
    return _pool("AvgPool", core.AvgPool, window_shape, strides, padding, spec)


def _pool(
    name: str, pool: _Pool, window: Sequence[int], strides: Sequence[int] | None, padding: Padding, spec: str | None
) -> Layer[Array, Array]:
    inner = pool(tuple(window), steps(strides), tuples(padding)).definition
    rank = len(window)
    if spec is None:
        spec = f"N{'HWD'[:rank]}C"
    if not isinstance(spec, str) or len(set(spec)) != len(spec) or len(spec) != rank + 2 or not {"N", "C"} <= set(spec):
        raise ValueError(f"{name}: spec names N, C and {rank} more axes, such as 'NC{'HWD'[:rank]}', got {spec!r}")
    into = order(spec, "N", "".join(c for c in spec if c not in "NC"), "C")

    def out_shape(shape: Shape) -> Shape:
        sizes = axes(name, shape, exactly=rank + 2, like=f"({', '.join(spec)})")
        return arranged(axes(name, inner.out_shape(arranged(sizes, into))), back(into))

    def pooled(x: Array) -> tuple[Array, Callable[[Array], Array]]:
        y, pull = inner.rule({}, x.transpose(into))

        def pullback(dy: Array) -> Array:
            dx: Array = force(pull(dy.transpose(into))[1])
            return dx.transpose(back(into))

        return y.transpose(back(into)), pullback

    return Layer.lift(out_shape, pooled)
