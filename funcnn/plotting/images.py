"""Filters of convolutions as small images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from funcnn.errors import ShapeError, brief
from funcnn.plotting.canvas import axes_of
from funcnn.types import Array, is_array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST = 256


def filters(w: Array, *, ax: Axes | None = None, columns: int | None = None) -> Axes:
    """The filters of a Conv, `params.at("conv_0/w")` of shape (height, width, in, out), side by side.

    Filters of three channels are shown in colour, each stretched to the same range; of others every channel is an image
    of its own, blue below zero and red above, a column for each output.

    Errors
        MissingExtraError   matplotlib is not installed
        ShapeError          not of four axes, or more images than can be seen
    """
    if not is_array(w) or w.ndim != 4:
        got = f"shape {w.shape}" if is_array(w) else brief(w)
        raise ShapeError(f"filters takes the w of a Conv, (height, width, in, out), got {got}")
    height, width, inputs, outputs = w.shape
    colour = inputs == 3
    tiles: Any = w.transpose(3, 0, 1, 2) if colour else w.transpose(2, 3, 0, 1).reshape(-1, height, width, 1)
    number = len(tiles)
    if number > _MOST or not number:
        raise ShapeError(f"filters shows up to {_MOST} images, got {number}; take a part, w[..., :8, :16]")
    across = columns or (outputs if not colour and inputs > 1 and outputs <= 32 else int(np.ceil(np.sqrt(number))))
    down = -(-number // across)
    if colour:
        low, high = (f(tiles, axis=(1, 2, 3), keepdims=True) for f in (np.min, np.max))
        tiles = (tiles - low) / np.maximum(high - low, 1e-12)
    sheet = np.full((down * (height + 1) + 1, across * (width + 1) + 1, tiles.shape[-1]), np.nan)
    for i, tile in enumerate(tiles):
        row, column = divmod(i, across)
        y, x = 1 + row * (height + 1), 1 + column * (width + 1)
        sheet[y : y + height, x : x + width] = tile
    ax, on = axes_of(ax, min(9.0, 1 + 0.45 * across), min(9.0, 1 + 0.45 * down))
    if colour:
        there = ~np.isnan(sheet[..., :1])  # what is between the images shows the page, of whatever colour
        on.imshow(np.concatenate([np.nan_to_num(sheet), there], axis=-1))
    else:
        most = float(np.abs(tiles).max()) or 1.0
        on.imshow(sheet[..., 0], cmap="RdBu_r", vmin=-most, vmax=most)
    on.set_axis_off()
    return ax
