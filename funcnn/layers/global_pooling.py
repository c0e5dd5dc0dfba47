"""Global pools: one number for each channel of a sequence, an image or a volume."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np

from funcnn.kernels import global_pooling as kernel
from funcnn.kernels.sums import middle_sums
from funcnn.networks import Layer, constant
from funcnn.shapes import axes
from funcnn.types import Array, Shape


def _pooled(name: str) -> Callable[[Shape], Shape]:
    def out_shape(shape: Shape) -> Shape:
        batch, *_, channels = axes(name, shape, at_least=3)
        return (batch, channels)

    return out_shape


def _rows(x: Array) -> Array:
    """All pixels of an image in one axis."""
    return x.reshape(len(x), prod(x.shape[1:-1]), x.shape[-1])


def _means(x: Array) -> Array:
    rows = _rows(x)
    y = middle_sums(rows)
    y /= rows.shape[1]
    return y


def _average(x: Array) -> tuple[Array, Callable[[Array], Array]]:
    def pullback(dy: Array) -> Array:
        share = dy / float(prod(x.shape[1:-1]))
        return np.broadcast_to(share.reshape(len(x), *(1,) * (x.ndim - 2), x.shape[-1]), x.shape).copy()

    return _means(x), pullback


def _largest(x: Array) -> tuple[Array, Callable[[Array], Array]]:
    y = kernel.maxima(_rows(x))
    return y, lambda dy: kernel.maxima_input(_rows(x), y, dy).reshape(x.shape)


def _maxima(x: Array) -> Array:
    return kernel.maxima(_rows(x))


GlobalAvgPool: Layer[Array, Array] = constant(
    "GlobalAvgPool", __name__, Layer.lift(_pooled("GlobalAvgPool"), _average, value=_means)
)
"""The mean of every channel, over all axes between batch and channels: `y[n, c] = 1/k sum over r of x[n, r, c]`.

Shapes
    x   (batch, ..., channels), with k pixels in the middle
    y   (batch, channels)
Errors
    ShapeError   x has fewer than three axes, or is a tuple
Pullback
    dx[n, r, c] = dy[n, c] / k
Source: Lin, Chen & Yan, Network in network (2014), section 3.2.

>>> GlobalAvgPool.out_shape((-1, 7, 7, 512)), GlobalAvgPool.out_shape((-1, 100, 64))
((-1, 512), (-1, 64))
"""

GlobalMaxPool: Layer[Array, Array] = constant(
    "GlobalMaxPool", __name__, Layer.lift(_pooled("GlobalMaxPool"), _largest, value=_maxima)
)
"""The largest pixel of every channel, over all axes between batch and channels: `y[n, c] = max over r of x[n, r, c]`.

NaN in a channel is its maximum.

Shapes
    x   (batch, ..., channels)
    y   (batch, channels)
Errors
    ShapeError   x has fewer than three axes, or is a tuple
Pullback
    dx at the largest pixel = dy; of equal ones the first, row by row, gets it all
Source: Oquab, Bottou, Laptev & Sivic, Is object localization for free? (2015), section 3.

>>> GlobalMaxPool.apply({}, np.array([[[1.0, 5.0], [3.0, 2.0]]]))
array([[3., 5.]])
"""
