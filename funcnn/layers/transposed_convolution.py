"""Transposed convolutions: a convolution's pullback taken as a layer, which makes sequences and images larger."""

from __future__ import annotations

from math import prod

from funcnn.calculus import Later, Pullback
from funcnn.errors import ShapeError
from funcnn.initializers import glorot_normal, zeros
from funcnn.kernels import correlation as kernel
from funcnn.kernels.sums import column_sums
from funcnn.kernels.windows import Pair, Windows
from funcnn.keys import Initializer
from funcnn.layers.convolution import checked_groups, each_group, filters, weights
from funcnn.layers.windows import Padding, Padding1D, Padding3D, Slide, Triple, made_slide
from funcnn.networks import Layer, layer
from funcnn.networks.definitions import Spec
from funcnn.shapes import UNKNOWN, display, known
from funcnn.types import Array, Shape, Tree


@layer
def Conv1DTranspose(
    channels: int,
    filter_shape: int | tuple[int],
    strides: int | tuple[int] | None = None,
    padding: Padding1D = "VALID",
    *,
    dilation: int | tuple[int] | None = None,
    groups: int = 1,
    bias: bool = True,
    W_init: Initializer = glorot_normal,
    b_init: Initializer = zeros,
) -> Layer[Array, Array]:
    """Transposed convolution of sequences: each step of the input adds a window to the output.

        y[n, t s + i d - before, o] += sum over c of  x[n, t, c]  w[i, c, o],   and b[o] once      stride s, dilation d

    A window reaches over k = (filter - 1) d + 1 steps, all of them over (time - 1) s + k. What lies outside of

        time' = time s + max(k - s, 0)                     for "VALID": nothing
                time s                                     for "SAME", before = max(k - s, 0) // 2
                time s                                     for "CAUSAL", before = 0: no output sees a later step
                (time - 1) s + k - before - behind         for `(before, behind)`

    steps from `before` on is cut off; where there is more room than windows, it has the bias alone. PyTorch's
    `padding=p, output_padding=q` is `(p, p - q)`.

    Shapes
        x       (batch, time, n)
        params  {"w": (filter, n // groups, channels), "b": (channels,)}; no "b" without `bias`
        y       (batch, time', channels)
    Errors
        ValueError   a size is less than one, `channels` is not divisible by `groups`, or there is no such padding
        ShapeError   x has not three axes, nothing is left of the output, or n is not divisible by `groups`
    Pullback
        dw[i, c, o] = sum over n, t of  x[n, t, c]  dy[n, t s + i d - before, o]      db = sum over n, t of dy
        dx[n, t, c] = sum over i, o of  dy[n, t s + i d - before, o]  w[i, c, o]
    Source: Dumoulin & Visin, A guide to convolution arithmetic for deep learning (2016), chapter 4; the sizes of "SAME"
    and "VALID" are those of `jax.lax.conv_transpose`.

    >>> Conv1DTranspose(8, 4, 2, "SAME").out_shape((-1, 50, 3))
    (-1, 100, 8)
    """
    slide = made_slide("Conv1DTranspose", 1, filter_shape, strides, padding, dilation, causal=True, negative=True)
    return transposed(slide, channels, groups, bias, W_init, b_init)


