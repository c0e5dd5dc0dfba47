"""Layers that make sequences and images larger, without params: they repeat, interpolate or pad."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias, get_args

import numpy as np

from funcnn.arguments import is_integer, is_number
from funcnn.errors import ShapeError, brief
from funcnn.kernels import resizing as kernel
from funcnn.kernels.windows import Pair
from funcnn.layers.windows import AXES, checked_sizes
from funcnn.networks import Layer, layer
from funcnn.shapes import Unknown, axes, display, known
from funcnn.types import Array, Shape, is_tuple

Method: TypeAlias = Literal["nearest", "bilinear"]
Mode: TypeAlias = Literal["constant", "reflect", "edge"]


@layer
def Upsample(scale: int | tuple[int, ...], method: Method = "nearest") -> Layer[Array, Array]:
    """A whole number of times as many pixels along every axis between batch and channels.

    "nearest" repeats every pixel, `y[n, i, j, c] = x[n, i // s, j // t, c]` with scale (s, t). "bilinear" interpolates
    along each axis between the two pixels whose centres are next: output i lies at (i + 1/2) / s - 1/2, and outside of
    the first and the last centre the image goes on as it ends. One number is the scale of all axes.

    Shapes
        x       (batch, height, width, channels); as many axes in the middle as `scale` has, any number if it is one
        y       (batch, s height, t width, channels)
    Errors
        ValueError   a scale is less than one, or there is no such method
        ShapeError   x has another number of axes
    Pullback
        every pixel of x gets the sum of what was made of it, times its weight there
    Source: Odena, Dumoulin & Olah, Deconvolution and checkerboard artifacts (Distill, 2016); the places are those of
    `jax.image.resize`, and of PyTorch with `align_corners=False`.

    >>> Upsample(2).apply({}, np.array([[[1.0], [3.0]]])).ravel(), Upsample(2, "bilinear").out_shape((-1, 7, 5, 3))
    (array([1., 1., 3., 3.]), (-1, 14, 10, 3))
    >>> Upsample(2, "bilinear").apply({}, np.array([[[1.0], [3.0]]])).ravel()
    array([1. , 1.5, 2.5, 3. ])
    """
    if not isinstance(method, str) or method not in get_args(Method):
        raise ValueError(f"Upsample: method must be 'nearest' or 'bilinear', got {brief(method)}")
    rank = len(scale) if isinstance(scale, tuple) and len(scale) in AXES else 1
    scales = checked_sizes("Upsample", "scale", scale, rank)

    def each(shape: Shape) -> tuple[int, ...]:
        if isinstance(scale, tuple):
            like = f"(batch, {', '.join(AXES[rank])}, channels)"
            return scales if axes("Upsample", shape, exactly=rank + 2, like=like) else ()
        return scales * (len(axes("Upsample", shape, at_least=3)) - 2)

    def out_shape(shape: Shape) -> Shape:
        factors = each(shape)
        batch, *sizes, channels = axes("Upsample", shape)
        return (batch, *(n * s for n, s in zip(sizes, factors, strict=True)), channels)

    def larger(x: Array) -> tuple[Array, Callable[[Array], Array]]:
        factors = each(x.shape)
        if method == "nearest":
            return kernel.repeat(x, factors), lambda dy: kernel.repeat_input(dy, factors)
        return kernel.interpolate(x, factors), lambda dy: kernel.interpolate_input(dy, factors)

    return Layer.lift(out_shape, larger)


@layer
def Pad(widths: tuple[Pair, ...], mode: Mode = "constant", value: float = 0.0) -> Layer[Array, Array]:
    """More pixels at the borders, `(before, behind)` for the axes after the batch, in their order.

    Axes for which nothing is given stay as they are: `Pad(((1, 1), (2, 2)))` of images pads height and width. The mode
    "constant" puts `value` there, "edge" the outermost pixel, "reflect" the pixels inside of it in reverse.

    Shapes
        x       (batch, ...), with at least as many axes more as there are pairs
        y       (batch, ...), each axis longer by its pair
    Errors
        ValueError   a width is negative, or there is no such mode
        ShapeError   x has too few axes; or an axis is too short to be reflected so far
    Pullback
        every pixel of x gets dy where it is, and where it was copied to
    Source: the modes are those of `numpy.pad`.

    >>> Pad(((2, 1),), "reflect").apply({}, np.array([[1.0, 2.0, 3.0]]))
    array([[3., 2., 1., 2., 3., 2.]])
    """
    if not isinstance(mode, str) or mode not in get_args(Mode):
        raise ValueError(f"Pad: mode must be 'constant', 'reflect' or 'edge', got {brief(mode)}")
    if not is_tuple(widths) or not widths or not all(map(_is_width, widths)):
        raise ValueError(
            "Pad: widths must be pairs (before, behind) of integers of at least 0, "
            f"got {widths!r}; write ((1, 1),), say"
        )
    if not is_number(value):
        raise ValueError(f"Pad: value must be a number, got {brief(value)}")
    filling = float(value)

    def out_shape(shape: Shape) -> Shape:
        batch, *sizes = axes("Pad", shape, at_least=1 + len(widths))
        for n, pair in zip(sizes, widths, strict=False):  # the axes beyond stay
            if mode == "reflect" and known(n, *pair) and max(pair) >= n:
                raise ShapeError(
                    f"Pad reflects at most {n - 1} pixels of an axis of {n}, got {pair} for the input {display(shape)}"
                )
        padded = [n + before + behind for n, (before, behind) in zip(sizes, widths, strict=False)]
        return (batch, *padded, *sizes[len(widths) :])

    def pad(x: Array) -> tuple[Array, Callable[[Array], Array]]:
        pairs = ((0, 0), *widths, *((0, 0),) * (x.ndim - 1 - len(widths)))
        y = np.pad(x, pairs, constant_values=filling) if mode == "constant" else np.pad(x, pairs, mode)
        return y, lambda dy: kernel.pad_input(dy, pairs, mode)

    return Layer.lift(out_shape, pad)


def _is_width(pair: object) -> bool:
    return is_tuple(pair) and len(pair) == 2 and all(isinstance(n, Unknown) or (is_integer(n) and n >= 0) for n in pair)
