"""Convolutions of images."""

from __future__ import annotations

from math import prod

from funcnn.arguments import positive
from funcnn.calculus import Later, Pullback
from funcnn.initializers import glorot_normal, zeros
from funcnn.kernels import convolution as kernel
from funcnn.keys import Initializer
from funcnn.layers.windows import Padding, borders, checked_padding, checked_pair, image_axes, slide
from funcnn.networks import Layer, layer
from funcnn.networks.definitions import Spec
from funcnn.params.trees import leaves
from funcnn.types import Array, Shape, Tree


@layer
def Conv(
    channels: int,
    filter_shape: tuple[int, int],
    strides: tuple[int, int] | None = None,
    padding: Padding = "VALID",
    *,
    W_init: Initializer = glorot_normal,
    b_init: Initializer = zeros,
) -> Layer[Array, Array]:
    """Convolution of images: each pixel of the output is an affine function of the window above it.

        y[n, i, j, o] = b[o] + sum over p, q, c of  x[n, i s + p, j t + q, c]  w[p, q, c, o],   strides = (s, t)

    Padding "VALID" keeps the windows inside the image; "SAME" puts zeros around it, half of them before the image and
    the odd one behind it, so that there are ceil(height / s) x ceil(width / t) windows. Strides are (1, 1) by default.

    In float32, windows of 3 x 3 and 5 x 5 with stride 1 on enough channels and pixels are convolved by Winograd's
    algorithm: 1.3 to 3 times as fast, with errors of 2e-5 of the largest entry instead of 1e-6, and a value that is
    not finite spreads to a few more pixels around it. FUNCNN_WINOGRAD=0 in the environment switches it off.

    Shapes
        x       (batch, height, width, n)
        params  {"w": (*filter_shape, n, channels), "b": (channels,)}
        y       (batch, height', width', channels)     height' = (height - p) // s + 1, or ceil(height / s) for "SAME"
    Errors
        ValueError   a size is less than one, or there is no such padding
        ShapeError   x has not four axes, the window is larger than the image, or the last axis is not n
    Pullback, over the windows that reach a pixel
        dw[p, q, c, o] = sum over n, i, j of  x[n, i s + p, j t + q, c]  dy[n, i, j, o]      db = sum over n, i, j of dy
        dx[n, i s + p, j t + q, c] += sum over o of  dy[n, i, j, o]  w[p, q, c, o]
    Source: Goodfellow, Bengio & Courville, Deep Learning (2016), section 9.5; Dumoulin & Visin, A guide to convolution
    arithmetic for deep learning (2016), for strides and padding.

    >>> Conv(32, (3, 3)).out_shape((-1, 28, 28, 1)), Conv(32, (3, 3), (2, 2), "SAME").out_shape((-1, 28, 28, 1))
    ((-1, 26, 26, 32), (-1, 14, 14, 32))
    """
    positive("Conv", channels=channels)
    window = checked_pair("Conv", "filter_shape", filter_shape)
    steps = checked_pair("Conv", "strides", (1, 1) if strides is None else strides)
    checked_padding("Conv", padding)

    def out_shape(shape: Shape) -> Shape:
        return (*slide("Conv", shape, window, steps, padding)[:3], channels)

    def spec(shape: Shape) -> Spec:
        n = image_axes("Conv", shape)[3]
        return {"w": (W_init, (*window, n, channels)), "b": (b_init, (channels,))}

    def rule(params: Tree, x: Array) -> tuple[Array, Pullback]:
        w, b = leaves(params, "w", "b")
        pads = borders(x.shape, window, steps, padding)
        y = kernel.convolve(x, w, steps, pads, b)

        def pullback(dy: Array) -> tuple[Tree, Later[Array]]:
            dw, db = kernel.convolve_params(x, dy, window, steps, pads)
            return {"w": dw, "b": db}, Later(lambda: kernel.convolve_input(dy, w, x.shape, steps, pads))

        return y, pullback

    def multiply_adds(shape: Shape) -> int:
        return prod(slide("Conv", shape, window, steps, padding)) * prod(window) * channels

    return Layer.of(out_shape, spec, rule, multiply_adds=multiply_adds)
