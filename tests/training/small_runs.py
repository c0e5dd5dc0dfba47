"""Small training runs for tests."""

from __future__ import annotations

from typing import Any

import numpy as np

from funcnn import BatchNorm, Dense, Dropout, Key, Layer, Params, Relu, adam, fit, serial, squared_error

RNG = np.random.default_rng(0)
X = RNG.normal(size=(10, 3)).astype(np.float32)
Y = RNG.normal(size=(10, 2)).astype(np.float32)
W = RNG.uniform(0.5, 2, size=10).astype(np.float32)

NET = serial(Dense(4), BatchNorm(), Relu, Dropout(0.3), Dense(2))
PLAIN = serial(Dense(4), Relu, Dense(2))


def params_of(net: Layer[Any, Any], n: int = 3) -> Params:
    """Initial params."""
    return net.init(Key(0), (-1, n))[1]


def run_of(net: Layer[Any, Any] = NET, start: Any = None, data: Any = (X, Y, W), **options: Any) -> Any:
    """A small run: three epochs of three steps, shuffled, with dropout and BatchNorm where the network has them."""
    start = params_of(net) if start is None else start
    return fit(squared_error, net.apply, adam(0.01), start, data, **{"epochs": 3, "batch_size": 4, **options})


def trained(*arguments: Any, **options: Any) -> Any:
    """All steps of a small run."""
    return list(run_of(*arguments, **options))
