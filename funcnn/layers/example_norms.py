"""Normalization of each example by itself: no example sees another, and inference is as training."""

from __future__ import annotations

from collections.abc import Callable

from funcnn.arguments import finite_positive, positive
from funcnn.calculus import Later, Pullback
from funcnn.errors import ShapeError
from funcnn.initializers import ones, zeros
from funcnn.kernels import group_norm, layer_norm, rms_norm
from funcnn.networks import Layer, layer
from funcnn.networks.definitions import Spec
from funcnn.params.trees import leaves
from funcnn.shapes import axes, display, known
from funcnn.types import Array, Shape, Tree


@layer
def LayerNorm(*, eps: float = 1e-5) -> Layer[Array, Array]:
    """Every example, at every place, with mean 0 and variance 1 over its features; then scaled and moved.

    `y = scale h + offset`, `h = (x - mean) / sqrt(var + eps)`, with mean and (biased) variance over the last axis.

    Shapes
        x, y    (..., n)        any number of batch axes
        params  {"scale": (n,), "offset": (n,)}
    Errors
        ValueError   `eps` is not positive
        ShapeError   x has no axis, or its last axis is not n
    Pullback, batch axes flattened to rows; s = 1 / sqrt(var + eps), dh = dy scale
        dscale = 1^T (dy h)      doffset = 1^T dy      dx = s (dh - mean(dh) - h mean(dh h))
    Source: Ba, Kiros & Hinton, Layer Normalization (2016), equation 3.

    >>> net = LayerNorm()
    >>> net.apply(net.init(Key(0), (-1, 2))[1], np.array([[1.0, 3.0], [10.0, -10.0]])).round(3)
    array([[-1.,  1.],
           [ 1., -1.]], dtype=float32)
    """
    finite_positive("LayerNorm", eps=eps)

    def out_shape(shape: Shape) -> Shape:
        return axes("LayerNorm", shape, at_least=1, empty=-1)

    def spec(shape: Shape) -> Spec:
        n = axes("LayerNorm", shape, at_least=1, empty=-1)[-1]
        return {"scale": (ones, (n,)), "offset": (zeros, (n,))}

    def rule(params: Tree, x: Array) -> tuple[Array, Pullback]:
        scale, offset = leaves(params, "scale", "offset")
        made = layer_norm.normalized(x, scale, offset, eps)

        def pullback(dy: Array) -> tuple[Tree, Later[Array]]:
            dscale, doffset, means = layer_norm.params_cotangents(dy, made.h, scale)
            dx = Later(lambda: layer_norm.input_cotangent(dy, scale, made, means))
            return {"scale": dscale, "offset": doffset}, dx

        return made.y, pullback

    def value(params: Tree, x: Array) -> Array:
        scale, offset = leaves(params, "scale", "offset")
        return layer_norm.value(x, scale, offset, eps)

    return Layer.of(out_shape, spec, rule, value=value)


@layer
def RMSNorm(*, eps: float = 1e-5) -> Layer[Array, Array]:
    """Every example, at every place, with mean square 1 over its features; then scaled.

    `y = scale h`, `h = x / sqrt(mean of x^2 + eps)`, with the mean over the last axis: LayerNorm without a mean.

    Shapes
        x, y    (..., n)        any number of batch axes
        params  {"scale": (n,)}
    Errors
        ValueError   `eps` is not positive
        ShapeError   x has no axis, or its last axis is not n
    Pullback, batch axes flattened to rows; s = 1 / sqrt(mean of x^2 + eps), dh = dy scale
        dscale = 1^T (dy h)      dx = s (dh - h mean(dh h))
    Source: Zhang & Sennrich, Root Mean Square Layer Normalization (2019), equation 4.

    >>> net = RMSNorm()
    >>> net.apply(net.init(Key(0), (-1, 2))[1], np.array([[1.0, 7.0]])).round(3)
    array([[0.2, 1.4]], dtype=float32)
    """
    finite_positive("RMSNorm", eps=eps)

    def out_shape(shape: Shape) -> Shape:
        return axes("RMSNorm", shape, at_least=1, empty=-1)

    def spec(shape: Shape) -> Spec:
        return {"scale": (ones, axes("RMSNorm", shape, at_least=1, empty=-1)[-1:])}

    def rule(params: Tree, x: Array) -> tuple[Array, Pullback]:
        (scale,) = leaves(params, "scale")
        y, inverse = rms_norm.normalized(x, scale, eps)

        def pullback(dy: Array) -> tuple[Tree, Later[Array]]:
            dscale, means = rms_norm.params_cotangents(x, dy, scale, inverse)
            return {"scale": dscale}, Later(lambda: rms_norm.input_cotangent(x, dy, scale, inverse, means))

        return y, pullback

    return Layer.of(out_shape, spec, rule)


