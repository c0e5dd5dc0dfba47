"""Convolutions of sequences, images and volumes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from funcnn.arguments import positive
from funcnn.calculus import Later, Pullback
from funcnn.errors import ShapeError
from funcnn.initializers import glorot_normal, zeros
from funcnn.kernels import correlation as kernel
from funcnn.kernels.windows import Windows
from funcnn.keys import Initializer
from funcnn.layers.windows import Padding, Padding1D, Padding3D, Slide, Triple, made_slide
from funcnn.networks import Layer, layer
from funcnn.networks.definitions import Spec
from funcnn.shapes import display, known
from funcnn.types import Array, Shape, Tree

Step: TypeAlias = Callable[[Tree, Array, "Array | None"], "tuple[Array, Array]"]


@layer
def Conv1D(
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
    """Convolution of sequences: each step of the output is an affine function of the window above it.

        y[n, t, o] = b[o] + sum over i, c of  x[n, t s + i d - before, c]  w[i, c, o]      stride s, dilation d

    A window reaches over k = (filter - 1) d + 1 steps. Padding "VALID" keeps the windows inside the sequence; "SAME"
    puts zeros around it, half of them before and the odd one behind, so that there are ceil(time / s) windows; "CAUSAL"
    puts all k - 1 zeros before it, so that no output sees a later step; `(before, behind)` is that many zeros.

    With `groups` g, each g-th of the outputs sees its g-th of the channels alone. `groups` equal to the channels of the
    input is the depthwise convolution; followed by `Conv1D(channels, 1)` it is the separable one.

    With "CAUSAL" and stride 1 a `decoder` goes on from step to step: it remembers the last k - 1 steps.

    Shapes
        x       (batch, time, n)
        params  {"w": (filter, n // g, channels), "b": (channels,)}; no "b" without `bias`
        y       (batch, time', channels)     time' = (time + before + behind - k) // s + 1
    Errors
        ValueError   a size is less than one, `channels` is not divisible by `groups`, or there is no such padding
        ShapeError   x has not three axes, the window is larger than the sequence, n is not divisible by `groups`
    Pullback
        dw[i, c, o] = sum over n, t of  x[n, t s + i d - before, c]  dy[n, t, o]      db = sum over n, t of dy
        dx[n, t s + i d - before, c] += sum over o of  dy[n, t, o]  w[i, c, o]
    Source: van den Oord et al., WaveNet (2016), section 2.1, for causal and dilated convolutions.

    >>> Conv1D(8, 3, padding="CAUSAL", dilation=4).out_shape((-1, 100, 2))
    (-1, 100, 8)
    """
    slide = made_slide("Conv1D", 1, filter_shape, strides, padding, dilation, causal=True)
    if slide.padding in ("SAME", "CAUSAL"):
        slide = slide._replace(empty=2)  # of no steps they make none
    return convolution(slide, channels, groups, bias, W_init, b_init, _going_on(slide, groups))


@layer
def Conv(
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
    """Convolution of images: each pixel of the output is an affine function of the window above it.

        y[n, i, j, o] = b[o] + sum over p, q, c of  x[n, i s + p d - top, j t + q e - left, c]  w[p, q, c, o]

    with strides (s, t), (1, 1) by default, and dilation (d, e), by default none: the pixels of a window lie d rows and
    e columns apart, so that it reaches over (p - 1) d + 1 rows. Padding "VALID" keeps the windows inside the image;
    "SAME" puts zeros around it, half of them before the image and the odd one behind it, so that there are
    ceil(height / s) x ceil(width / t) windows; `((top, bottom), (left, right))` is that many zeros.

    With `groups` g, each g-th of the outputs sees its g-th of the channels alone. `groups` equal to the channels of the
    input is the depthwise convolution; followed by `Conv(channels, (1, 1))` it is the separable one.

    In float32, windows of 3 x 3 and 5 x 5 with stride 1, not depthwise, on enough channels and pixels, are
    convolved by Winograd's algorithm: 1.3 to 3 times as fast, with errors of 2e-5 of the largest entry instead of 1e-6,
    and a value that is not finite spreads to a few more pixels around it. FUNCNN_WINOGRAD=0 in the environment switches
    it off.

    Shapes
        x       (batch, height, width, n)
        params  {"w": (*filter_shape, n // g, channels), "b": (channels,)}; no "b" without `bias`
        y       (batch, height', width', channels)
                height' = (height + top + bottom - reach) // s + 1, or ceil(height / s) for "SAME"
    Errors
        ValueError   a size is less than one, `channels` is not divisible by `groups`, or there is no such padding
        ShapeError   x has not four axes, the window is larger than the image, n is not divisible by `groups`, or not
                     what the params are for
    Pullback, over the windows that reach a pixel
        dw[p, q, c, o] = sum over n, i, j of  x[n, i s + p d - top, j t + q e - left, c]  dy[n, i, j, o]
        db = sum over n, i, j of dy
        dx[n, i s + p d - top, j t + q e - left, c] += sum over o of  dy[n, i, j, o]  w[p, q, c, o]
    Source: Goodfellow, Bengio & Courville, Deep Learning (2016), section 9.5; Dumoulin & Visin, A guide to convolution
    arithmetic for deep learning (2016), for strides, padding and dilation.

    >>> Conv(32, (3, 3)).out_shape((-1, 28, 28, 1)), Conv(32, (3, 3), (2, 2), "SAME").out_shape((-1, 28, 28, 1))
    ((-1, 26, 26, 32), (-1, 14, 14, 32))
    >>> Conv(32, (3, 3), padding="SAME", groups=32, bias=False).init(0, (-1, 28, 28, 32))[1].at("w").shape
    (3, 3, 1, 32)
    """
    slide = made_slide("Conv", 2, filter_shape, strides, padding, dilation)
    return convolution(slide, channels, groups, bias, W_init, b_init)


@layer
def Conv3D(
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
    """Convolution of volumes, or of videos: `Conv` with one axis more.

        y[n, r, o] = b[o] + sum over i, c of  x[n, r s + i d - before, c]  w[i, c, o]      r, i, s, d: three each

    Padding "VALID", "SAME", or a pair (before, behind) for each of the three axes; strides, dilation and `groups` as in
    `Conv`. Windows of n x 3 x 3 and n x 5 x 5 in float32 go by Winograd's algorithm over the last two axes, as there.

    Shapes
        x       (batch, depth, height, width, n)
        params  {"w": (*filter_shape, n // groups, channels), "b": (channels,)}; no "b" without `bias`
        y       (batch, depth', height', width', channels)
    Errors
        ValueError   a size is less than one, `channels` is not divisible by `groups`, or there is no such padding
        ShapeError   x has not five axes, the window is larger than the volume, n is not divisible by `groups`
    Pullback
        dw[i, c, o] = sum over n, r of  x[n, r s + i d - before, c]  dy[n, r, o]      db = sum over n, r of dy
        dx[n, r s + i d - before, c] += sum over o of  dy[n, r, o]  w[i, c, o]
    Source: Ji, Xu, Yang & Yu, 3D convolutional neural networks for human action recognition (2013), section 2.1.

    >>> Conv3D(8, (3, 3, 3), (2, 2, 2), "SAME").out_shape((-1, 16, 32, 31, 1))
    (-1, 8, 16, 16, 8)
    """
    slide = made_slide("Conv3D", 3, filter_shape, strides, padding, dilation)
    return convolution(slide, channels, groups, bias, W_init, b_init)


def _going_on(slide: Slide, groups: int) -> Step | str | None:
    """How a convolution along time goes on: it remembers the steps that its next window reaches back to."""
    if not known(*slide.size, *slide.strides, *slide.dilation) or slide.size == slide.strides == (1,):
        return None
    if slide.padding != "CAUSAL":
        return f"with padding {slide.padding!r} it looks ahead, or gives fewer steps; padding 'CAUSAL' does not"
    if slide.strides != (1,):
        return "its stride leaves steps out"
    back = slide.spans[0] - 1
    how = Windows(slide.size, slide.strides, slide.dilation, ((0, 0),))

    def step(params: Tree, x: Array, memory: Array | None) -> tuple[Array, Array]:
        w, b = weights(params)
        before = np.zeros((len(x), back, x.shape[2]), x.dtype) if memory is None else memory
        seen = np.concatenate([before, x], axis=1)
        return kernel.correlate(seen, w, how, groups, b), seen[:, seen.shape[1] - back :]

    return step


def convolution(
    slide: Slide,
    channels: int,
    groups: int,
    bias: bool,
    W_init: Initializer,
    b_init: Initializer,
    step: Step | str | None = None,
) -> Layer[Array, Array]:
    """The convolution with these windows."""
    checked_groups(slide.layer, channels, groups)
    windows = slide.windows()

    def out_shape(shape: Shape) -> Shape:
        *out, n = slide.over(shape)
        each_group(slide.layer, shape, n, groups)
        return (*out, channels)

    def spec(shape: Shape) -> Spec:
        return filters(slide, shape, channels, groups, W_init, b_init if bias else None)

    def rule(params: Tree, x: Array) -> tuple[Array, Pullback]:
        w, b = weights(params)
        how = windows(x.shape)
        y = kernel.correlate(x, w, how, groups, b)

        def pullback(dy: Array) -> tuple[Tree, Later[Array]]:
            dw, db = kernel.correlate_params(x, dy, how, groups)
            dparams = {"w": dw, "b": db} if bias else {"w": dw}
            return dparams, Later(lambda: kernel.correlate_input(dy, w, x.shape, how, groups))

        return y, pullback

    def multiply_adds(shape: Shape) -> int:
        return slide.work(shape) * each_group(slide.layer, shape, slide.axes(shape)[-1], groups) * channels

    return Layer.of(out_shape, spec, rule, multiply_adds=multiply_adds, step=step)


# what transposed convolutions need too --------------------------------------------------------------------------------
def checked_groups(name: str, channels: int, groups: int) -> None:
    """Refuse channels that groups cannot share out."""
    positive(name, channels=channels, groups=groups)
    if known(channels, groups) and channels % groups:
        raise ValueError(f"{name}: channels must be divisible by groups, got channels={channels}, groups={groups}")


def each_group(name: str, shape: Shape, n: int, groups: int) -> int:
    """How many of the n channels of the input belong to a group.

    Errors
        ShapeError   the groups cannot share them out
    """
    if known(groups) and groups == 1:
        return n  # and not n // 1: an unknown n stays the one that messages look for in the shapes of the params
    if known(n, groups) and n % groups:
        raise ShapeError(
            f"the {n} channels of the input {display(shape)} are not divisible by groups={groups} of {name}; "
            f"take as many groups as divide both"
        )
    return n // groups


def filters(
    slide: Slide, shape: Shape, channels: int, groups: int, W_init: Initializer, b_init: Initializer | None
) -> Spec:
    """The params: a window of weights for every output channel, and a bias where it has an initializer."""
    n = each_group(slide.layer, shape, slide.axes(shape)[-1], groups)
    w = {"w": (W_init, (*slide.size, n, channels))}
    return w if b_init is None else w | {"b": (b_init, (channels,))}


def weights(params: Tree) -> tuple[Array, Array | None]:
    """The weights, and the bias if there is one. The door has compared the tree with the spec."""
    return params["w"], params.get("b")  # type: ignore[return-value]
