"""How images fall into the overlapping tiles of Winograd's convolutions, one for every 4x4 pixels of the output."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from funcnn.kernels.settings import THREADS
from funcnn.kernels.windows import Pads
from funcnn.kernels.winograd_matrices import STEP
from funcnn.types import Array

_BLOCK_TILES: Final = 48
"""Enough rows for the matrix products to run at full speed, few enough to stay in the cache; for several threads three
times as many, for the reason that `funcnn.kernels.threads.longer` gives."""

_MANY_TILES: Final = 1000  # fewer are not worth several threads


class Tiling(NamedTuple):
    """How images fall into tiles, and how many images make a block."""

    images: int
    height: int  # of the output
    width: int
    rows: int  # tiles
    columns: int
    top: int  # padding
    left: int
    block: int
    overlap: int  # of neighbouring tiles of the input

    @property
    def tiles(self) -> int:
        return self.block * self.rows * self.columns

    @property
    def size(self) -> tuple[int, int]:
        """The pixels under all tiles of an image."""
        return STEP * self.rows + self.overlap, STEP * self.columns + self.overlap

    @property
    def whole(self) -> bool:
        """Do the tiles end where the output ends?"""
        return self.height == STEP * self.rows and self.width == STEP * self.columns

    def blocks(self) -> range:
        return range(0, self.images, self.block)


def tiling(shape: tuple[int, ...], window: int, pads: Pads) -> Tiling:
    """The tiles of images of this shape under windows of this size."""
    n, h, w, _ = shape
    (top, bottom), (left, right) = pads
    overlap = window - 1
    height, width = h + top + bottom - overlap, w + left + right - overlap
    rows, columns = -(-height // STEP), -(-width // STEP)
    many = THREADS > 1 and n * rows * columns >= _MANY_TILES
    wanted = max(1, min(n, round((3 if many else 1) * _BLOCK_TILES / (rows * columns))))
    block = -(-n // -(-n // wanted))  # blocks of one size, the last one as full as can be
    return Tiling(n, height, width, rows, columns, top, left, block, overlap)


class Source:
    """Blocks of the padded input, extended to whole tiles; copied only where something has to be added.

    What comes out are bands, (images, rows of tiles, height of a tile, width * channels), which overlap.
    """

    def __init__(self, x: Array, t: Tiling) -> None:
        self.x, self.t = x, t
        n, h, w, c = x.shape
        self.direct = (h, w) == t.size and not t.top and not t.left and n % t.block == 0 and x.flags.c_contiguous
        self.buffer: Array = np.zeros((0 if self.direct else t.block, *t.size, c), np.float32)

        pixels = x if self.direct else self.buffer
        s, shape = pixels.strides, (len(pixels), t.rows, STEP + t.overlap, t.size[1] * c)
        self.bands: Array = as_strided(pixels, shape, (s[0], STEP * s[1], s[1], s[3]), writeable=False)

    def block(self, i: int) -> Array:
        if self.direct:
            return self.bands[i : i + self.t.block]
        part = self.x[i : i + self.t.block]
        h, w = min(part.shape[1], self.t.size[0] - self.t.top), min(part.shape[2], self.t.size[1] - self.t.left)
        self.buffer[: len(part), self.t.top : self.t.top + h, self.t.left : self.t.left + w] = part[:, :h, :w]
        self.buffer[len(part) :] = 0
        return self.bands
