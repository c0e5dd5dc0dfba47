"""Optimizers that look at whole leaves: their norms, their rows and columns."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from funcnn.optimizers.definition import Optimizer
from funcnn.optimizers.flat import checked_state, flat, flat_like, pieces_like
from funcnn.optimizers.formulas import Formula
from funcnn.params import GradientsLike, ParamsLike, Updates, plain, wrap
from funcnn.params.trees import Plain
from funcnn.schedules import Rate
from funcnn.schedules.definition import rates
from funcnn.types import Array, is_mapping


def by_leaf(
    name: str, kind: type[Any], rate: Rate, start: Callable[[Array], tuple[Array, ...]], formula: Formula
) -> Optimizer[Any]:
    """The optimizer of a formula that is called leaf by leaf, `(t, rate, g, p, *state) -> (update, *next_state)`.

    `kind` is its state, a named tuple of `step` and trees with a leaf for every leaf of the params, of any shape;
    `start(p)` gives the first ones.
    """
    read = rates(rate, where=name)
    fields = len(kind._fields) - 1

    def init(params: ParamsLike) -> Any:
        p, layout = flat(params)
        first = _mapped(start, layout.views(p))
        return kind(0, *(wrap(_item(first, i)) for i in range(fields)))

    def update(grads: GradientsLike, state: Any, params: ParamsLike) -> tuple[Updates, Any]:
        checked_state(name, state, kind)
        p, layout = flat(params)
        pieces_like(layout, grads, p, "grads")
        g = layout.views(flat_like(layout, grads, p, "grads"))
        t, step = state.step + 1, read(state.step)
        done = _mapped(functools.partial(formula, t, step), g, layout.views(p), *map(plain, state[1:]))
        return wrap(_item(done, 0), kind=Updates), kind(t, *(wrap(_item(done, i)) for i in range(1, fields + 1)))

    return Optimizer(init, update)


def _mapped(f: Callable[..., tuple[Array, ...]], tree: Plain, *rest: Any) -> Any:
    """What `f` gives for the leaves of trees alike: a tree of tuples."""
    return {
        name: _mapped(f, leaf, *(t[name] for t in rest)) if isinstance(leaf, dict) else f(leaf, *(t[name] for t in rest))
        for name, leaf in tree.items()
    }


def _item(tree: Any, i: int) -> Any:
    """One item of every tuple of a tree, as a fresh array that nobody can write to."""
    if is_mapping(tree):
        return {name: _item(value, i) for name, value in tree.items()}
    array: Any = np.array(tree[i], order="C")
    array.setflags(write=False)
    return array


def norm(x: Array) -> float:
    """The length of a leaf, summed in float64."""
    return float(np.sqrt(np.sum(np.square(x, dtype=np.float64))))
