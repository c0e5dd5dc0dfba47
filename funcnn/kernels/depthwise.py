"""Depthwise convolution over any number of axes, with strides and dilation, and its pullbacks: every channel by itself.

    y[n, r, c m + j] = sum over i of  x[n, r s + i d - before, c]  w[i, 0, c m + j]      j < m outputs of a channel

There is nothing here for matrix products: `einsum` adds up products of whole lines of pixels, see
`funcnn.kernels.depthwise_lines`, and writes them where they belong. 32 images of 28 x 28 x 64, 3 x 3: 2.8 ms there and
5.3 ms back, with stride 2 1.5 and 3.3; the compiled loop, which is without wide registers, takes 2.0 of every pass.
See `docs/speed.md` for what else was tried.
Source: Chollet, Xception: Deep Learning with Depthwise Separable Convolutions (2017), for the operation.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any, Final

import numpy as np

from funcnn.kernels.depthwise_lines import Lines, all_reached, by_pixels, by_windows, gathered, turned
from funcnn.kernels.windows import Windows
from funcnn.types import Array

_LINE: Final = 1 << 13  # elements of a line that are multiplied at a time
_WEIGHTS: Final = 1 << 16  # elements of all weights, written out for such a line
_SUMMED: Final = 1 << 16  # elements of a line that are multiplied at a time where parts of it are added up
_PART: Final = 1 << 10  # elements of such a part, at least

_TAPS: Final = "pqr"
_AXES: Final = "tuvk"  # of images, the last two in one


def convolve(x: Array, w: Array, how: Windows, b: Array | None, y: Array) -> None:
    """The convolution, written to `y`; `b` is added where given."""
    each, rooms = y.shape[-1] // x.shape[-1], _Rooms(x.dtype)
    weights = [_written_out(w[..., 0, j::each], y.shape[-2], how) for j in range(each)]
    biases = [None if b is None else _written_out(b[j::each], y.shape[-2], how) for j in range(each)]
    for part, pixels, windows in by_windows(how, x, y.shape[1:-1]):
        out = y[windows]
        (under,) = rooms.filled(gathered(part, x[pixels].shape, out.shape[1:-1]), x[pixels])
        for j in range(each):
            target = out if each == 1 else np.empty((*out.shape[:-1], x.shape[-1]), y.dtype)
            _add_up(under, weights[j], biases[j], _flat(target))
            if each > 1:
                np.copyto(out[..., j::each], target)


def convolve_params(x: Array, dy: Array, how: Windows) -> Array:
    """The cotangent of `w`."""
    dw: Array = np.zeros((*how.size, 1, dy.shape[-1]), np.result_type(x, dy))
    each, rooms = dy.shape[-1] // x.shape[-1], _Rooms(x.dtype)
    for part, pixels, windows in by_windows(how, x, dy.shape[1:-1]):
        d = dy[windows]
        (under,) = rooms.filled(gathered(part, x[pixels].shape, d.shape[1:-1]), x[pixels])
        for j in range(each):
            _add_up_params(under, _flat(np.ascontiguousarray(d[..., j::each])), dw[..., 0, j::each])
    return dw


def convolve_input(dy: Array, w: Array, how: Windows, dx: Array) -> None:
    """The cotangent of `x`, written to `dx`: the same sums, with the windows turned round."""
    each, rooms = dy.shape[-1] // dx.shape[-1], _Rooms(dy.dtype)
    weights = [_written_out(w[..., 0, j::each], dx.shape[-2], how) for j in range(each)]
    straight = each == 1 and how.strides[-1] == 1
    if not all_reached(how) or not dy.size:
        dx.fill(0)
    for part, pixels, windows in by_pixels(how, dx, dy.shape[1:-1]):
        d, back = dy[windows], dx[pixels]
        lay = turned(part, back.shape, d.shape[1:-1])
        for j in range(each):
            for view, above in zip(lay.views, rooms.filled(lay, d[..., j::each]), strict=True):
                out = back[view.pixels]
                target = out if straight else np.empty(out.shape, dx.dtype)
                _add_up(above, weights[j][view.taps], None, _flat(target))
                if j:
                    np.add(out, target, out=out)
                elif not straight:
                    np.copyto(out, target)


def _add_up(lines: Array, weights: Array, b: Array | None, out: Array) -> None:
    """Products of lines with weights, (*taps, elements) of which are written out, added up over the taps."""
    taps, axes = _TAPS[: weights.ndim - 1], f"n{_AXES[-(out.ndim - 1) :]}"
    for span in _spans(out.shape[-1], weights.shape[-1]):
        size = span.stop - span.start
        np.einsum(f"{taps}{axes},{taps}k->{axes}", lines[..., span], weights[..., :size], out=out[..., span])
        if b is not None:
            np.add(out[..., span], b[:size], out=out[..., span])


def _add_up_params(lines: Array, above: Array, total: Array) -> None:
    """Products of these lines with what comes to the windows, added up over all lines, and added to `total`."""
    channels, axes = total.shape[-1], f"n{_AXES[-(above.ndim - 1) : -1]}lk"
    for span in _spans(above.shape[-1], channels * max(1, _SUMMED // channels)):
        d = _parts(above[..., span], channels)
        sums = np.empty((*total.shape[:-1], d.shape[-1]), total.dtype)
        for i in np.ndindex(total.shape[:-1]):  # not at once: the sums of all would leave the fastest cache
            np.einsum(f"{axes},{axes}->k", lines[i][..., span].reshape(d.shape), d, out=sums[i])
        total += np.add.reduce(sums.reshape(*total.shape[:-1], -1, channels), -2)


def _flat(images: Array) -> Array:
    """Lines of pixels: the last two axes in one."""
    return images.reshape(*images.shape[:-2], images.shape[-2] * images.shape[-1])


def _written_out(a: Array, positions: int, how: Windows) -> Array:
    """The numbers of every channel, for as many pixels of a line as are multiplied at a time."""
    return np.tile(a, _positions(positions, a.shape[-1], how))


def _positions(positions: int, channels: int, how: Windows) -> int:
    return max(1, min(positions, min(_LINE, _WEIGHTS // prod(how.size)) // channels))


def _parts(lines: Array, channels: int) -> Array:
    """Parts of a line on an axis of their own, as short as is worth a loop: what is left are their sums."""
    size = lines.shape[-1]
    count = next((n for n in range(size // _PART, 1, -1) if size // channels % n == 0), 1)
    return lines.reshape(*lines.shape[:-1], count, size // count)


def _spans(size: int, step: int) -> Iterator[slice]:
    for i in range(0, size, step):
        yield slice(i, min(i + step, size))


class _Rooms(dict[Lines, tuple[Array, list[Array]]]):
    """Where images are laid out; what is padding stays 0."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        super().__init__()
        self.dtype = dtype

    def filled(self, lay: Lines, x: Array) -> list[Array]:
        """The views of these images."""
        if lay not in self:
            room: Array = np.zeros(lay.shape, self.dtype)
            self[lay] = room, lay.seen(room)
        room, views = self[lay]
        for inside, pixels in lay.copies:
            np.copyto(room[inside], x[pixels])
        return views
