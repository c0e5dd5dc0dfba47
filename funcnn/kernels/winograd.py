"""Winograd's convolution F(4x4, 3x3): 3x3 windows, stride 1, float32, with a quarter of the multiplications.

An output tile of 4x4 comes from an input tile of 6x6. With `d` the input tile, `g` the window and `*` entry by entry,

    y = A^T [(G g G^T) * (B^T d B)] A

so that a layer is 36 small matrix products, (tiles x C)(C x O), between transforms that only add and scale. The pullbacks
are the adjoints of the same formula: with `dM = A dy A^T`,

    dw = G^T [(B^T d B) * dM] G        dx = B [dM * (G g G^T)] B^T, added where tiles overlap

Everything runs in blocks of images whose intermediates stay in the cache. The error, relative to the largest entry of
the result, is 5e-6 to 2e-5, against 1e-6 for the direct sum: the transforms amplify roundoff.

64 images of 26 x 26, 32 to 64 channels: 8 ms forward, 7 ms for the windows, 9 ms for the images, where direct sums take
13, 13 and 16; 32 images of 34 x 34, 64 to 64: 11, 12 and 13 ms against 22, 22 and 30.

Source: Lavin & Gray, Fast Algorithms for Convolutional Neural Networks (2016), sections 3 and 4; the matrices are those
of the points 0, 1, -1, 2, -2 (Winograd, Arithmetic Complexity of Computations, 1980).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.lib.stride_tricks import as_strided

from funcnn.kernels import scratch
from funcnn.kernels.affine import column_sums
from funcnn.kernels.settings import WINOGRAD
from funcnn.kernels.tiles import Source, Tiling, tiling
from funcnn.kernels.windows import Pads as Pads
from funcnn.types import Array

_F: Final = np.float32
# fmt: off
_BT: Final[Array] = np.array([
    [4,  0, -5,  0, 1, 0],
    [0, -4, -4,  1, 1, 0],
    [0,  4, -4, -1, 1, 0],
    [0, -2, -1,  2, 1, 0],
    [0,  2, -1, -2, 1, 0],
    [0,  4,  0, -5, 0, 1]], _F)
_G: Final[Array] = np.array([
    [1 / 4,       0,      0],
    [-1 / 6, -1 / 6, -1 / 6],
    [-1 / 6,  1 / 6, -1 / 6],
    [1 / 24, 1 / 12,  1 / 6],
    [1 / 24, -1 / 12, 1 / 6],
    [0,           0,      1]], _F)
_AT: Final[Array] = np.array([
    [1, 1,  1, 1,  1, 0],
    [0, 1, -1, 2, -2, 0],
    [0, 1,  1, 4,  4, 0],
    [0, 1, -1, 8, -8, 1]], _F)
# fmt: on
_B: Final[Array] = np.ascontiguousarray(_BT.T)
_A: Final[Array] = np.ascontiguousarray(_AT.T)
_GG: Final[Array] = np.kron(_G, _G)


def suits(
    shape: tuple[int, ...], w_shape: tuple[int, ...], strides: tuple[int, int], pads: Pads, dtype: np.dtype[Any]
) -> bool:
    """Is this convolution one for the algorithm, and faster by it?

    Not with few channels, few tiles, or tiles that reach far over the border. From 16 channels on it is 1.3 times as fast
    as the direct sum, from 32 on 1.6 times.
    """
    if not WINOGRAD or dtype != _F or w_shape[:2] != (3, 3) or strides != (1, 1) or not shape[0]:
        return False
    c, o = w_shape[2:]
    t = tiling(shape, pads)
    tiles = t.rows * t.columns
    return min(c, o) >= 8 and c * o >= 128 and t.images * tiles >= 24 and 16 * tiles <= 1.5 * t.height * t.width


class _Inward:
    """B^T d B for the tiles of a block: (36, tiles, channels)."""

    def __init__(self, t: Tiling, channels: int) -> None:
        n, width = t.block, 4 * t.columns + 2
        self.t, self.c = t, channels
        self.rows: Array = np.empty((n, t.rows, 6, width * channels), _F)
        self.tiles: Array = np.empty((6, 6, n, t.rows, t.columns, channels), _F)
        self.out: Array = np.empty((6, 6, t.tiles * channels), _F)
        s = self.rows.strides
        shape, strides = (6, 6, n, t.rows, t.columns, channels), (s[2], 4 * channels, s[0], s[1], 16 * channels, 4)
        self.windows: Array = as_strided(self.rows, shape, strides)

    def __call__(self, d: Array) -> Array:
        s, t = d.strides, self.t
        bands = as_strided(d, (t.block, t.rows, 6, self.rows.shape[3]), (s[0], 4 * s[1], s[1], s[3]))
        np.matmul(_BT, bands, out=self.rows)
        np.copyto(self.tiles, self.windows)
        np.matmul(_BT, self.tiles.reshape(6, 6, -1), out=self.out)
        return self.out.reshape(36, t.tiles, self.c)


class _Outward:
    """A dy A^T for the tiles of a block: (36, tiles, channels)."""

    def __init__(self, t: Tiling, channels: int) -> None:
        self.t, self.c = t, channels
        self.tiles: Array = np.zeros((4, 4, t.block, t.rows, t.columns, channels), _F)
        self.whole = t.height == 4 * t.rows and t.width == 4 * t.columns
        self.buffer: Array = np.zeros((t.block, 4 * t.rows, 4 * t.columns, channels), _F)
        self.half: Array = np.empty((6, 4, t.tiles * channels), _F)
        self.out: Array = np.empty((6, 6, t.tiles * channels), _F)

    def __call__(self, dy: Array) -> Array:
        t, n = self.t, len(dy)
        if not (self.whole and n == t.block and dy.flags.c_contiguous):
            self.buffer[:n, : t.height, : t.width] = dy
            self.buffer[n:] = 0
            dy = self.buffer
        np.copyto(self.tiles, dy.reshape(t.block, t.rows, 4, t.columns, 4, self.c).transpose(2, 4, 0, 1, 3, 5))
        np.matmul(_A, self.tiles.reshape(4, -1), out=self.half.reshape(6, -1))
        np.matmul(_A, self.half, out=self.out)
        return self.out.reshape(36, t.tiles, self.c)


def _transformed(w: Array) -> Array:
    """G g G^T for every pair of channels: (36, C, O)."""
    _, _, c, o = w.shape
    u: Array = np.dot(_GG, w.reshape(9, c * o))
    return u.reshape(36, c, o)


def convolve(x: Array, w: Array, pads: Pads, bias: Array | None = None, out: Array | None = None) -> Array:
    """The convolution of NHWC images with 3x3 windows (3, 3, C, O), stride 1; written to `out` where given."""
    c, o = w.shape[2:]
    t = tiling(x.shape, pads)
    source, inward, u = Source(x, t), _Inward(t, c), _transformed(w)
    m: Array = np.empty((36, t.tiles, o), _F)
    half: Array = np.empty((4, 6, t.tiles * o), _F)
    tiles: Array = np.empty((4, 4, t.tiles * o), _F)
    y: Array = scratch.array((t.images, t.height, t.width, o), u.dtype) if out is None else out
    whole = t.height == 4 * t.rows and t.width == 4 * t.columns
    padded: Array = np.empty((0 if whole else t.block, 4 * t.rows, 4 * t.columns, o), _F)
    for i in t.blocks():
        np.matmul(inward(source.block(i)), u, out=m)
        np.matmul(_AT, m.reshape(6, -1), out=half.reshape(4, -1))
        np.matmul(_AT, half, out=tiles)
        found = tiles.reshape(4, 4, t.block, t.rows, t.columns, o)
        if bias is not None:
            found += bias
        part = y[i : i + t.block]
        found = found[:, :, : len(part)].transpose(2, 3, 0, 4, 1, 5)
        if whole:
            np.copyto(part.reshape(len(part), t.rows, 4, t.columns, 4, o), found)
        else:
            np.copyto(padded[: len(part)].reshape(len(part), t.rows, 4, t.columns, 4, o), found)
            np.copyto(part, padded[: len(part), : t.height, : t.width])
    return y


def convolve_params(x: Array, dy: Array, pads: Pads) -> tuple[Array, Array]:
    """The cotangents of the windows and of the bias.

    That of the bias is nearly free: row 1 of A is all ones, so that entry (1, 1) of `A dy A^T` is the sum over a tile.
    """
    c, o = x.shape[3], dy.shape[3]
    t = tiling(x.shape, pads)
    source, inward, outward = Source(x, t), _Inward(t, c), _Outward(t, o)
    du: Array = np.zeros((36, c, o), _F)
    part: Array = np.empty((36, c, o), _F)
    db: Array = np.zeros((o,), _F)
    for i in t.blocks():
        v, m = inward(source.block(i)), outward(dy[i : i + t.block])
        np.matmul(v.transpose(0, 2, 1), m, out=part)
        du += part
        np.add(db, column_sums(m[7]), out=db)
    dw: Array = np.dot(_GG.T, du.reshape(36, c * o))
    return dw.reshape(3, 3, c, o), db


def convolve_input(dy: Array, w: Array, shape: tuple[int, ...], pads: Pads, out: Array | None = None) -> Array:
    """The cotangent of the images, which have this shape; written to `out` where given."""
    c, o = w.shape[2:]
    t = tiling(shape, pads)
    _, h, width, _ = shape
    outward = _Outward(t, o)
    u = np.ascontiguousarray(_transformed(w).transpose(0, 2, 1))
    v: Array = np.empty((36, t.tiles, c), _F)
    z: Array = np.empty((6, 6, t.tiles * c), _F)
    wide = 4 * t.columns + 2
    bands: Array = np.empty((t.block, t.rows, 6, wide, c), _F)
    lines: Array = np.empty((t.block, t.rows, 6, wide * c), _F)
    dx: Array = scratch.array(shape, u.dtype) if out is None else out
    sums: Array = np.empty((t.block, 4 * t.rows + 2, wide, c), _F)
    for i in t.blocks():
        np.matmul(outward(dy[i : i + t.block]), u, out=v)
        np.matmul(_B, v.reshape(6, 6, -1), out=z)  # along the columns of each tile
        _overlap_columns(z.reshape(6, 6, t.block, t.rows, t.columns, c), bands)
        np.matmul(_B, bands.reshape(t.block, t.rows, 6, wide * c), out=lines)
        _overlap_rows(lines, sums.reshape(t.block, 4 * t.rows + 2, wide * c))
        part = dx[i : i + t.block]
        np.copyto(part, sums[: len(part), t.top : t.top + h, t.left : t.left + width])
    return dx


def _overlap_columns(z: Array, bands: Array) -> None:
    """Tiles (row, column, image, y, x, channel) into bands (image, y, row, column, channel), added where they overlap."""
    z = z.transpose(2, 3, 0, 4, 1, 5)
    n, rows, _, wide, c = bands.shape
    columns = wide // 4
    s = bands.strides
    fours: Array = as_strided(bands, (n, rows, 6, columns, 4, c), (s[0], s[1], s[2], 4 * s[3], s[3], s[4]))
    np.copyto(fours, z[:, :, :, :, :4])
    np.copyto(bands[:, :, :, 4 * columns :], z[:, :, :, -1, 4:])
    after = fours[:, :, :, 1:, :2]
    np.add(after, z[:, :, :, :-1, 4:], out=after)


def _overlap_rows(lines: Array, sums: Array) -> None:
    """Bands (image, y, row, ...) into whole images (image, height, ...), added where they overlap."""
    n, rows, _, wide = lines.shape
    fours = sums[:, : 4 * rows].reshape(n, rows, 4, wide)
    np.copyto(fours, lines[:, :, :4])
    np.copyto(sums[:, 4 * rows :], lines[:, -1, 4:])
    after = fours[:, 1:, :2]
    np.add(after, lines[:, :-1, 4:], out=after)