@layer
def ConvTranspose(
    channels: int,
    filter_shape: tuple[int, int],
    strides: tuple[int, int] | None = None,
    padding: Padding = "VALID",
    *,
    dilation: tuple[int, int] | None = None,
    groups: int = 1,
    bias: bool = True,
    W_init: Initializer = glorot_normal,
    b_init: Initializer = zeros,
) -> Layer[Array, Array]:
    """Transposed convolution of images: each pixel of the input adds a window to the output.

        y[n, i s + p d - top, j t + q e - left, o] += sum over c of  x[n, i, j, c]  w[p, q, c, o],   and b[o] once

    with strides (s, t) and dilation (d, e), 1 by default. It is what a `Conv` from `channels` to n does to a cotangent:
    it leads from the shape of its output back to that of its input. A window reaches over k = (p - 1) d + 1 rows, and
    there are

        height' = height s + max(k - s, 0)                     for "VALID"
                  height s                                     for "SAME", top = max(k - s, 0) // 2
                  (height - 1) s + k - top - bottom            for `((top, bottom), (left, right))`

    of them; columns likewise. Where there is more room than windows, it has the bias alone. PyTorch's `padding=p,
    output_padding=q` is `(p, p - q)` along an axis.

    Shapes
        x       (batch, height, width, n)
        params  {"w": (*filter_shape, n // groups, channels), "b": (channels,)}; no "b" without `bias`
        y       (batch, height', width', channels)
    Errors
        ValueError   a size is less than one, `channels` is not divisible by `groups`, or there is no such padding
        ShapeError   x has not four axes, nothing is left of the output, or n is not divisible by `groups`
    Pullback
        dw[p, q, c, o] = sum over n, i, j of  x[n, i, j, c]  dy[n, i s + p d - top, j t + q e - left, o]
        db = sum over n, i, j of dy
        dx[n, i, j, c] = sum over p, q, o of  dy[n, i s + p d - top, j t + q e - left, o]  w[p, q, c, o]
    Source: Dumoulin & Visin, A guide to convolution arithmetic for deep learning (2016), chapter 4; the sizes of "SAME"
    and "VALID" are those of `jax.lax.conv_transpose`.

    >>> ConvTranspose(8, (4, 4), (2, 2), "SAME").out_shape((-1, 14, 14, 3))
    (-1, 28, 28, 8)
    """
    slide = made_slide("ConvTranspose", 2, filter_shape, strides, padding, dilation, negative=True)
    return transposed(slide, channels, groups, bias, W_init, b_init)


@layer
def Conv3DTranspose(
    channels: int,
    filter_shape: Triple,
    strides: Triple | None = None,
    padding: Padding3D = "VALID",
    *,
    dilation: Triple | None = None,
    groups: int = 1,
    bias: bool = True,
    W_init: Initializer = glorot_normal,
    b_init: Initializer = zeros,
) -> Layer[Array, Array]:
    """Transposed convolution of volumes: `ConvTranspose` with one axis more.

        y[n, r s + i d - before, o] += sum over c of  x[n, r, c]  w[i, c, o],   and b[o] once      r, i, s, d: triples

    Shapes
        x       (batch, depth, height, width, n)
        params  {"w": (*filter_shape, n // groups, channels), "b": (channels,)}; no "b" without `bias`
        y       (batch, depth', height', width', channels)     sizes as in `ConvTranspose`
    Errors
        ValueError   a size is less than one, `channels` is not divisible by `groups`, or there is no such padding
        ShapeError   x has not five axes, nothing is left of the output, or n is not divisible by `groups`
    Pullback
        dw[i, c, o] = sum over n, r of  x[n, r, c]  dy[n, r s + i d - before, o]      db = sum over n, r of dy
        dx[n, r, c] = sum over i, o of  dy[n, r s + i d - before, o]  w[i, c, o]
    Source: Dumoulin & Visin, A guide to convolution arithmetic for deep learning (2016), chapter 4.

    >>> Conv3DTranspose(2, (2, 2, 2), (2, 2, 2)).out_shape((-1, 4, 5, 6, 3))
    (-1, 8, 10, 12, 2)
    """
    slide = made_slide("Conv3DTranspose", 3, filter_shape, strides, padding, dilation, negative=True)
    return transposed(slide, channels, groups, bias, W_init, b_init)


