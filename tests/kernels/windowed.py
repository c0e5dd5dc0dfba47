"""Convolutions over one, two and three axes, and sums over every pixel of every window, which kernels are held to."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st

from funcnn import Array
from funcnn.kernels.windows import Windows


class Case(NamedTuple):
    """A convolution and numbers for it."""

    x: Array
    w: Array
    dy: Array
    how: Windows
    groups: int


@st.composite
def cases(draw: st.DrawFn, depthwise: bool = False) -> Case:
    """Any window, stride, dilation, padding (negative ones too) and groups, of odd sizes, of none or a few images."""
    rank = draw(st.integers(1, 3))
    size, strides, dilation = (tuple(draw(st.integers(1, 3)) for _ in range(rank)) for _ in range(3))
    pads = tuple((draw(st.integers(-1, 3)), draw(st.integers(-1, 3))) for _ in range(rank))
    spans = [(k - 1) * d + 1 - sum(pad) for k, d, pad in zip(size, dilation, pads, strict=True)]
    sizes = [draw(st.integers(max(1, n), max(1, n) + 4)) for n in spans]
    groups, inputs, outputs = (
        draw(st.integers(1, 3)),
        1 if depthwise else draw(st.integers(1, 2)),
        draw(st.integers(1, 2)),
    )
    how, batch = Windows(size, strides, dilation, pads), draw(st.integers(0, 3))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    x, w = rng.normal(size=(batch, *sizes, groups * inputs)), rng.normal(size=(*size, inputs, groups * outputs))
    return Case(x, w, rng.normal(size=(batch, *how.counts(x.shape), groups * outputs)), how, groups)


def summed(case: Case) -> tuple[Array, Array, Array]:
    """Value, and the cotangents of `w` and `x`: window by window, pixel by pixel, as the formula says."""
    x, w, dy, how, groups = case
    inputs, outputs = w.shape[-2], w.shape[-1] // groups
    y, dw, dx = np.zeros(dy.shape), np.zeros(w.shape), np.zeros(x.shape)
    for r in np.ndindex(dy.shape[1:-1]):
        for i in np.ndindex(how.size):
            each = zip(r, i, how.strides, how.dilation, how.pads, strict=True)
            p = [a * s + b * d - pad[0] for a, b, s, d, pad in each]
            if not all(0 <= a < n for a, n in zip(p, x.shape[1:-1], strict=True)):
                continue
            pixel, window = (slice(None), *p), (slice(None), *r)
            for g in range(groups):
                c, o = slice(g * inputs, (g + 1) * inputs), slice(g * outputs, (g + 1) * outputs)
                y[window][:, o] += x[pixel][:, c] @ w[i][:, o]
                dw[i][:, o] += x[pixel][:, c].T @ dy[window][:, o]
                dx[pixel][:, c] += dy[window][:, o] @ w[i][:, o].T
    return y, dw, dx


def agree(found: tuple[Array, ...], wanted: tuple[Array, ...]) -> None:
    """To rounding."""
    for a, b in zip(found, wanted, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)
