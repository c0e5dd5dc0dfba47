"""Normalization of each example by itself: no example sees another, and inference is as training."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from funcnn.arguments import finite_positive, positive
from funcnn.calculus import Later, Pullback
from funcnn.errors import ShapeError
from funcnn.initializers import ones, zeros
from funcnn.kernels import group_norm, layer_norm, rms_norm
from funcnn.keys import Initializer
from funcnn.layers.normalization import affine
from funcnn.networks import Layer, apart, layer
from funcnn.networks.definitions import Spec
from funcnn.params.trees import leaves
from funcnn.shapes import axes, display, known
from funcnn.types import Array, Shape, Tree


@layer
def LayerNorm(
    *,
    eps: float = 1e-5,
    center: bool = True,
    scale: bool = True,
    beta_init: Initializer = zeros,
    gamma_init: Initializer = ones,
) -> Layer[Array, Array]:
    """Every example, at every place, with mean 0 and variance 1 over its features; then scaled and moved.

    `y = scale h + offset`, `h = (x - mean) / sqrt(var + eps)`, with mean and (biased) variance over the last axis.
    With `scale=False` there is no leaf "scale", and it is 1; with `center=False` no "offset", and it is 0. `gamma_init`
    and `beta_init` draw them, as in `BatchNorm`.

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
        n = axes("LayerNorm", shape, at_least=1, empty=-1)[-1:]
        return affine(n, scale, center, gamma_init, beta_init)

    def rule(params: Tree, x: Array) -> tuple[Array, Pullback]:
        by, to = _scaling(params, x)
        made = layer_norm.normalized(x, by, to, eps)

        def pullback(dy: Array) -> tuple[Tree, Later[Array]]:
            dscale, doffset, means = layer_norm.params_cotangents(dy, made, by)
            dx = Later(lambda: layer_norm.input_cotangent(dy, by, made, means))
            return _those_of(params, scale=dscale, offset=doffset), dx

        return made.y, pullback

    def value(params: Tree, x: Array) -> Array:
        return layer_norm.value(x, *_scaling(params, x), eps)

    return Layer.of(out_shape, spec, apart(rule), value=value)


@layer
def RMSNorm(
    *, eps: float = 1e-5, scale: bool = True, gamma_init: Initializer = ones
) -> Layer[Array, Array]:
    """Every example, at every place, with mean square 1 over its features; then scaled.

    `y = scale h`, `h = x / sqrt(mean of x^2 + eps)`, with the mean over the last axis: LayerNorm without a mean.
    With `scale=False` there is no leaf "scale", and it is 1; `gamma_init` draws it.

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
        return affine(axes("RMSNorm", shape, at_least=1, empty=-1)[-1:], scale, False, gamma_init)

    def rule(params: Tree, x: Array) -> tuple[Array, Pullback]:
        by, _ = _scaling(params, x)
        y, inverse = rms_norm.normalized(x, by, eps)

        def pullback(dy: Array) -> tuple[Tree, Later[Array]]:
            dscale, means = rms_norm.params_cotangents(x, dy, by, inverse)
            dx = Later(lambda: rms_norm.input_cotangent(x, dy, by, inverse, means))
            return _those_of(params, scale=dscale), dx

        return y, pullback

    return Layer.of(out_shape, spec, apart(rule))


@layer
def GroupNorm(
    groups: int,
    *,
    eps: float = 1e-5,
    center: bool = True,
    scale: bool = True,
    beta_init: Initializer = zeros,
    gamma_init: Initializer = ones,
) -> Layer[Array, Array]:
    """Every group of channels of an example with mean 0 and variance 1 over all places; then scaled and moved.

    `y = scale h + offset`, `h = (x - mean) / sqrt(var + eps)`, with mean and (biased) variance over the places and over
    `channels / groups` neighbouring channels; scale and offset are those of each channel, and left out by
    `scale=False` and `center=False`, as in `LayerNorm`.

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

    wanted = partial(affine, scale=scale, center=center, gamma_init=gamma_init, beta_init=beta_init)
    return grouped(divided, lambda channels: groups, eps, wanted)


@layer
def InstanceNorm(
    *,
    eps: float = 1e-5,
    center: bool = True,
    scale: bool = True,
    beta_init: Initializer = zeros,
    gamma_init: Initializer = ones,
) -> Layer[Array, Array]:
    """Every channel of an example with mean 0 and variance 1 over all places; then scaled and moved.

    It is GroupNorm with a channel a group. `scale=False` and `center=False` leave out the params, as in `LayerNorm`.

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
    wanted = partial(affine, scale=scale, center=center, gamma_init=gamma_init, beta_init=beta_init)
    sizes = partial(axes, "InstanceNorm", at_least=3, like=like)
    return grouped(sizes, lambda channels: channels, eps, wanted)


def grouped(
    sizes: Callable[[Shape], tuple[int, ...]],
    groups: Callable[[int], int],
    eps: float,
    wanted: Callable[[tuple[int, ...]], Spec],
) -> Layer[Array, Array]:
    """Groups of channels, a row for each group of an example; `wanted` says the params of these channels."""

    def rule(params: Tree, x: Array) -> tuple[Array, Pullback]:
        by, to = _scaling(params, x)
        made = group_norm.normalized(x, by, to, groups(len(by)), eps)

        def pullback(dy: Array) -> tuple[Tree, Later[Array]]:
            dscale, doffset, means = group_norm.params_cotangents(x, dy, by, made)
            dx = Later(lambda: group_norm.input_cotangent(x, dy, by, made, means))
            return _those_of(params, scale=dscale, offset=doffset), dx

        return made.y, pullback

    return Layer.of(lambda shape: sizes(shape), lambda shape: wanted(sizes(shape)[-1:]), apart(rule))


def _scaling(params: Tree, x: Array) -> tuple[Array, Array]:
    """Scale and offset; 1 and 0 where there are none."""
    n: int = x.shape[-1]
    dtype: np.dtype[np.floating[Any]] = x.real.dtype
    scale: Array = leaves(params, "scale")[0] if "scale" in params else np.ones(n, dtype)
    offset: Array = leaves(params, "offset")[0] if "offset" in params else np.zeros(n, dtype)
    return scale, offset


def _those_of(params: Tree, **gradients: Array) -> Tree:
    """The gradients of the params that there are."""
    return {name: gradients[name] for name in params}
