"""Convolution of volumes by Winograd's algorithm over two axes, and directly over the first; and its pullbacks.

    y[n, z, i, j, o] = b[o] + sum over k, p, q, c of
                       x[n, z s + k d - front, i + p - top, j + q - left, c]  w[k, p, q, c, o]

A volume is a row of images, all of which are transformed once, see `funcnn.kernels.winograd`. In the products a window
has the channels of all images that it reaches, side by side. The pullback to the volumes is a convolution of the
outputs, with the windows turned round.

8 volumes of 16 x 16 x 16, 16 to 32 channels, 3 x 3 x 3: 5.7 ms there and 12.2 back, 10.2 and 24 by gathering pixels;
64 to 64 channels, 27 and 55 ms, 67 and 148 by gathering.
Source: Lavin & Gray, Fast Algorithms for Convolutional Neural Networks (2016), section 4.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any, Final

import numpy as np

from funcnn.kernels import choice, scratch, threads
from funcnn.kernels.small_products import by_rows
from funcnn.kernels.sums import column_sums
from funcnn.kernels.windows import Windows, reach
from funcnn.kernels.winograd import Inward, Outputs, Outward, transformed
from funcnn.kernels.winograd_matrices import STEP, form
from funcnn.kernels.winograd_tiles import Source, Tiling, tiling
from funcnn.types import Array

_BLOCK: Final = 1 << 22  # bytes of what the products take of a block of images, side by side; fewer make more overhead
_MOST: Final = 1 << 25  # bytes of that for one image; larger ones go by gathering pixels
_WORTHWHILE: Final = 1 << 26  # multiplications that repay another thread


def suits(shape: tuple[int, ...], w_shape: tuple[int, ...], how: Windows, dtype: np.dtype[Any]) -> bool:
    """Are these volumes, and is their convolution faster so?"""
    if len(how.size) != 3 or how.strides[1:] != (1, 1) or how.dilation[1:] != (1, 1) or min(map(min, how.pads)) < 0:
        return False
    counts = how.counts(shape)
    images, pads = (shape[0] * shape[1], *shape[2:]), (how.pads[1], how.pads[2])
    if not counts[0] or not choice.by_winograd(images, w_shape[1:], (1, 1), pads, dtype):
        return False
    return _bytes(counts, w_shape) <= _MOST


def turns(how: Windows) -> bool:
    """Is the pullback to the volumes a convolution with the windows turned round?"""
    each = zip(how.size, how.dilation, how.pads, strict=True)
    return how.strides[0] == 1 and all(max(pad) <= (k - 1) * d for k, d, pad in each)


def convolve(x: Array, w: Array, how: Windows, b: Array | None = None) -> Array:
    """The convolution `y`; `b` is added where given."""
    y: Array = scratch.array((len(x), *how.counts(x.shape), w.shape[-1]), np.result_type(x, w))
    u = transformed(_flat(w))

    def work(start: int, end: int) -> None:
        block = _Block(x[start:end], how, y.shape, w.shape)
        outputs = Outputs(block.form, block.outputs, w.shape[-1])
        for v, z, points in block:
            by_rows(points, u, outputs.points)
            outputs(y[start + v, z], b)

    _spread(y, w.shape, work)
    return y


def convolve_params(x: Array, dy: Array, how: Windows) -> tuple[Array, Array]:
    """The cotangents of `w` and `b`."""
    shape = (*how.size, x.shape[-1], dy.shape[-1])
    parts: dict[int, tuple[Array, Array]] = {}

    def work(start: int, end: int) -> None:
        block = _Block(x[start:end], how, dy.shape, shape)
        outward = Outward(block.form, block.outputs, shape[-1])
        du: Array = np.zeros((len(outward.points), how.size[0] * shape[-2], shape[-1]), dy.dtype)
        part, db = np.empty_like(du), np.zeros(shape[-1], dy.dtype)
        for v, z, points in block:
            m = outward(dy[start + v, z])
            np.matmul(points.transpose(0, 2, 1), m, out=part)
            np.add(du, part, out=du)
            np.add(db, column_sums(m[block.form.size + 1]), out=db)
        parts[start] = du, db

    _spread(dy, shape, work)
    first, *others = sorted(parts)  # in one order, whichever thread was first
    du, db = parts[first]
    for start in others:
        du, db = du + parts[start][0], db + parts[start][1]
    flat = np.dot(form(how.size[1]).gg.T, du.reshape(len(du), -1))
    dw: Array = flat.reshape(*how.size[1:], how.size[0], *shape[-2:])
    return np.ascontiguousarray(dw.transpose(2, 0, 1, 3, 4)), db


def convolve_input(dy: Array, w: Array, how: Windows) -> Array:
    """The cotangent of the volumes."""
    each = zip(how.size, how.dilation, how.pads, strict=True)
    pads = tuple([((k - 1) * d - before, (k - 1) * d - behind) for k, d, (before, behind) in each])
    return convolve(dy, w[::-1, ::-1, ::-1].swapaxes(-1, -2), how._replace(pads=pads))


def _flat(w: Array) -> Array:
    """Windows over images, that have the channels of all images which those over volumes reach, side by side."""
    depth, height, width, channels, outputs = w.shape
    return w.transpose(1, 2, 0, 3, 4).reshape(height, width, depth * channels, outputs)


def _bytes(counts: tuple[int, ...], w_shape: tuple[int, ...]) -> int:
    """Of what the products take and give for one image of the outputs."""
    tiles = -(-counts[1] // STEP) * -(-counts[2] // STEP)
    return 4 * (STEP + w_shape[1] - 1) ** 2 * tiles * max(w_shape[0] * w_shape[-2], w_shape[-1])


def _spread(y: Array, w_shape: tuple[int, ...], work: threads.Work) -> None:
    threads.spread(len(y), -(-_WORTHWHILE // max(1, y[:1].size * prod(w_shape[:-1]))), work)


class _Block:
    """Some images of outputs after the other, and what the products take for them: (points, tiles, channels)."""

    def __init__(self, x: Array, how: Windows, y_shape: tuple[int, ...], w_shape: tuple[int, ...]) -> None:
        n, self.depth, *_, channels = x.shape
        self.how, self.count, self.volumes = how, y_shape[1], n
        self.form = form(w_shape[1])
        many = max(1, min(self.count, _BLOCK // _bytes(y_shape[1:4], w_shape)))
        self.many = -(-self.count // -(-self.count // many))  # blocks of one size, the last one as full as can be
        span = (self.many - 1) * how.strides[0] + (w_shape[0] - 1) * how.dilation[0] + 1
        self.span = min(span, self.depth)
        images = np.ascontiguousarray(x).reshape(n * self.depth, *x.shape[2:])
        whole = tiling(images.shape, w_shape[1], (how.pads[1], how.pads[2]))
        taken = whole._replace(block=self.span)
        self.outputs: Tiling = whole._replace(images=n * self.count, block=self.many)
        self.source, self.inward = Source(images, taken), Inward(self.form, taken, channels)
        tiles, points = whole.rows * whole.columns, self.form.size**2
        self.side_by_side: Array = np.zeros((points, self.many, tiles, w_shape[0], channels), x.dtype)
        self.points = self.side_by_side.reshape(points, self.many * tiles, -1)

    def __iter__(self) -> Iterator[tuple[int, slice, Array]]:
        for v in range(self.volumes):
            for start in range(0, self.count, self.many):
                z = slice(start, min(start + self.many, self.count))
                yield v, z, self._gathered(v, z)

    def _gathered(self, v: int, z: slice) -> Array:
        stride, (front, _) = self.how.strides[0], self.how.pads[0]
        first = max(0, min(z.start * stride - front, self.depth - self.span))
        found = self.inward(self.source.block(v * self.depth + first))
        images = found.reshape(len(found), self.span, -1, self.side_by_side.shape[-1])
        for k in range(self.side_by_side.shape[3]):
            into = self.side_by_side[:, :, :, k]
            offset, pad = k * self.how.dilation[0], front - z.start * stride
            windows, pixels = reach(offset, stride, pad, self.depth, z.stop - z.start)
            into[:, : windows.start] = 0
            into[:, windows.stop :] = 0
            np.copyto(into[:, windows], images[:, pixels.start - first : pixels.stop - first : stride])
        return self.points
