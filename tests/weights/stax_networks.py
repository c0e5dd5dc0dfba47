"""Networks of stax whose weights come over. Needs JAX; see the package."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from tests.weights.cases import Recorded, rough

jax: Any = importlib.import_module("jax")
jax.config.update("jax_enable_x64", True)
S: Any = importlib.import_module("jax.example_libraries.stax")


def networks() -> dict[str, tuple[Any, tuple[int, ...]]]:
    """By the names of ours, with the shape of an input."""
    row, d = S.serial, S.Dense
    return {
        "perceptron": (row(d(4), S.Relu, d(3)), (3, 5)),
        "images": (row(S.Conv(4, (3, 3), (2, 2), "SAME"), S.Relu, S.Conv(2, (2, 2)), S.Flatten, d(3)), (2, 7, 6, 2)),
        "branches": (
            row(
                d(4), S.FanOut(2), S.parallel(row(d(3), S.Relu, d(4)), S.Identity), S.FanInSum, S.FanOut(2),
                S.parallel(d(2), d(3)), S.FanInConcat(),
            ),
            (3, 5),
        ),
        "transposed": (
            row(S.ConvTranspose(3, (3, 2), (2, 1), "SAME"), S.ConvTranspose(2, (2, 3))), (2, 3, 4, 2)
        ),
        "adapters": (
            row(
                S.GeneralConv(("NCHW", "OIHW", "NCHW"), 3, (2, 2)), S.BatchNorm(axis=(0, 2, 3)),
                S.GeneralConvTranspose(("NCHW", "OIHW", "NHWC"), 2, (3, 2), (2, 2), "SAME"),
            ),
            (2, 2, 4, 5),
        ),
        "inside": (row(row(d(3), S.Relu), d(2)), (3, 4)),
        "norm": (row(d(3), S.BatchNorm(axis=0)), (3, 4)),
    }  # fmt: skip


def recording() -> dict[str, Recorded]:
    """All of them, in float64. Weights are named by their place in the tuples, "0/1"."""
    found: dict[str, Recorded] = {}
    for name, ((init, apply), shape) in networks().items():
        rng = np.random.default_rng(sum(map(ord, name)))
        _, params = init(jax.random.key(0), shape)
        leaves, tree = jax.tree_util.tree_flatten_with_path(params)
        values = [rough(rng, a.shape) for _, a in leaves]
        x = rough(rng, shape)
        y = np.asarray(apply(jax.tree_util.tree_unflatten(tree, values), x))
        paths = ["/".join(str(step.idx) for step in path) for path, _ in leaves]
        found[name] = Recorded(dict(zip(paths, values, strict=True)), x, y)
    return found