@layer
def GroupNorm(groups: int, *, eps: float = 1e-5) -> Layer[Array, Array]:
    """Every group of channels of an example with mean 0 and variance 1 over all places; then scaled and moved.

    `y = scale h + offset`, `h = (x - mean) / sqrt(var + eps)`, with mean and (biased) variance over the places and over
    `channels / groups` neighbouring channels; scale and offset are those of each channel.

    Shapes
        x, y    (batch, ..., channels)      any number of places
        params  {"scale": (channels,), "offset": (channels,)}
    Errors
        ValueError   `groups` is less than one, or `eps` is not positive
        ShapeError   x has fewer than two axes, or a number of channels that `groups` does not divide
    Pullback, a row for each group of an example; s = 1 / sqrt(var + eps), dh = dy scale
        dscale, doffset = dy h and dy, summed over batch and places      dx = s (dh - mean(dh) - h mean(dh h))
    Source: Wu & He, Group Normalization (2018), equations 1, 2 and 7.

    >>> GroupNorm(4).out_shape((-1, 8, 8, 32))
    (-1, 8, 8, 32)
    """
    positive("GroupNorm", groups=groups)
    finite_positive("GroupNorm", eps=eps)

    def divided(shape: Shape) -> tuple[int, ...]:
        sizes = axes("GroupNorm", shape, at_least=2, like="(batch, ..., channels)")
        if known(sizes[-1], groups) and sizes[-1] % groups:
            raise ShapeError(f"GroupNorm({groups}) takes a multiple of {groups} channels, got {display(shape)}")
        return sizes

    return grouped(divided, lambda channels: groups, eps)


@layer
def InstanceNorm(*, eps: float = 1e-5) -> Layer[Array, Array]:
    """Every channel of an example with mean 0 and variance 1 over all places; then scaled and moved.

    It is GroupNorm with a channel a group.

    Shapes
        x, y    (batch, ..., channels)      places along one axis or more
        params  {"scale": (channels,), "offset": (channels,)}
    Errors
        ValueError   `eps` is not positive
        ShapeError   x has fewer than three axes
    Pullback, a row for each channel of an example; s = 1 / sqrt(var + eps), dh = dy scale
        dscale, doffset = dy h and dy, summed over batch and places      dx = s (dh - mean(dh) - h mean(dh h))
    Source: Ulyanov, Vedaldi & Lempitsky, Instance Normalization (2016), equation 4.

    >>> InstanceNorm().out_shape((-1, 8, 8, 32))
    (-1, 8, 8, 32)
    """
    finite_positive("InstanceNorm", eps=eps)
    like = "(batch, ..., channels) with places between"
    return grouped(lambda shape: axes("InstanceNorm", shape, at_least=3, like=like), lambda channels: channels, eps)


def grouped(sizes: Callable[[Shape], tuple[int, ...]], groups: Callable[[int], int], eps: float) -> Layer[Array, Array]:
    """Groups of channels, a row for each group of an example."""

    def spec(shape: Shape) -> Spec:
        channels = sizes(shape)[-1]
        return {"scale": (ones, (channels,)), "offset": (zeros, (channels,))}

    def rule(params: Tree, x: Array) -> tuple[Array, Pullback]:
        scale, offset = leaves(params, "scale", "offset")
        made = group_norm.normalized(x, scale, offset, groups(len(scale)), eps)

        def pullback(dy: Array) -> tuple[Tree, Later[Array]]:
            dscale, doffset, means = group_norm.params_cotangents(x, dy, scale, made)
            dx = Later(lambda: group_norm.input_cotangent(x, dy, scale, made, means))
            return {"scale": dscale, "offset": doffset}, dx

        return made.y, pullback

    return Layer.of(lambda shape: sizes(shape), spec, rule)

