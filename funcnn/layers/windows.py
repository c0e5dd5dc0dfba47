"""What convolutions and pools have in common: windows, strides and padding as people write them, and the shapes."""

from __future__ import annotations

from operator import index
from typing import Literal, SupportsIndex, TypeAlias, TypeGuard, get_args

from funcnn.arguments import is_integer
from funcnn.errors import ShapeError
from funcnn.kernels.windows import Pads, Pair, positions
from funcnn.shapes import Unknown, axes, display, known
from funcnn.types import Shape

Padding: TypeAlias = Literal["VALID", "SAME"]
"""VALID: windows stay inside the image. SAME: zeros around it, so that there are ceil(size / stride) windows."""

_IMAGES = "(batch, height, width, channels)"


def checked_pair(layer: str, name: str, pair: Pair) -> Pair:
    """Two sizes of at least 1, for height and width.

    >>> checked_pair("Conv", "strides", 2)
    Traceback (most recent call last):
        ...
    ValueError: Conv: strides must be two integers of at least 1, (height, width), got 2; write (2, 2)
    """
    if not isinstance(pair, tuple) or len(pair) != 2 or not all(_is_size(n) for n in pair):
        hint = f"; write ({pair}, {pair})" if _is_size(pair) else ""
        if isinstance(pair, str):
            hint = f"; give the padding by its name, padding={pair!r}"
        raise ValueError(f"{layer}: {name} must be two integers of at least 1, (height, width), got {pair!r}{hint}")
    height, width = (n if isinstance(n, Unknown) else index(n) for n in pair)
    return height, width


def checked_padding(layer: str, padding: Padding) -> Padding:
    """One of the paddings there are."""
    if padding not in get_args(Padding):
        raise ValueError(f"{layer}: padding must be 'VALID' or 'SAME', got {padding!r}")
    return padding


def slide(layer: str, shape: Shape, window: Pair, strides: Pair, padding: Padding) -> tuple[int, int, int, int]:
    """The axes of a batch of images after a window slid over them: `(batch, windows down, windows across, channels)`.

    Errors
        ShapeError   not four axes; or no window fits into the image

    >>> slide("Conv", (8, 28, 28, 1), (3, 3), (1, 1), "VALID"), slide("Conv", (8, 28, 28, 1), (3, 3), (2, 2), "SAME")
    ((8, 26, 26, 1), (8, 14, 14, 1))
    """
    batch, height, width, channels = image_axes(layer, shape)
    sizes = (height, width)
    if padding == "VALID" and not _fits(window, sizes):
        raise ShapeError(
            f"the window {window} of {layer} is larger than the image {display(sizes)} of the input {display(shape)}, "
            f"and padding is 'VALID'; {_advice(shape, window)}"
        )
    down, across = (_count(n, k, s, padding) for n, k, s in zip(sizes, window, strides, strict=True))
    return batch, down, across, channels


def image_axes(layer: str, shape: Shape) -> tuple[int, ...]:
    """The four axes of a batch of images."""
    return axes(layer, shape, exactly=4, like=_IMAGES)


def borders(shape: tuple[int, ...], window: Pair, strides: Pair, padding: Padding) -> Pads:
    """How many pixels the padding adds to images of this shape.

    >>> borders((8, 28, 28, 1), (3, 3), (1, 1), "SAME"), borders((8, 28, 28, 1), (3, 3), (2, 2), "SAME")
    (((1, 1), (1, 1)), ((0, 1), (0, 1)))
    """
    _, height, width, _ = shape
    return (
        _border(height, window[0], strides[0], padding),
        _border(width, window[1], strides[1], padding),
    )


def _border(size: int, window: int, stride: int, padding: Padding) -> Pair:
    if padding == "VALID":
        return 0, 0
    total = max((_count(size, window, stride, padding) - 1) * stride + window - size, 0)
    return total // 2, total - total // 2


def _count(size: int, window: int, stride: int, padding: Padding) -> int:
    return positions(size, window, stride, (0, 0)) if padding == "VALID" else -(-size // stride)


def _fits(window: Pair, sizes: tuple[int, ...]) -> bool:
    return not any(known(n, k) and n < k for n, k in zip(sizes, window, strict=True))


def _advice(shape: Shape, window: Pair) -> str:
    """What to do about a window that does not fit: most often the channels came first."""
    _, first, *image = axes("", shape)
    if known(first, *image) and _fits(window, tuple(image)):
        return f"channels come last here, {image[1]} of them; where images have them first, x.transpose(0, 2, 3, 1)"
    return "take a smaller window, or padding='SAME'"


def _is_size(n: object) -> TypeGuard[SupportsIndex]:
    return isinstance(n, Unknown) or (is_integer(n) and n >= 1)