def transposed(
    slide: Slide, channels: int, groups: int, bias: bool, W_init: Initializer, b_init: Initializer, flip: bool = False
) -> Layer[Array, Array]:
    """The transposed convolution with these windows; `flip`: the windows are kept turned round, as stax has them."""
    checked_groups(slide.layer, channels, groups)
    if not isinstance(slide.padding, str):
        _reachable(slide)

    def out_shape(shape: Shape) -> Shape:
        batch, *sizes, n = slide.axes(shape)
        each_group(slide.layer, shape, n, groups)
        out = tuple(_room(*axis) for axis in _along(slide, sizes))
        if any(known(size) and size < 1 for size in out):
            raise ShapeError(
                f"padding {slide.padding!r} cuts all of the output of {slide.layer} off, {display(out)} is left for "
                f"the input {display(shape)}; take less padding"
            )
        return (batch, *out, channels)

    def spec(shape: Shape) -> Spec:
        return filters(slide, shape, channels, groups, W_init, b_init if bias else None)

    backwards = (slice(None, None, -1),) * len(slide.size)

    def turned(w: Array) -> Array:
        """The weights of the convolution that leads back, from `channels` to n; and of those, w again."""
        if flip:
            w = w[backwards]
        if groups == 1:
            return w.swapaxes(-1, -2)
        parts = w.reshape(*w.shape[:-1], groups, w.shape[-1] // groups).swapaxes(-1, -3)
        return parts.reshape(*parts.shape[:-2], -1)

    def rule(params: Tree, x: Array) -> tuple[Array, Pullback]:
        w, b = weights(params)
        back = turned(w)
        sizes = x.shape[1:-1]
        room = tuple(_room(*axis) for axis in _along(slide, sizes))
        pads = tuple(_cut(*axis) for axis in _along(slide, sizes))
        how = Windows(slide.size, slide.strides, slide.dilation, pads)
        y = kernel.correlate_input(x, back, (len(x), *room, channels), how, groups)
        if b is not None:
            y += b

        def pullback(dy: Array) -> tuple[Tree, Later[Array]]:
            dw = turned(kernel.correlate_params(dy, x, how, groups)[0])
            db = {"b": column_sums(dy.reshape(-1, channels))} if bias else {}
            return {"w": dw, **db}, Later(lambda: kernel.correlate(dy, back, how, groups))

        return y, pullback

    def multiply_adds(shape: Shape) -> int:
        each = each_group(slide.layer, shape, slide.axes(shape)[-1], groups)
        return prod(slide.axes(shape)[:-1]) * prod(slide.size) * each * channels

    return Layer.of(out_shape, spec, rule, multiply_adds=multiply_adds)


def _along(slide: Slide, sizes: tuple[int, ...] | list[int]) -> list[tuple[int, int, int, str | Pair]]:
    """Size of the input, reach of a window, stride and padding, for every axis."""
    told = slide.padding
    paddings: tuple[str | Pair, ...] = (told,) * len(sizes) if isinstance(told, str) else told
    return list(zip(sizes, slide.spans, slide.strides, paddings, strict=True))


def _room(size: int, span: int, stride: int, padding: str | Pair) -> int:
    """How long the output is."""
    if not isinstance(padding, str):
        return (size - 1) * stride + span - padding[0] - padding[1]
    if padding == "VALID":
        return size * stride + (max(span - stride, 0) if known(span, stride) else UNKNOWN)
    return size * stride


def _cut(size: int, span: int, stride: int, padding: str | Pair) -> Pair:
    """How much of what the windows cover lies before the output, and how much behind; less than none is more room."""
    if not isinstance(padding, str):
        return padding
    before = max(span - stride, 0) // 2 if padding == "SAME" else 0
    return before, (size - 1) * stride + span - before - _room(size, span, stride, padding)


def _reachable(slide: Slide) -> None:
    """Refuse more room behind than a stride, or a dilation, could leave open, as others do."""
    for (before, behind), s, d in zip(slide.pads(()), slide.strides, slide.dilation, strict=True):
        if known(before) and before < 0:
            raise ValueError(f"{slide.layer}: padding before the output is not negative, got {slide.padding!r}")
        if known(behind, s, d) and behind <= -max(s, d):
            raise ValueError(
                f"{slide.layer}: padding behind the output is larger than -max(stride, dilation), "
                f"got {slide.padding!r}; more room than that has no part in the input, make it with Pad"
            )
