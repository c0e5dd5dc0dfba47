"""Which algorithm a convolution of images goes by, and in what pieces: rules that were measured, see `docs/speed.md`.

Large images are cut into bands of rows, so that what an algorithm keeps on the way stays in the cache, and its memory
does not grow with the image. Bands are also what several cores share where there are few images.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from funcnn.kernels.settings import WINOGRAD
from funcnn.kernels.windows import Pads, Pair
from funcnn.kernels.winograd_matrices import POINTS, STEP

_CHANNELS: Final = {3: 12, 5: 3}
"""Of the images, for every size of window: from here on it is faster, whatever the number of outputs. With fewer, the
transforms of the images cost more than the multiplications that they save."""

_WHOLE: Final = 400  # tiles; images of no more go as a whole, several at a time
_TILES: Final = 144  # of a band: enough rows for matrix products at full speed, few enough for the cache
_BYTES: Final = 1 << 24  # of all tiles of a band, transformed
_TILE_ROWS: Final = 2  # of a band, at least: bands share pixels


class Piece(NamedTuple):
    """Some images, or some rows of one: the outputs, the pixels under their windows, and the padding that is left."""

    images: slice
    rows: slice  # of the outputs
    pixels: slice  # rows of the images
    pads: Pads


def by_winograd(
    shape: tuple[int, ...], w_shape: tuple[int, ...], strides: Pair, pads: Pads, dtype: np.dtype[Any]
) -> bool:
    """Is this convolution one for Winograd's algorithm, and faster by it?

    Not with few channels, few tiles, or tiles that reach far over the border. The size of the images makes no
    difference otherwise: they come in bands.
    """
    height, width, c, _ = w_shape
    square = height == width and height in POINTS and strides == (1, 1)
    if not WINOGRAD or dtype != np.float32 or not square or not shape[0]:
        return False
    rows, columns = (shape[1] + sum(pads[0]) - height + 1, shape[2] + sum(pads[1]) - width + 1)
    tiles = -(-rows // STEP) * -(-columns // STEP)
    return c >= _CHANNELS[height] and shape[0] * tiles >= 24 and STEP * STEP * tiles <= 1.5 * rows * columns


def grouped(shape: tuple[int, ...], w_shape: tuple[int, ...], strides: Pair, pads: Pads, dtype: np.dtype[Any]) -> bool:
    """Do images with groups go by Winograd's algorithm? Where it serves all channels, and a group has several.

    32 images of 28 x 28 x 64 to 64 in four groups, there and back: 19 ms, 38 by gathering pixels; in 32 groups 34 ms,
    127 by gathering, for the transforms do not know of groups.
    """
    everything = (*w_shape[:2], shape[3], w_shape[3])
    return w_shape[2] > 1 and by_winograd(shape, everything, strides, pads, dtype)


def rows_by_winograd(counts: Pair, w_shape: tuple[int, ...]) -> int:
    """How many rows of outputs make a band; all of them where the image is small."""
    rows, columns = -(-counts[0] // STEP), -(-counts[1] // STEP)
    if rows * columns <= _WHOLE:
        return counts[0]
    tile = 4 * (STEP + w_shape[0] - 1) ** 2 * max(w_shape[2:])
    return STEP * max(_TILE_ROWS, min(_TILES, _BYTES // tile) // columns)


def turns(shape: tuple[int, ...], y_shape: tuple[int, ...], w_shape: tuple[int, ...], pads: Pads) -> bool:
    """Is the pullback to the images taken as a convolution with the windows turned round? Not where padding exceeds a
    window.

    It takes nine tenths of the time of the adjoint of the algorithm, where images have no more tiles than outputs; and
    bands of large images, added up window by window, would write into each other.
    """
    if max(map(max, pads)) >= w_shape[0]:
        return False
    images, outputs = (-(-s[1] // STEP) * -(-s[2] // STEP) for s in (shape, y_shape))
    return images <= outputs or rows_by_winograd((y_shape[1], y_shape[2]), w_shape) < y_shape[1]


def rows_for_threads(images: int, rows: int, threads: int) -> int:
    """How many rows make a band where an algorithm needs none: all of them, if there is an image for every thread."""
    return rows if images >= threads else -(-rows // threads)


def bands(images: int, height: int, window: int, stride: int, rows: int, pads: Pads, band: int) -> list[Piece]:
    """The bands of every image, each of so many rows of outputs.

    >>> bands(1, 8, 3, 1, 8, ((1, 1), (1, 1)), 4)[1]
    Piece(images=slice(0, 1, None), rows=slice(4, 8, None), pixels=slice(3, 8, None), pads=((0, 1), (1, 1)))
    """
    cuts: list[tuple[slice, slice, Pads]] = []
    for start in range(0, rows, band):
        end = min(start + band, rows)
        first, last = start * stride - pads[0][0], (end - 1) * stride - pads[0][0] + window
        top, bottom = min(max(0, -first), last - first), min(max(0, last - height), last - first)
        pixels = slice(min(max(0, first), height), max(0, min(last, height)))
        cuts.append((slice(start, end), pixels, ((top, bottom), pads[1])))
    return [Piece(slice(i, i + 1), *cut) for i in range(images) for cut in cuts]
