"""Penalties on params, added to a loss and to its gradients."""

from __future__ import annotations

import numpy as np

from funcnn.cotangents import described
from funcnn.errors import ParamsError
from funcnn.losses.penalties import Penalty
from funcnn.losses.promises import penalty_of
from funcnn.params import Gradients, plain, plain_tree, wrap
from funcnn.params.trees import Path, Plain, differences
from funcnn.types import Tree, is_array


def with_penalties(
    penalties: tuple[Penalty, ...], tree: Plain, value: float, gradients: Gradients
) -> tuple[float, Gradients]:
    """The value and the gradients of a loss, with those of penalties on the params added.

    Errors
        ParamsError   the gradients of a penalty are no tree like the params
    """
    for penalty in penalties:
        more, dparams = penalty_of(penalty, tree)
        value = value + more
        gradients = _sum(gradients, dparams, penalty)
    return value, gradients


def _sum(gradients: Gradients, more: Tree, penalty: Penalty) -> Gradients:
    return wrap(_added(plain(gradients), plain_tree(more), penalty, ()), kind=Gradients)


def _added(a: Plain, b: Plain, penalty: Penalty, at: Path) -> Plain:
    """The sum of gradients and a penalty's, in fresh sealed arrays: neither belongs to us."""
    if a.keys() != b.keys():
        wrong = ", ".join(differences(a, b)) or "leaves and subtrees differ"
        raise ParamsError(f"the gradients of {penalty!r} are no tree like the params: {wrong}", path=at)
    out: Plain = {}
    for name, g in a.items():
        more = b[name]
        if isinstance(g, dict) and isinstance(more, dict):
            out[name] = _added(g, more, penalty, (*at, name))
            continue
        if isinstance(g, dict) or isinstance(more, dict) or g.shape != more.shape or g.dtype != more.dtype:
            wanted, got = (described(v) if is_array(v) else "a subtree" for v in (g, more))
            raise ParamsError(f"the gradient of {penalty!r} for {name} must be {wanted}, got {got}", path=at)
        out[name] = total = np.asarray(g + more)
        total.setflags(write=False)
    return out
