"""The public names that rows are written in, and those that have no row."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

import funcnn
from tests.catalogue.rows import Row

# Public functions that return a layer, a loss or an optimizer and yet have no row, with the reason.
WITHOUT_ROW: Final = {
    "elementwise": "takes functions, which print by name only; tests/layers/test_activations.py holds one to the laws",
    "freeze": "takes params, which print by their shapes only; tests/combinators/test_freezing.py",
    "reparam": "takes functions; tests/combinators/test_sharing.py",
    "shape_dependent": "takes a function; tests/combinators/test_deferring.py",
    "gaussian_kl": "has no target; tests/losses/test_families.py",
    "rebuild": "makes a network out of a network; tests/networks/test_children.py",
    "layer": "the decorator of constructors",
    "differentiable": "the decorator of rules",
}

NAMESPACE: Final[dict[str, Any]] = {
    name: getattr(module, name)
    for module, names in ((funcnn.optimizers, funcnn.optimizers.__all__), (funcnn, dir(funcnn)))
    for name in names
} | {"np": np, "schedules": funcnn.schedules, "initializers": funcnn.initializers}


def build(row: Row) -> Any:
    """The layer, loss or optimizer of a row."""
    return eval(row.source, dict(NAMESPACE))


def name_of(row: Row) -> str:
    """The public name a row answers for."""
    return row.source.split("(")[0].split(".")[0]


def kind_of(name: str) -> str:
    """A "layer", "loss", "optimizer", "penalty" or "other", by what the public name is, or says it returns."""
    value = NAMESPACE[name]
    if isinstance(value, funcnn.Layer):
        return "layer"
    if isinstance(value, funcnn.Loss):
        return "loss"
    if not callable(value) or isinstance(value, type):
        return "other"
    returns = str(getattr(value, "__annotations__", {}).get("return", ""))
    made = returns.split("[")[0].strip("'\"").split(".")[-1]
    kinds = {"Layer": "layer", "Loss": "loss", "Optimizer": "optimizer", "Penalty": "penalty"}
    return kinds.get(made, "other")
