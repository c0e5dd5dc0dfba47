"""Small runs in one call."""

from __future__ import annotations

from typing import Any

import numpy as np

import funcnn
from funcnn import BatchNorm, Dense, Dropout, Relu, adam, r2, serial, squared_error

loose: Any = funcnn
RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3)).astype(np.float32)
Y = (X @ np.array([[1.0], [-2.0], [0.5]], np.float32) + 0.1 * RNG.normal(size=(60, 1))).astype(np.float32)
HELD = X[:20], Y[:20]
DATA = X[20:], Y[20:]
NET = serial(Dense(8), BatchNorm(), Relu, Dropout(0.2), Dense(1))
PLAIN = serial(Dense(8), Relu, Dense(1))


def run(net: Any = NET, data: Any = DATA, **options: Any) -> Any:
    """A small run."""
    options = {"epochs": 4, "validation": HELD, "metrics": [r2], "batch_size": 16, "quiet": True, **options}
    return loose.train(options.pop("loss", squared_error), net, options.pop("optimizer", adam(0.02)), data, **options)
