"""What convolutions and pools have in common: windows, strides and padding as people write them, and the shapes."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from operator import index
from typing import Any, Literal, NamedTuple, SupportsIndex, TypeAlias, TypeGuard, Union

from funcnn.arguments import is_integer
from funcnn.errors import ShapeError
from funcnn.kernels.windows import Pair, Windows, positions, reach
from funcnn.shapes import UNKNOWN, Unknown, axes, display, known
from funcnn.types import Shape, is_tuple

Named: TypeAlias = Literal["VALID", "SAME"]
"""VALID: windows stay inside the image. SAME: zeros around it, so that there are ceil(size / stride) windows."""

Padding1D: TypeAlias = Union[Literal["VALID", "SAME", "CAUSAL"], Pair, tuple[Pair]]
"""By its name, or (before, behind). CAUSAL: all zeros before the sequence, so that no window sees what comes later."""

Padding: TypeAlias = Union[Named, tuple[Pair, Pair]]
"""By its name, or ((top, bottom), (left, right))."""

Padding3D: TypeAlias = Union[Named, tuple[Pair, Pair, Pair]]

Triple: TypeAlias = "tuple[int, int, int]"

AXES = {1: ("time",), 2: ("height", "width"), 3: ("depth", "height", "width")}
_WHAT = {1: "sequence", 2: "image", 3: "volume"}


def checked_sizes(layer: str, name: str, sizes: object, rank: int) -> tuple[int, ...]:
    """Sizes of at least 1, one for every axis; a single number where there is one axis.

    >>> checked_sizes("Conv", "strides", 2, 2)
    Traceback (most recent call last):
        ...
    ValueError: Conv: strides must be two integers of at least 1, (height, width), got 2; write (2, 2)
    >>> checked_sizes("Conv1D", "strides", 2, 1)
    (2,)
    """
    given = (sizes,) if rank == 1 and _is_size(sizes) else sizes
    if not is_tuple(given) or len(given) != rank or not all(_is_size(n) for n in given):
        hint = f"; write ({', '.join([repr(sizes)] * rank)})" if _is_size(sizes) else ""
        if isinstance(sizes, str):
            hint = f"; give the padding by its name, padding={sizes!r}"
        number = {1: "an integer", 2: "two integers", 3: "three integers"}[rank]
        wanted = f"{number} of at least 1" + (f", ({', '.join(AXES[rank])})" if rank > 1 else "")
        raise ValueError(f"{layer}: {name} must be {wanted}, got {sizes!r}{hint}")
    return tuple(n if isinstance(n, Unknown) else index(n) for n in given)


def checked_padding(
    layer: str, padding: object, rank: int, *, causal: bool = False, negative: bool = False
) -> str | tuple[Pair, ...]:
    """A padding by its name, or a pair (before, behind) for every axis; one pair alone where there is one axis.

    >>> checked_padding("Conv1D", (2, 0), 1)
    ((2, 0),)
    """
    if isinstance(padding, str) and padding in ("VALID", "SAME", *["CAUSAL"] * causal):
        return padding
    pairs: object = (padding,) if rank == 1 and _is_pair(padding) else padding
    if is_tuple(pairs) and len(pairs) == rank and all(_is_pair(p) for p in pairs):
        found: Any = tuple(tuple(n if isinstance(n, Unknown) else index(n) for n in pair) for pair in pairs)
        for pair in found:
            if not negative and any(known(n) and n < 0 for n in pair):
                raise ValueError(f"{layer}: padding is not negative, got {padding!r}; leave pixels out by slicing")
        borders: tuple[Pair, ...] = found
        return borders
    names = "'VALID', 'SAME' or 'CAUSAL'" if causal else "'VALID' or 'SAME'"
    pair = {1: "(before, behind)", 2: "((top, bottom), (left, right))", 3: "three pairs (before, behind)"}[rank]
    hint = ""
    if isinstance(padding, str) and padding.upper() == "CAUSAL":
        hint = "; write 'CAUSAL'" if causal else "; only Conv1D and Conv1DTranspose know what comes later"
    elif isinstance(padding, str) and padding.upper() in ("SAME", "VALID"):
        hint = f"; write {padding.upper()!r}"
    elif _is_size(padding):
        hint = f"; write {(padding, padding) if rank == 1 else ((padding, padding),) * rank}"
    raise ValueError(f"{layer}: padding must be {names}, or {pair}, got {padding!r}{hint}")


class Slide(NamedTuple):
    """Windows that slide over an array (batch, ..., channels), as a layer was told."""

    layer: str
    size: tuple[int, ...]
    strides: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: str | tuple[Pair, ...]
    empty: int = 1  # how many axes may have size 0, the batch first

    @property
    def spans(self) -> tuple[int, ...]:
        """How far a window reaches, gaps included."""
        return tuple((k - 1) * d + 1 for k, d in zip(self.size, self.dilation, strict=True))

    def axes(self, shape: Shape) -> tuple[int, ...]:
        """The axes of a batch of images."""
        like = f"(batch, {', '.join(self._names)}, channels)"
        return axes(self.layer, shape, exactly=len(self.size) + 2, like=like, empty=self.empty)

    def over(self, shape: Shape) -> tuple[int, ...]:
        """The axes after the windows slid over them: `(batch, windows down, windows across, channels)`.

        Errors
            ShapeError   another number of axes; or no window fits into the image

        >>> Slide("Conv", (3, 3), (2, 2), (1, 1), "SAME").over((8, 28, 28, 1))
        (8, 14, 14, 1)
        """
        batch, *sizes, channels = self.axes(shape)
        if not self._fits(sizes):
            raise ShapeError(self._too_large(shape, sizes))
        if self.padding == "SAME":  # whatever the windows are
            return (batch, *(-(-n // s) for n, s in zip(sizes, self.strides, strict=True)), channels)
        each = zip(sizes, self.spans, self.strides, self.pads(sizes), strict=True)
        return (batch, *(positions(n, k, s, pad) for n, k, s, pad in each), channels)

    def pads(self, sizes: list[int] | tuple[int, ...]) -> tuple[Pair, ...]:
        """How many pixels the padding adds at each border of an image of this size.

        >>> Slide("Conv", (3, 3), (2, 2), (1, 1), "SAME").pads((28, 27))
        ((0, 1), (1, 1))
        """
        if not isinstance(self.padding, str):
            return self.padding
        if self.padding == "CAUSAL":
            return tuple((k - 1, 0) for k in self.spans)
        if self.padding == "VALID":
            return ((0, 0),) * len(self.size)
        return tuple(_same(*each) for each in zip(sizes, self.spans, self.strides, strict=True))

    def windows(self) -> Callable[[tuple[int, ...]], Windows]:
        """The windows over an array of a shape, as kernels take them; most depend on no shape."""
        if self.padding == "SAME":
            return lambda shape: Windows(self.size, self.strides, self.dilation, self.pads(shape[1:-1]))
        always = Windows(self.size, self.strides, self.dilation, self.pads(()))
        return lambda shape: always

    def work(self, shape: Shape) -> int:
        """How many pixels all windows have together, those in the padding too, for every channel."""
        return prod(self.over(shape)[:-1]) * prod(self.size)

    def never_in_padding(self, shape: Shape) -> None:
        """Refuse windows without a single pixel, as far as the sizes are known: a pool could say nothing of them."""
        sizes = self.axes(shape)[1:-1]
        for n, k, s, d, pad in zip(sizes, self.size, self.strides, self.dilation, self.pads(sizes), strict=True):
            if known(n, k, s, d, *pad):
                count = positions(n, (k - 1) * d + 1, s, pad)
                met = {r for i in range(k) for r in range(count)[reach(i * d, s, pad[0], n, count)[0]]}
                if len(met) < count:
                    raise ShapeError(
                        f"a window of {self.layer} lies in the padding alone: windows {self.size} with dilation "
                        f"{self.dilation} and padding {self.padding!r} over {display(tuple(shape))}; take less padding"
                    )

    @property
    def _names(self) -> tuple[str, ...]:
        return AXES[len(self.size)]

    def _fits(self, sizes: list[int] | tuple[int, ...]) -> bool:
        if self.padding in ("SAME", "CAUSAL"):
            return True
        each = zip(sizes, self.spans, self.pads(sizes), strict=True)
        return not any(known(n, k, *pad) and n + sum(pad) < k for n, k, pad in each)

    def _too_large(self, shape: Shape, sizes: list[int]) -> str:
        window = display(self.size)
        if not known(*self.dilation) or self.dilation != (1,) * len(self.size):
            window += f" with dilation {display(self.dilation)}"
        _, first, *image = self.axes(shape)
        if len(self.size) == 2 and known(first, *image) and self._fits(image):  # most often the channels came first
            fix = f"channels come last here, {image[1]} of them; where images have them first, x.transpose(0, 2, 3, 1)"
        else:
            fix = "take a smaller window, or padding='SAME'"
        return (
            f"the window {window} of {self.layer} is larger than the {_WHAT[len(self.size)]} {display(tuple(sizes))} "
            f"of the input {display(shape)}, and padding is {self.padding!r}; {fix}"
        )


def made_slide(
    layer: str,
    rank: int,
    size: object,
    strides: object,
    padding: object,
    dilation: object = None,
    *,
    name: str = "filter_shape",
    causal: bool = False,
    negative: bool = False,
) -> Slide:
    """Windows as a constructor was told, checked; strides and dilation are 1 by default."""
    ones = (1,) * rank
    checked = checked_sizes(layer, name, size, rank)
    steps = ones if strides is None else checked_sizes(layer, "strides", strides, rank)
    pads = checked_padding(layer, padding, rank, causal=causal, negative=negative)
    gaps = ones if dilation is None else checked_sizes(layer, "dilation", dilation, rank)
    return Slide(layer, checked, steps, gaps, pads)


def _same(size: int, window: int, stride: int) -> Pair:
    if not known(size, window, stride):
        return UNKNOWN, UNKNOWN
    total = max((-(-size // stride) - 1) * stride + window - size, 0)
    return total // 2, total - total // 2


def _is_size(n: object) -> TypeGuard[SupportsIndex]:
    return isinstance(n, Unknown) or (is_integer(n) and n >= 1)


def _is_pair(pair: object) -> TypeGuard[Pair]:
    return is_tuple(pair) and len(pair) == 2 and all(isinstance(n, Unknown) or is_integer(n) for n in pair)
