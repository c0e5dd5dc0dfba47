"""Optimizers written as a formula: gradients, params and state of some numbers to their updates and next state."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from funcnn.kernels.sweeps import Block
from funcnn.optimizers.blockwise import blockwise
from funcnn.optimizers.definition import Optimizer
from funcnn.schedules import Rate
from funcnn.schedules.definition import rates
from funcnn.types import Array

Formula: TypeAlias = "Callable[..., tuple[Array, ...]]"
"""`(t, rate, g, p, *state) -> (update, *next_state)`; t counts from one."""


def by_formula(
    name: str,
    kind: type[Any],
    rate: Rate,
    formula: Formula,
    *,
    fading: tuple[float, ...] = (),
    still: bool = False,
    unused: tuple[str, ...] = (),
) -> Optimizer[Any]:
    """The optimizer of a formula, which must treat numbers one by one: it is called for blocks that stay in the cache.

    `kind` is its state, a named tuple of `step` and trees like the params, zeros at first; `fading`, `still` and
    `unused` as for `blockwise`.

    >>> from typing import NamedTuple
    >>> from funcnn.optimizers.formulas import by_formula
    >>> class SumState(NamedTuple):
    ...     step: int
    ...     total: Params
    >>> sums = by_formula("sums", SumState, 0.5, lambda t, rate, g, p, total: (-rate * (total + g), total + g))
    >>> params = Params({"w": np.ones(2)})
    >>> updates, state = sums.update(Gradients(params), sums.init(params), params)
    >>> updates.at("w"), state.total.at("w")
    (array([-0.5, -0.5]), array([1., 1.]))
    """

    def rule(t: int, rate: float) -> Block:
        def block(g: Array, u: Array, p: Array, old: Sequence[Array], new: Sequence[Array]) -> None:
            moved, *states = formula(t, rate, g, p, *old)
            np.copyto(u, moved, "same_kind")
            for place, state in zip(new, states, strict=True):
                np.copyto(place, state, "same_kind")

        return block

    return blockwise(name, kind, rates(rate, where=name), rule, fading=fading, still=still, unused=unused)


def mean(old: Array, x: Array, b: float) -> Array:
    """A running mean, `b old + (1 - b) x`."""
    new: Array = old * b
    new += x * (1 - b)
    return new


def mean_square(old: Array, x: Array, b: float) -> Array:
    """A running mean of squares, `b old + (1 - b) x^2`, finite wherever it has room: the factor is in the square."""
    square: Array = x * math.sqrt(1 - b)
    square *= square
    square += old * b
    return square
