"""Every stride, dilation, window and padding against loops: convolutions, transposed convolutions, pools."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest

import funcnn
from funcnn import Array, Layer, ShapeError, vjp
from tests.layers import slow_windows as slow
from tests.layers.slow_windows import Axis

RNG = np.random.default_rng(7)
STEPS = [(s, d, k) for s in (1, 2, 3) for d in (1, 2, 3) for k in (1, 2, 3)]
GROUPS = ((1, 3, 2), (2, 2, 1), (3, 1, 2))
"""Groups, channels of each, outputs of each: none, some, depthwise with two outputs a channel."""

CONVOLUTIONS = {1: "Conv1D", 2: "Conv", 3: "Conv3D"}
TRANSPOSED = {1: "Conv1DTranspose", 2: "ConvTranspose", 3: "Conv3DTranspose"}
POOLS = ("MaxPool", "AvgPool", "SumPool")

Grid = Iterator[tuple[Axis, ...]]


def one_axis(s: int, d: int, k: int, paddings: tuple[Any, ...]) -> Grid:
    """Sizes that the stride divides, and that it does not; one that is smaller than most windows."""
    for size, padding in product((1, 5, 6, 7), paddings):
        yield (Axis(size, k, s, d, padding),)


def two_axes(s: int, d: int, k: int, paddings: tuple[Any, ...]) -> Grid:
    """The other axis has another stride, dilation, window and size."""
    for size, padding in product((4, 5), paddings):
        yield Axis(size, k, s, d, padding), Axis(11 - size, s, d, k, padding)


def three_axes(s: int, d: int, k: int, paddings: tuple[Any, ...]) -> Grid:
    """Each axis another."""
    for padding in paddings:
        yield Axis(4, k, s, d, padding), Axis(3, d, k, 1, padding), Axis(5, s, d, k, padding)


def built(name: str, axes: tuple[Axis, ...], *args: Any, **options: Any) -> Layer[Array, Array]:
    """The layer that slides so."""
    padding = axes[0].padding if isinstance(axes[0].padding, str) else tuple(a.padding for a in axes)
    sizes = tuple(a.window for a in axes), tuple(a.stride for a in axes), padding
    dilation = tuple(a.dilation for a in axes)
    made: Layer[Array, Array] = getattr(funcnn, name)(*args, *sizes, dilation=dilation, **options)
    return made


def weighed(
    net: Layer[Array, Array], axes: tuple[Axis, ...], groups: tuple[int, int, int], out: tuple[int, ...], reference: Any
) -> None:
    """Value, gradients and cotangent of the input are those of the loops."""
    g, channels, outputs = groups
    x = RNG.normal(size=(2, *(a.size for a in axes), g * channels))
    out_shape, params = net.init(0, x.shape, dtype=np.float64)
    assert out_shape == (2, *out, g * outputs)
    b = RNG.normal(size=g * outputs)
    y, pullback = vjp(net.apply, params.set("b", b), x)
    dy = RNG.normal(size=y.shape)
    dparams, dx = pullback(dy)
    value, dw, cotangent = reference(axes, x, params.at("w"), dy, g)
    close(y, value + b)
    close(dparams.at("w"), dw)
    close(dparams.at("b"), dy.sum(tuple(range(dy.ndim - 1))))
    close(dx, cotangent)


def close(found: Array, wanted: Array) -> None:
    """To rounding: sums of at most a few hundred terms of order one."""
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12)


def convolutions(axes: tuple[Axis, ...], groups: tuple[int, int, int]) -> None:
    """As the loops say; and refused where no window fits."""
    g, _, outputs = groups
    net = built(CONVOLUTIONS[len(axes)], axes, g * outputs, groups=g)
    counts = tuple(a.many for a in axes)
    if min(counts) < 1:
        with pytest.raises(ShapeError, match="the window .* is larger than the"):
            net.out_shape((2, *(a.size for a in axes), 6))
    else:
        weighed(net, axes, groups, counts, slow.convolution)


def transposes(axes: tuple[Axis, ...], groups: tuple[int, int, int]) -> None:
    """As the loops say; refused where the padding leaves nothing."""
    g, _, outputs = groups
    net = built(TRANSPOSED[len(axes)], axes, g * outputs, groups=g)
    sizes = tuple(a.larger[0] for a in axes)
    if min(sizes) < 1:
        with pytest.raises(ShapeError, match="padding .* cuts all of the output"):
            net.out_shape((2, *(a.size for a in axes), 6))
    else:
        weighed(net, axes, groups, sizes, slow.transposed)


@pytest.mark.parametrize(("s", "d", "k"), STEPS)
@pytest.mark.parametrize("check", [convolutions, transposes])
def test_sequences(check: Callable[..., None], s: int, d: int, k: int) -> None:
    """Every size, padding and number of groups."""
    for axes in one_axis(s, d, k, ("VALID", "SAME", "CAUSAL", (0, 2), (2, 1))):
        for groups in GROUPS:
            check(axes, groups)


@pytest.mark.parametrize(("s", "d", "k"), STEPS)
@pytest.mark.parametrize("check", [convolutions, transposes])
def test_images(check: Callable[..., None], s: int, d: int, k: int) -> None:
    """Both axes different."""
    for axes in two_axes(s, d, k, ("VALID", "SAME", (1, 0))):
        for groups in GROUPS:
            check(axes, groups)


@pytest.mark.parametrize(("s", "d", "k"), STEPS)
@pytest.mark.parametrize("check", [convolutions, transposes])
def test_volumes(check: Callable[..., None], s: int, d: int, k: int) -> None:
    """Three axes different."""
    for axes, groups in zip(three_axes(s, d, k, ("VALID", "SAME", (0, 1))), GROUPS, strict=True):
        check(axes, groups)


def pools(axes: tuple[Axis, ...], kind: str) -> None:
    """As the loops say, for numbers and for ties; refused where no window fits, or one has no pixel."""
    net = built(kind, axes)
    sizes, counts = tuple(a.size for a in axes), tuple(a.many for a in axes)
    shape = (2, *sizes, 2)
    if min(counts) < 1:
        with pytest.raises(ShapeError, match="the window .* is larger than the"):
            net.out_shape(shape)
        return
    seen = {r for r, _, _ in slow.pixels(axes, counts, tuple(a.pads[0] for a in axes), sizes)}
    if len(seen) < np.prod(counts):
        with pytest.raises(ShapeError, match="lies in the padding alone"):
            net.out_shape(shape)
        return
    for x in (RNG.normal(size=shape), RNG.integers(0, 2, shape).astype(np.float64), RNG.normal(size=shape)[:0]):
        y, pullback = vjp(net.apply, {}, x)
        dy = RNG.normal(size=(len(x), *counts, 2))
        value, dx = slow.pool(kind, axes, x, dy)
        close(y, value)
        close(pullback(dy)[1], dx)


@pytest.mark.parametrize(("s", "d", "k"), STEPS)
@pytest.mark.parametrize("kind", POOLS)
def test_pools(kind: str, s: int, d: int, k: int) -> None:
    """Of sequences, images and volumes."""
    for axes in one_axis(s, d, k, ("VALID", "SAME", (0, 2), (2, 1))):
        pools(axes, kind)
    for axes in two_axes(s, d, k, ("VALID", "SAME", (1, 0))):
        pools(axes, kind)
    for axes in three_axes(s, d, k, ("VALID", "SAME", (0, 1))):
        pools(axes, kind)


@pytest.mark.parametrize("name", [*CONVOLUTIONS.values(), *TRANSPOSED.values()])
@pytest.mark.parametrize("rows", [0, 1])
def test_no_row_and_one_row(name: str, rows: int) -> None:
    """None gives none, and gradients of zero; one gives what it gives among others."""
    rank = next(r for r in (1, 2, 3) if name in (CONVOLUTIONS[r], TRANSPOSED[r]))
    for groups in (1, 2):
        net = built(name, (Axis(4, 2, 2, 2, (1, 1)),) * rank, 4, groups=groups)
        x = RNG.normal(size=(3, *(4,) * rank, 2))
        _, params = net.init(0, x.shape, dtype=np.float64)
        whole = net.apply(params, x)
        y, pullback = vjp(net.apply, params, x[:rows])
        np.testing.assert_allclose(y, whole[:rows], rtol=1e-13, atol=1e-14)
        dparams, dx = pullback(np.ones_like(y))
        assert dx.shape == (rows, *x.shape[1:])
        assert rows or not dparams.at("w").any() and not dparams.at("b").any()
