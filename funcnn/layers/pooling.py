"""Pools: each pixel of the output is one number for the window above it, channel by channel."""

from __future__ import annotations

from collections.abc import Callable

from funcnn.kernels import pooling as kernel
from funcnn.layers.windows import Padding, borders, checked_padding, checked_pair, slide
from funcnn.networks import Layer, layer
from funcnn.types import Array


@layer
def MaxPool(
    window_shape: tuple[int, int], strides: tuple[int, int] | None = None, padding: Padding = "VALID"
) -> Layer[Array, Array]:
    """The largest pixel of every window.

        y[n, i, j, c] = max over p, q of  x[n, i s + p, j t + q, c],   strides = (s, t)

    Strides are (1, 1) by default, as in stax: pools that halve an image are `MaxPool((2, 2), (2, 2))`. With padding
    "SAME" there are ceil(height / s) x ceil(width / t) windows; those at a border have fewer pixels. NaN in a window
    is its maximum.

    Shapes
        x       (batch, height, width, channels)
        y       (batch, height', width', channels)     height' = (height - p) // s + 1, or ceil(height / s) for "SAME"
    Errors
        ValueError   a size is less than one, or there is no such padding
        ShapeError   x has not four axes, or the window is larger than the image
    Pullback
        dx at the largest pixel of a window += dy; of equal ones the first, row by row, gets it all
    Source: Goodfellow, Bengio & Courville, Deep Learning (2016), section 9.3.

    >>> MaxPool((2, 2), (2, 2)).out_shape((-1, 28, 28, 32))
    (-1, 14, 14, 32)
    """
    window, steps = _checked("MaxPool", window_shape, strides, padding)

    def pool(x: Array) -> tuple[Array, Callable[[Array], Array]]:
        pads = borders(x.shape, window, steps, padding)
        y = kernel.max_pool(x, window, steps, pads)
        return y, lambda dy: kernel.max_pool_input(x, y, dy, window, steps, pads)

    return Layer.lift(lambda shape: slide("MaxPool", shape, window, steps, padding), pool)


@layer
def AvgPool(
    window_shape: tuple[int, int], strides: tuple[int, int] | None = None, padding: Padding = "VALID"
) -> Layer[Array, Array]:
    """The mean of the pixels of every window.

        y[n, i, j, c] = 1/k sum over p, q of  x[n, i s + p, j t + q, c],   strides = (s, t), k pixels in the window

    Strides are (1, 1) by default, as in stax. With padding "SAME" there are ceil(height / s) x ceil(width / t) windows;
    the padding does not count: k is the number of real pixels in the window.

    Shapes
        x       (batch, height, width, channels)
        y       (batch, height', width', channels)     height' = (height - p) // s + 1, or ceil(height / s) for "SAME"
    Errors
        ValueError   a size is less than one, or there is no such padding
        ShapeError   x has not four axes, or the window is larger than the image
    Pullback
        dx at every pixel of a window += dy / k
    Source: LeCun, Bottou, Bengio & Haffner, Gradient-based learning applied to document recognition (1998), section II;
    the divisor at borders is stax's.

    >>> AvgPool((2, 2), (2, 2)).apply({}, np.arange(4.0).reshape(1, 2, 2, 1))
    array([[[[1.5]]]])
    """
    window, steps = _checked("AvgPool", window_shape, strides, padding)

    def pool(x: Array) -> tuple[Array, Callable[[Array], Array]]:
        pads = borders(x.shape, window, steps, padding)
        y = kernel.average_pool(x, window, steps, pads)
        return y, lambda dy: kernel.average_pool_input(dy, x.shape, window, steps, pads)

    return Layer.lift(lambda shape: slide("AvgPool", shape, window, steps, padding), pool)


def _checked(
    layer: str, window: tuple[int, int], strides: tuple[int, int] | None, padding: Padding
) -> tuple[tuple[int, int], tuple[int, int]]:
    checked_padding(layer, padding)
    strides = (1, 1) if strides is None else strides
    return checked_pair(layer, "window_shape", window), checked_pair(layer, "strides", strides)
