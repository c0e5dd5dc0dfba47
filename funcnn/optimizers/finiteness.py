"""Where training is no longer finite, by path: in a loss, in gradients, in params, in the state of an optimizer."""

from __future__ import annotations

from math import isfinite

import numpy as np

from funcnn.params import ArrayTree, plain, trees
from funcnn.types import is_tuple


def diverged(value: float | None, gradients: ArrayTree) -> str:
    """What is not finite of a loss, if it is told, and its gradients: "the loss is nan", or nothing."""
    bad = first_bad(gradients)
    where = f"the gradient of {bad} is not finite" if bad else ""
    what = "" if value is None or isfinite(value) else f"the loss is {value}"
    return " and ".join(filter(None, (what, where)))


def infinite_memory(memory: object) -> str:
    """Where the state of an optimizer is not finite: "v of dense_0/w"; params move no more there, and stay finite."""
    if not is_tuple(memory):
        return ""
    for name, part in zip(getattr(memory, "_fields", map(str, range(len(memory)))), memory, strict=True):
        where = first_bad(part) if isinstance(part, ArrayTree) else ""
        if found := f"{name} of {where}" if where else infinite_memory(part):
            return found
    return ""


def first_bad(tree: ArrayTree) -> str:
    """The path of the first leaf that is not finite."""
    return next(("/".join(path) for path, leaf in trees.flatten(plain(tree)) if not np.isfinite(leaf).all()), "")
