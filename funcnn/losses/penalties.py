"""Penalties: differentiable functions of params, which objectives add to the loss."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypeVar, cast

import numpy as np

from funcnn.arguments import is_number
from funcnn.calculus import Differentiable
from funcnn.inputs import COMPUTED, refuse_stored
from funcnn.kernels.sums import product
from funcnn.params import plain_tree
from funcnn.params.selection import selected
from funcnn.params.trees import Plain, flatten, mapped
from funcnn.records import recording
from funcnn.types import Array, Tree, Where

F = TypeVar("F", bound=Callable[..., Any])

Back: TypeAlias = Callable[[float], tuple[Plain]]

Penalty: TypeAlias = Differentiable[[Tree], float, tuple[Tree]]
"""A differentiable function of params that an objective adds: `l2(1e-4)`."""


def _recorded(make: F) -> F:
    """Record the calls of a function that makes penalties, so that these print as source, compare and pickle."""
    return recording(make, lambda record, made: Differentiable(made.rule, record))


@_recorded
def l1(rate: float, *, where: Where = None) -> Penalty:
    """The sum of absolute values, `rate * sum |w|`, over matrices only, unless `where` says otherwise.

    Shapes
        params   any tree
    Errors
        ValueError    `rate` is negative or no finite number
        ParamsError   `where` chooses no leaf
    Pullback
        dw = rate sign(w) d, where sign(0) = 0; fresh zeros for the leaves that are left out
    Source: Goodfellow, Bengio & Courville, Deep Learning (2016), section 7.1.2.

    >>> l1(0.1)({"w": np.array([[3.0, -4.0]]), "b": np.array([9.0])})
    0.7000000000000001
    """
    return _penalty("l1", _l1, rate, where)


@_recorded
def l2(rate: float, *, where: Where = None) -> Penalty:
    """The sum of squares, `rate * sum w^2`, no factor of one half, over matrices only, unless `where` says otherwise.

    Shapes
        params   any tree
    Errors
        ValueError    `rate` is negative or no finite number
        ParamsError   `where` chooses no leaf
    Pullback
        dw = 2 rate w d; fresh zeros for the leaves that are left out
    Source: Bishop, Pattern Recognition and Machine Learning (2006), equation 3.27, whose rate is twice this one.

    >>> penalty = l2(0.5, where="**/w")
    >>> value, pullback = vjp(penalty, {"w": np.array([[3.0, -4.0]]), "b": np.array([9.0])})
    >>> value, pullback(1.0)
    (12.5, ({'w': array([[ 3., -4.]]), 'b': array([0.])},))
    """
    return _penalty("l2", _l2, rate, where)


@_recorded
def elastic_net(rate: float, l1_ratio: float = 0.5, *, where: Where = None) -> Penalty:
    """Both penalties, `rate * (l1_ratio sum |w| + (1 - l1_ratio) / 2 sum w^2)`, over matrices only, as `where` says.

    Shapes
        params   any tree
    Errors
        ValueError    `rate` is negative or no finite number, `l1_ratio` outside [0, 1]
        ParamsError   `where` chooses no leaf
    Pullback
        dw = rate (l1_ratio sign(w) + (1 - l1_ratio) w) d; fresh zeros for the leaves that are left out
    Source: Zou & Hastie, Regularization and Variable Selection via the Elastic Net (2005), section 2; parametrised as in
    scikit-learn.

    >>> elastic_net(0.5, 0.5)({"w": np.array([[3.0, -4.0]]), "b": np.array([9.0])})
    4.875
    """
    if not (is_number(l1_ratio) and 0 <= l1_ratio <= 1):
        raise ValueError(f"elastic_net: l1_ratio must be in [0, 1], got {l1_ratio!r}")
    return _penalty("elastic_net", functools.partial(_elastic, float(l1_ratio)), rate, where)


def _elastic(ratio: float, rate: float, where: Where, params: Tree) -> tuple[float, Back]:
    sizes, back = _l1(rate * ratio, where, params, "elastic_net")
    squares, more = _l2(rate * (1 - ratio) / 2, where, params, "elastic_net")
    return sizes + squares, lambda d: (mapped(np.add, back(d)[0], more(d)[0]),)


def _l1(rate: float, where: Where, params: Tree, name: str = "l1") -> tuple[float, Back]:
    leaves, chosen = _chosen(name, params, where)
    signs = {path: np.sign(w.real).astype(w.dtype) for path, w in chosen.items()}  # |w| = sign(Re w) w is analytic
    value = rate * sum(product(signs[path].reshape(-1), w.reshape(-1)) for path, w in chosen.items())
    return value, lambda d: (_gradients(leaves, signs, rate * d),)


def _l2(rate: float, where: Where, params: Tree, name: str = "l2") -> tuple[float, Back]:
    leaves, chosen = _chosen(name, params, where)
    flats = [w.reshape(-1) for w in chosen.values()]
    return rate * sum(product(w, w) for w in flats), lambda d: (_gradients(leaves, chosen, 2 * rate * d),)


def _penalty(name: str, rule: Callable[..., Any], rate: float, where: Where) -> Penalty:
    if not (is_number(rate) and 0 <= rate < float("inf")):
        raise ValueError(f"{name}: rate must be a finite number of at least 0, got {rate!r}")
    return Differentiable(functools.partial(rule, float(rate), where))


def _chosen(caller: str, params: Tree, where: Where) -> tuple[dict[str, Array], dict[str, Array]]:
    """All leaves by their paths, and those the penalty is about."""
    leaves = {"/".join(path): w for path, w in flatten(plain_tree(params))}
    for path, w in leaves.items():
        if w.dtype not in COMPUTED:
            refuse_stored(f"{caller}: {path} is", w.dtype, "astype(params, np.{wide})")
    return leaves, {path: leaves[path] for path in selected(leaves, where, caller=caller)}


def _gradients(leaves: Mapping[str, Array], chosen: Mapping[str, Array], scale: float) -> Plain:
    """The tree of `scale` times the chosen leaves, in their dtypes, and of zeros."""
    out: Plain = {}
    for path, w in leaves.items():
        c, below = chosen.get(path), out
        *parents, last = path.split("/")
        for name in parents:
            below = cast(Plain, below.setdefault(name, {}))
        below[last] = np.zeros(w.shape, w.dtype) if c is None else np.multiply(c, scale, dtype=w.dtype)
    return out
