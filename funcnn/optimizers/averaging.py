"""Optimizers that keep other params beside those they step: slow ones, and running means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from funcnn.arguments import counted, is_number, probability
from funcnn.optimizers.definition import Optimizer, apply_updates, optimizer, passing
from funcnn.optimizers.flat import checked_state
from funcnn.optimizers.selecting import alike, refuse_other
from funcnn.params import GradientsLike, Params, ParamsLike, Updates, as_params
from funcnn.params.leafwise import tree_map
from funcnn.types import Array, is_tuple

S = TypeVar("S")


class LookaheadState(NamedTuple, Generic[S]):
    """`step` updates have been made; the slow params, and the state of the fast optimizer."""

    step: int
    slow: Params
    fast: S


@optimizer
def lookahead(inner: Optimizer[S], every: int = 6, share: float = 0.5) -> Optimizer[LookaheadState[S]]:
    """Slow params that follow fast ones: after `every` steps of `inner`, `slow' = slow + share (fast - slow)`, and the
    fast ones go on from there.

    Errors
        TypeError    `inner` is no optimizer
        ValueError   `every` is less than one, `share` not in (0, 1]
    Source: Zhang et al., Lookahead Optimizer: k steps forward, 1 step back (NeurIPS 2019), algorithm 1.

    >>> lookahead(sgd(0.1), every=5)
    lookahead(sgd(0.1), every=5)
    """
    refuse_other("lookahead", inner)
    every = counted("lookahead", every=every)
    if not (is_number(share) and 0 < share <= 1):
        raise ValueError(f"lookahead: share must be in (0, 1], got {share!r}")
    follow, step = float(share), passing(inner)

    def followed(slow: Array, fast: Array, u: Array) -> Array:
        return slow + follow * (fast + u - slow)

    def init(params: ParamsLike) -> LookaheadState[S]:
        return LookaheadState(0, as_params(params, "init(params)"), inner.init(params))

    def update(
        grads: GradientsLike, state: LookaheadState[S], params: ParamsLike, *, value: float | None = None
    ) -> tuple[Updates, LookaheadState[S]]:
        checked_state("lookahead", state, LookaheadState)
        moved, fast, _ = step(grads, state.fast, params, value)
        updates, t, slow = Updates(moved), state.step + 1, state.slow
        if t % every == 0:
            now = as_params(params, "update(grads, state, params)")
            slow = tree_map(followed, slow, now, updates)
            updates = Updates(tree_map(np.subtract, slow, now))
        return updates, LookaheadState(t, slow, fast)

    return Optimizer(init, update)


class EmaState(NamedTuple):
    """`step` updates have been made; `mean` is the running sum of the params after each, see `averaged`; and 1 - decay
    to the power of steps, which it is to be divided by."""

    step: int
    mean: Params
    weight: float


@optimizer
def ema(decay: float = 0.999) -> Optimizer[EmaState]:
    """The running mean of the params, the last part of a chain: updates pass through, `averaged(state)` reads the mean.

    `mean' = decay mean + (1 - decay) (p + u)`, corrected for its start. Evaluate with it, train with the others.

    Errors
        ValueError   `decay` is not in [0, 1)
    Source: Polyak & Juditsky, Acceleration of Stochastic Approximation by Averaging (1992), with weights that fade.

    >>> optimizer = chain(sgd(1.0), ema(0.5))
    >>> params = Params({"w": np.zeros(1)})
    >>> params, state = optimizer.step({"w": np.array([-1.0])}, optimizer.init(params), params)
    >>> params, state = optimizer.step({"w": np.array([-1.0])}, state, params)
    >>> params.at("w"), averaged(state).at("w").round(4)       # (0.25 * 1 + 0.5 * 2) / 0.75
    (array([2.]), array([1.6667]))
    """
    probability("ema", decay=decay)
    kept = float(decay)

    def faded(mean: Array, p: Array) -> Array:
        return kept * mean + (1 - kept) * p

    def init(params: ParamsLike) -> EmaState:
        return EmaState(0, tree_map(np.zeros_like, as_params(params, "init(params)")), 0.0)

    def update(grads: GradientsLike, state: EmaState, params: ParamsLike) -> tuple[Updates, EmaState]:
        checked_state("ema", state, EmaState)
        g, whole = alike(grads, params)
        updates = Updates(g)
        after = apply_updates(whole, updates)
        mean = tree_map(faded, state.mean, after)
        return updates, EmaState(state.step + 1, mean, kept * state.weight + (1 - kept))

    return Optimizer(init, update)


def averaged(state: object) -> Params:
    """The running mean of the params, out of the state of an optimizer that has `ema` in it.

    Errors
        TypeError    there is none, or there are several
        ValueError   no step has been made
    """
    found = list(_averages(state))
    if len(found) != 1:
        raise TypeError(f"averaged takes the state of an optimizer with one ema in it, found {len(found)}")
    mean, weight = found[0].mean, found[0].weight
    if not weight:
        raise ValueError("averaged: no step has been made yet, there is nothing to average")

    def corrected(m: Array) -> Array:
        return m / weight

    return tree_map(corrected, mean)


def _averages(state: object) -> Sequence[EmaState]:
    if isinstance(state, EmaState):
        return (state,)
    return tuple(found for part in state for found in _averages(part)) if is_tuple(state) else ()
