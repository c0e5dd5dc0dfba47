"""Convolutions, transposed convolutions and pools as loops over windows and their pixels, in float64.

Everything follows from which pixel `p` window `r` has at its offset `i`, `p = r s + i d - before` along every axis.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from funcnn import Array

At: TypeAlias = "tuple[int, ...]"


class Axis(NamedTuple):
    """How windows slide along an axis of this size."""

    size: int
    window: int
    stride: int
    dilation: int
    padding: str | tuple[int, int]

    @property
    def span(self) -> int:
        return (self.window - 1) * self.dilation + 1

    @property
    def pads(self) -> tuple[int, int]:
        """As many zeros as ceil(size / stride) windows need, the odd one behind; or all of them before."""
        if not isinstance(self.padding, str):
            return self.padding
        if self.padding == "VALID":
            return 0, 0
        if self.padding == "CAUSAL":
            return self.span - 1, 0
        missing = (-(-self.size // self.stride) - 1) * self.stride + self.span - self.size
        return max(missing, 0) // 2, max(missing, 0) - max(missing, 0) // 2

    @property
    def many(self) -> int:
        """How many windows begin where a whole one still fits; counted."""
        room = self.size + sum(self.pads)
        return sum(start + self.span <= room for start in range(0, room, self.stride))

    @property
    def larger(self) -> tuple[int, int]:
        """Size of the output of a transposed convolution, and how much is cut off before it."""
        full = (self.size - 1) * self.stride + self.span
        if not isinstance(self.padding, str):
            return full - sum(self.padding), self.padding[0]
        if self.padding == "VALID":
            return max(full, self.size * self.stride), 0
        # jax.lax.conv_transpose pads the input, spread out by the stride, so much before it
        before = self.span - 1
        if self.padding == "SAME" and self.stride <= self.span - 1:
            before = -(-(self.span + self.stride - 2) // 2)
        return self.size * self.stride, self.span - 1 - before


def pixels(axes: tuple[Axis, ...], counts: At, before: At, sizes: At) -> Iterator[tuple[At, At, At]]:
    """Window, offset and pixel, wherever there is such a pixel."""
    for r in product(*map(range, counts)):
        for i in product(*(range(a.window) for a in axes)):
            each = zip(r, i, axes, before, strict=True)
            p = tuple(at * a.stride + offset * a.dilation - b for at, offset, a, b in each)
            if all(0 <= place < n for place, n in zip(p, sizes, strict=True)):
                yield r, i, p


def zeros(shape: At) -> Array:
    """Room for sums."""
    return np.zeros(shape)


def at(p: At) -> tuple[Any, ...]:
    """That pixel of all rows."""
    return (slice(None), *p)


def dense(w: Array, groups: int) -> Array:
    """The weights from all channels to all outputs, zero where the groups differ."""
    n, outputs = w.shape[-2], w.shape[-1] // groups
    wide: Array = np.zeros((*w.shape[:-2], n * groups, w.shape[-1]))
    for g in range(groups):
        own = slice(g * outputs, (g + 1) * outputs)
        wide[..., g * n : (g + 1) * n, own] = w[..., own]
    return wide


def grouped(wide: Array, groups: int) -> Array:
    """The weights again, without what lies between the groups."""
    n, outputs = wide.shape[-2] // groups, wide.shape[-1] // groups
    parts = [wide[..., g * n : (g + 1) * n, g * outputs : (g + 1) * outputs] for g in range(groups)]
    return np.concatenate(parts, axis=-1)


def convolution(axes: tuple[Axis, ...], x: Array, w: Array, dy: Array, groups: int) -> tuple[Array, Array, Array]:
    """Value without bias, and the cotangents of `w` and `x`."""
    wide = dense(w, groups)
    y, dw, dx = zeros(dy.shape), zeros(wide.shape), zeros(x.shape)
    before = tuple(a.pads[0] for a in axes)
    for r, i, p in pixels(axes, dy.shape[1:-1], before, x.shape[1:-1]):
        here, there = at(r), at(p)
        y[here] += x[there] @ wide[i]
        dw[i] += x[there].T @ dy[here]
        dx[there] += dy[here] @ wide[i].T
    return y, grouped(dw, groups), dx


def transposed(axes: tuple[Axis, ...], x: Array, w: Array, dy: Array, groups: int) -> tuple[Array, Array, Array]:
    """The same for the transposed convolution."""
    wide = dense(w, groups)
    y, dw, dx = zeros(dy.shape), zeros(wide.shape), zeros(x.shape)
    before = tuple(a.larger[1] for a in axes)
    for r, i, p in pixels(axes, x.shape[1:-1], before, dy.shape[1:-1]):
        here, there = at(r), at(p)
        y[there] += x[here] @ wide[i]
        dw[i] += x[here].T @ dy[there]
        dx[here] += dy[there] @ wide[i].T
    return y, grouped(dw, groups), dx


def pool(kind: str, axes: tuple[Axis, ...], x: Array, dy: Array) -> tuple[Array, Array]:
    """Value and cotangent of x. Of the largest pixels the first, row by row, gets all."""
    y, dx = zeros(dy.shape), zeros(x.shape)
    under: dict[At, list[At]] = {}
    for r, _, p in pixels(axes, dy.shape[1:-1], tuple(a.pads[0] for a in axes), x.shape[1:-1]):
        under.setdefault(r, []).append(p)
    for r, places in under.items():
        here = at(r)
        stack = np.stack([x[at(p)] for p in places])
        if kind == "MaxPool":
            y[here] = stack.max(0)
            for n, c in np.ndindex(len(x), x.shape[-1]):
                first: Any = next(p for p, value in zip(places, stack[:, n, c], strict=True) if value == y[(n, *r, c)])
                dx[(n, *first, c)] += dy[(n, *r, c)]
            continue
        share = len(places) if kind == "AvgPool" else 1
        y[here] = stack.sum(0) / share
        for p in places:
            dx[at(p)] += dy[here] / share
    return y, dx
