"""Pools: each pixel of the output is one number for the window above it, channel by channel."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeAlias, Union

from funcnn.kernels import pooling as kernel
from funcnn.kernels.windows import Pair, Windows
from funcnn.layers.windows import AXES, Named, Slide, made_slide
from funcnn.networks import Layer, layer
from funcnn.types import Array, Shape

Padding: TypeAlias = Union[Named, tuple[Pair, ...]]
"""By its name, or a pair (before, behind) for every axis of the window."""

Sizes: TypeAlias = "tuple[int, ...]"
Pooled: TypeAlias = "tuple[Array, Callable[[Array], Array]]"


@layer
def MaxPool(
    window_shape: Sizes, strides: Sizes | None = None, padding: Padding = "VALID", *, dilation: Sizes | None = None
) -> Layer[Array, Array]:
    """The largest pixel of every window.

        y[n, r, c] = max over i of  x[n, r s + i d - before, c]      stride s, dilation d; r, i: one for every axis

    The window says how many axes are pooled: `MaxPool((2,), (2,))` for sequences, `MaxPool((2, 2), (2, 2))` for images,
    three for volumes. Strides are 1 by default, as in stax; so is dilation, which puts the pixels of a window d apart.
    With padding "SAME" there are ceil(size / s) windows along an axis; a pair (before, behind) for each axis pads that
    much. What is padded is no pixel: windows at a border have fewer of them. NaN in a window is its maximum.

    Shapes
        x       (batch, height, width, channels), with as many axes in the middle as the window has
        y       (batch, height', width', channels)
                height' = (height + before + behind - (p - 1) d - 1) // s + 1, or ceil(height / s) for "SAME"
    Errors
        ValueError   a size is less than one, or there is no such padding
        ShapeError   x has another number of axes, the window is larger than the image, or lies in the padding alone
    Pullback
        dx at the largest pixel of a window += dy; of equal ones the first, row by row, gets it all
    Source: Goodfellow, Bengio & Courville, Deep Learning (2016), section 9.3.

    >>> MaxPool((2, 2), (2, 2)).out_shape((-1, 28, 28, 32)), MaxPool((3,), (2,), "SAME").out_shape((-1, 9, 4))
    ((-1, 14, 14, 32), (-1, 5, 4))
    """

    def pool(x: Array, how: Windows) -> Pooled:
        y = kernel.max_pool(x, how)
        return y, lambda dy: kernel.max_pool_input(x, y, dy, how)

    return _pool("MaxPool", window_shape, strides, padding, dilation, pool)


@layer
def AvgPool(
    window_shape: Sizes, strides: Sizes | None = None, padding: Padding = "VALID", *, dilation: Sizes | None = None
) -> Layer[Array, Array]:
    """The mean of the pixels of every window.

        y[n, r, c] = 1/k sum over i of  x[n, r s + i d - before, c]      k pixels in the window

    Axes, strides, dilation and padding as in `MaxPool`. The padding does not count, neither for "SAME" nor where it is
    given by pairs: k is the number of real pixels in the window.

    Shapes
        x       (batch, height, width, channels), with as many axes in the middle as the window has
        y       (batch, height', width', channels)     as in `MaxPool`
    Errors
        ValueError   a size is less than one, or there is no such padding
        ShapeError   x has another number of axes, the window is larger than the image, or lies in the padding alone
    Pullback
        dx at every pixel of a window += dy / k
    Source: LeCun, Bottou, Bengio & Haffner, Gradient-based learning applied to document recognition (1998), section II;
    the divisor at borders is stax's.

    >>> AvgPool((2, 2), (2, 2)).apply({}, np.arange(4.0).reshape(1, 2, 2, 1))
    array([[[[1.5]]]])
    """

    def pool(x: Array, how: Windows) -> Pooled:
        return kernel.average_pool(x, how), lambda dy: kernel.average_pool_input(dy, x.shape, how)

    return _pool("AvgPool", window_shape, strides, padding, dilation, pool)


@layer
def SumPool(
    window_shape: Sizes, strides: Sizes | None = None, padding: Padding = "VALID", *, dilation: Sizes | None = None
) -> Layer[Array, Array]:
    """The sum of the pixels of every window.

        y[n, r, c] = sum over i of  x[n, r s + i d - before, c]

    Axes, strides, dilation and padding as in `MaxPool`; what is padded adds nothing.

    Shapes
        x       (batch, height, width, channels), with as many axes in the middle as the window has
        y       (batch, height', width', channels)     as in `MaxPool`
    Errors
        ValueError   a size is less than one, or there is no such padding
        ShapeError   x has another number of axes, the window is larger than the image, or lies in the padding alone
    Pullback
        dx at every pixel of a window += dy
    Source: stax's layer; the sum over windows is that of Dumoulin & Visin, A guide to convolution arithmetic for deep
    learning (2016), section 1.2.

    >>> SumPool((2,)).apply({}, np.arange(4.0).reshape(1, 4, 1)).ravel()
    array([1., 3., 5.])
    """

    def pool(x: Array, how: Windows) -> Pooled:
        return kernel.sum_pool(x, how), lambda dy: kernel.sum_pool_input(dy, x.shape, how)

    return _pool("SumPool", window_shape, strides, padding, dilation, pool)


def _pool(
    name: str,
    window: Sizes,
    strides: Sizes | None,
    padding: Padding,
    dilation: Sizes | None,
    pool: Callable[[Array, Windows], Pooled],
) -> Layer[Array, Array]:
    rank = len(window) if isinstance(window, tuple) and len(window) in AXES else 2
    slide = made_slide(name, rank, window, strides, padding, dilation, name="window_shape")
    windows = slide.windows()
    return Layer.lift(partial(_out_shape, slide), lambda x: pool(x, windows(x.shape)))


def _out_shape(slide: Slide, shape: Shape) -> Shape:
    out = slide.over(shape)
    slide.never_in_padding(shape)
    return out
