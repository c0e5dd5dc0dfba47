"""A small network with data for it, and a random layer, for tests of objectives."""

from __future__ import annotations

from typing import Any

import numpy as np

from funcnn import Array, Dense, Key, Layer, Pullback, Tanh, Tree, layer, serial

X = np.random.default_rng(0).normal(size=(5, 3))
T = np.random.default_rng(1).normal(size=(5, 2))
LABELS = np.array([0, 1, 1, 0, 1])
NET = serial(Dense(4), Tanh, Dense(2))
_, PARAMS = NET.init(Key(0), (-1, 3), dtype=np.float64)


@layer
def Noise(scale: float) -> Layer[Array, Array]:
    """`y = x (1 + scale noise)` in a training pass, `y = x` in inference."""

    def rule(params: Tree, x: Array, rng: Key | None) -> tuple[Array, Pullback]:
        by: Any = 1.0 if rng is None else (1 + scale * rng.generator().normal(size=x.shape)).astype(x.dtype)
        return x * by, lambda dy: ({}, dy * by)

    return Layer.of(lambda shape: shape, lambda shape: {}, rule)
