"""Winograd's convolutions F(4x4, 3x3) and F(4x4, 5x5): stride 1, float32, a quarter or a sixth of the multiplications.

An output tile of 4x4 comes from an input tile `d` of 6x6 or 8x8. With `g` the window and `*` entry by entry,

    y = A^T [(G g G^T) * (B^T d B)] A

so that a layer is 36 or 64 small matrix products, (tiles x C)(C x O), between transforms that only add and scale. The
pullbacks are the adjoints of the same formula: with `dM = A dy A^T`,

    dw = G^T [(B^T d B) * dM] G        dx = B [dM * (G g G^T)] B^T, added where tiles overlap

Everything runs in blocks of images, or bands of large ones, whose intermediates stay in the cache. The error, relative
to the largest entry of the result, is 5e-6 to 2e-5, against 1e-6 for the direct sum: the transforms amplify roundoff.

64 images of 26 x 26, 32 to 64 channels, 3x3: 8 ms forward, 7 ms for the windows, 9 ms for the images, where direct sums
take 13, 13 and 16; 32 images of 34 x 34, 64 to 64: 11, 12 and 13 ms against 22, 22 and 30. Windows of 5x5 gain more: 64
images of 24 x 24, 32 to 64 channels, take 10, 11 and 12 ms against 26, 26 and 35.

Source: Lavin & Gray, Fast Algorithms for Convolutional Neural Networks (2016), sections 3 and 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import as_strided

from funcnn.kernels import scratch
from funcnn.kernels.small_products import by_columns, by_rows
from funcnn.kernels.sums import column_sums
from funcnn.kernels.threads import alone
from funcnn.kernels.windows import Pads
from funcnn.kernels.winograd_matrices import STEP, Form, form
from funcnn.kernels.winograd_tiles import Source, Tiling, tiling
from funcnn.types import Array

_F: Final = np.float32


class Inward:
    """B^T d B for the tiles of a block: (points, tiles, channels)."""

    def __init__(self, f: Form, t: Tiling, channels: int) -> None:
        k, n = f.size, t.block
        self.bt = f.bt
        self.rows: Array = np.empty((n, t.rows, k, t.size[1] * channels), _F)
        self.tiles: Array = np.empty((k, k, n, t.rows, t.columns, channels), _F)
        s, pixel = self.rows.strides, self.rows.itemsize * channels
        strides = s[2], pixel, s[0], s[1], STEP * pixel, self.rows.itemsize
        self.windows: Array = as_strided(self.rows, self.tiles.shape, strides)
        self.lines = self.tiles.reshape(k, k, -1)
        self.out: Array = np.empty(self.lines.shape, _F)
        self.points = self.out.reshape(k * k, t.tiles, channels)

    def __call__(self, bands: Array) -> Array:
        by_columns(self.bt, bands, self.rows)
        np.copyto(self.tiles, self.windows)
        by_columns(self.bt, self.lines, self.out)
        return self.points


class Outward:
    """A dy A^T for the tiles of a block: (points, tiles, channels)."""

    def __init__(self, f: Form, t: Tiling, channels: int) -> None:
        self.a, self.t = f.a, t
        self.tiles: Array = np.zeros((STEP, STEP, t.block, t.rows, t.columns, channels), _F)
        self.pixels = self.tiles.transpose(2, 3, 0, 4, 1, 5)
        self.buffer: Array = np.zeros((t.block, STEP * t.rows, STEP * t.columns, channels), _F)
        self.half: Array = np.empty((f.size, STEP, t.tiles * channels), _F)
        self.lines, self.halves = self.tiles.reshape(STEP, -1), self.half.reshape(f.size, -1)
        self.out: Array = np.empty((f.size, f.size, t.tiles * channels), _F)
        self.points = self.out.reshape(-1, t.tiles, channels)

    def __call__(self, dy: Array) -> Array:
        t, n = self.t, len(dy)
        if not (t.whole and n == t.block and dy.flags.c_contiguous):
            self.buffer[:n, : t.height, : t.width] = dy
            self.buffer[n:] = 0
            dy = self.buffer
        np.copyto(self.pixels, dy.reshape(self.pixels.shape))
        by_columns(self.a, self.lines, self.halves)
        by_columns(self.a, self.half, self.out)
        return self.points


class Outputs:
    """A^T m A for the tiles of a block, m being `points`: (points, tiles, channels)."""

    def __init__(self, f: Form, t: Tiling, channels: int) -> None:
        self.at, self.t = f.at, t
        self.points: Array = np.empty((f.size * f.size, t.tiles, channels), _F)
        self.half: Array = np.empty((STEP, f.size, t.tiles * channels), _F)
        self.out: Array = np.empty((STEP, STEP, t.tiles * channels), _F)
        self.lines, self.halves = self.points.reshape(f.size, -1), self.half.reshape(STEP, -1)
        self.tiles = self.out.reshape(STEP, STEP, t.block, t.rows, t.columns, channels)
        self.pixels = self.tiles.transpose(2, 3, 0, 4, 1, 5)
        padded = 0 if t.whole else t.block, STEP * t.rows, STEP * t.columns, channels
        self.padded: Array = np.empty(padded, _F)

    def __call__(self, y: Array, bias: Array | None) -> None:
        """Into the images `y`, as many as there are; what of the tiles lies beyond them is left out."""
        t, n = self.t, len(y)
        by_columns(self.at, self.lines, self.halves)
        by_columns(self.at, self.half, self.out)
        if bias is not None:
            np.add(self.tiles, bias, out=self.tiles)
        whole = y if t.whole else self.padded[:n]
        np.copyto(whole.reshape(n, *self.pixels.shape[1:]), self.pixels[:n])
        if not t.whole:
            np.copyto(y, self.padded[:n, : t.height, : t.width])


def transformed(w: Array, groups: int = 1) -> Array:
    """G g G^T for every pair of channels: (points, C, O); with groups, (points, groups, C, O) of every group."""
    r, _, c, o = w.shape
    u: Array = alone(np.dot, form(r).gg, w.reshape(-1, c * o))
    return u.reshape(-1, c, o) if groups == 1 else np.ascontiguousarray(_apart(u.reshape(-1, c, o), groups))


def turned(w: Array, groups: int = 1) -> Array:
    """The windows of the pullback to the images, which is a convolution too: turned round, C and O swapped."""
    r, s, c, o = w.shape
    swapped = w[::-1, ::-1].reshape(r, s, c, groups, o // groups).transpose(0, 1, 4, 3, 2)
    return np.ascontiguousarray(swapped).reshape(r, s, o // groups, groups * c)


def _apart(a: Array, groups: int) -> Array:
    """(points, rows, channels of all groups) as (points, groups, rows, channels of one)."""
    return a if groups == 1 else a.reshape(*a.shape[:2], groups, -1).transpose(0, 2, 1, 3)


def convolve(
    x: Array, w: Array, pads: Pads, bias: Array | None = None, out: Array | None = None, u: Array | None = None,
    groups: int = 1,
) -> Array:  # fmt: skip
    """The convolution of NHWC images with windows (r, r, C, O), stride 1; written to `out` where given.

    `u` are the windows transformed, where somebody has them. With groups, C are the channels of one, O of all.
    """
    c, o = x.shape[3], w.shape[3]
    f, t = form(w.shape[0]), tiling(x.shape, w.shape[0], pads)
    source, inward, outputs = Source(x, t), Inward(f, t, c), Outputs(f, t, o)
    u, into = transformed(w, groups) if u is None else u, _apart(outputs.points, groups)
    y: Array = scratch.array((t.images, t.height, t.width, o), u.dtype) if out is None else out
    for i in t.blocks():
        by_rows(_apart(inward(source.block(i)), groups), u, into)
        outputs(y[i : i + t.block], bias)
    return y


def convolve_params(x: Array, dy: Array, pads: Pads, groups: int = 1) -> tuple[Array, Array]:
    """The cotangents of the windows and of the bias."""
    return convolve_params_of([(x, dy, pads)], groups)


def convolve_params_of(parts: Sequence[tuple[Array, Array, Pads]], groups: int = 1) -> tuple[Array, Array]:
    """The same, summed over parts, which are images and outputs with what padding they have.

    That of the bias is nearly free: row 1 of A is all ones, so that entry (1, 1) of `A dy A^T` is the sum over a tile.
    """
    x, dy, pads = parts[0]
    c, o = x.shape[3], dy.shape[3]
    f = form(x.shape[1] + sum(pads[0]) - dy.shape[1] + 1)
    du: Array = np.zeros((f.size * f.size, groups, c // groups, o // groups), _F)
    part: Array = np.empty_like(du)
    db: Array = np.zeros((o,), _F)
    for x, dy, pads in parts:
        t = tiling(x.shape, f.window, pads)
        source, inward, outward = Source(x, t), Inward(f, t, c), Outward(f, t, o)
        for i in t.blocks():
            v, m = inward(source.block(i)), outward(dy[i : i + t.block])
            into = part if groups > 1 else part[:, 0]
            np.matmul(_apart(v, groups).swapaxes(-1, -2), _apart(m, groups), out=into)
            np.add(du, part, out=du)
            np.add(db, column_sums(m[f.size + 1]), out=db)
    dw: Array = np.dot(f.gg.T, du.reshape(f.size * f.size, -1))
    together = dw.reshape(-1, groups, c // groups, o // groups).transpose(0, 2, 1, 3)
    return together.reshape(f.window, f.window, c // groups, o), db


def convolve_input(
    dy: Array, w: Array, shape: tuple[int, ...], pads: Pads, out: Array | None = None, groups: int = 1
) -> Array:
    """The cotangent of the images, which have this shape; written to `out` where given."""
    c, o = shape[3], dy.shape[3]
    f, t = form(w.shape[0]), tiling(shape, w.shape[0], pads)
    outward = Outward(f, t, o)
    u = np.ascontiguousarray(transformed(w, groups).swapaxes(-1, -2))
    v: Array = np.empty((len(u), t.tiles, c), _F)
    into = _apart(v, groups)
    z: Array = np.empty((f.size, f.size, t.tiles * c), _F)
    _, h, width, _ = shape
    high, wide = t.size
    bands: Array = np.empty((t.block, t.rows, f.size, wide, c), _F)
    lines: Array = np.empty((t.block, t.rows, f.size, wide * c), _F)
    dx: Array = scratch.array(shape, u.dtype) if out is None else out
    sums: Array = np.empty((t.block, high, wide, c), _F)
    squares, flat_bands = v.reshape(f.size, f.size, -1), bands.reshape(lines.shape)
    overlap_columns = _overlap_columns(z.reshape(f.size, f.size, t.block, t.rows, t.columns, c), bands)
    overlap_rows = _overlap_rows(lines, sums.reshape(t.block, high, wide * c))
    for i in t.blocks():
        by_rows(_apart(outward(dy[i : i + t.block]), groups), u, into)
        by_columns(f.b, squares, z)  # along the columns of each tile
        overlap_columns()
        by_columns(f.b, flat_bands, lines)
        overlap_rows()
        part = dx[i : i + t.block]
        np.copyto(part, sums[: len(part), t.top : t.top + h, t.left : t.left + width])
    return dx


class _Overlap:
    """A sum of overlapping tiles along an axis: the first STEP entries of each are put side by side, the rest is added.

    `parts` are (target, source) of the entries that have a place of their own, `more` of those that are added.
    """

    def __init__(self, parts: tuple[tuple[Array, Array], ...], more: tuple[Array, Array]) -> None:
        self.parts, self.more = parts, more

    def __call__(self) -> None:
        for target, source in self.parts:
            np.copyto(target, source)
        target, source = self.more
        np.add(target, source, out=target)


def _overlap_columns(z: Array, bands: Array) -> _Overlap:
    """Tiles (row, column, image, y, x, channel) into bands (image, y, row, column, channel)."""
    z = z.transpose(2, 3, 0, 4, 1, 5)
    n, rows, size, columns, _, c = z.shape
    s = bands.strides
    fours: Array = as_strided(bands, (n, rows, size, columns, STEP, c), (*s[:3], STEP * s[3], *s[3:]))
    own = (fours, z[:, :, :, :, :STEP]), (bands[:, :, :, STEP * columns :], z[:, :, :, -1, STEP:])
    return _Overlap(own, (fours[:, :, :, 1:, : size - STEP], z[:, :, :, :-1, STEP:]))


def _overlap_rows(lines: Array, sums: Array) -> _Overlap:
    """Bands (image, y, row, ...) into whole images (image, height, ...)."""
    n, rows, size, wide = lines.shape
    fours = sums[:, : STEP * rows].reshape(n, rows, STEP, wide)
    own = (fours, lines[:, :, :STEP]), (sums[:, STEP * rows :], lines[:, -1, STEP:])
    return _Overlap(own, (fours[:, 1:, : size - STEP], lines[:, :-1, STEP:]))
