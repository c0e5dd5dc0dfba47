"""A body and a head, with gradients of two, for tests of optimizers."""

from __future__ import annotations

from typing import Any

import numpy as np

from funcnn import Gradients, Optimizer, Params, tree_map

PARAMS = Params({"body": {"w": np.ones((2, 3)), "b": np.ones(3)}, "head": {"w": np.ones((3, 1)), "b": np.ones(1)}})
GRADS = Gradients(tree_map(lambda p: 2 * p, PARAMS))


def steps(optimizer: Optimizer[Any], n: int) -> tuple[list[Params], Any]:
    """The params after each of some steps against gradients of two."""
    params, state, found = PARAMS, optimizer.init(PARAMS), []
    for _ in range(n):
        params, state = optimizer.step(GRADS, state, params)
        found.append(params)
    return found, state
