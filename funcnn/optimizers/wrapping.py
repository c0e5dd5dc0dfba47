"""Optimizers made of optimizers: for some of the leaves, by groups, with slow weights, with averages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

from funcnn.arguments import counted, is_number, probability
from funcnn.errors import ParamsError, brief
from funcnn.optimizers.definition import Optimizer, apply_updates, optimizer
from funcnn.optimizers.flat import checked_state, flat, pieces_like
from funcnn.params import Gradients, GradientsLike, Params, ParamsLike, Updates, as_params
from funcnn.params.leafwise import tree_map
from funcnn.params.mapping import made
from funcnn.params.packing import own
from funcnn.params.selection import selected
from funcnn.params.trees import Plain, replaced
from funcnn.records import as_argument
from funcnn.types import Array, Where, is_tuple

S = TypeVar("S")


# for some of the leaves -----------------------------------------------------------------------------------------------
@optimizer
def masked(inner: Optimizer[S], where: Where) -> Optimizer[S]:
    """An optimizer, or a part of a chain, for the leaves that `where` chooses; the gradients of others pass through.

    In front of other parts that is what is wanted; at the end of a chain, what passes are gradients and no steps: to
    leave leaves as they are, `by_label({"head/**": adam(1e-3), "**": frozen})`.

    Errors
        TypeError     `inner` is no optimizer
        ParamsError   `where` chooses no leaf
    Source: the form is that of `optax.masked`.

    >>> optimizer = chain(masked(clip_by_global_norm(1.0), "head/**"), sgd(0.1))
    >>> optimizer
    chain(masked(clip_by_global_norm(1.0), 'head/**'), sgd(0.1))
    """
    _checked("masked", inner)

    def init(params: ParamsLike) -> S:
        return inner.init(_part(as_params(params, "init(params)"), where)[0])

    def update(grads: GradientsLike, state: S, params: ParamsLike) -> tuple[Updates, S]:
        g, whole = _trees(grads, params)
        mine, paths = _part(whole, where)
        updates, state = inner.update(_picked(g, paths), state, mine)
        return Updates(g) | Updates(updates), state

    return Optimizer(init, update)


def _checked(name: str, inner: object) -> None:
    if not isinstance(inner, Optimizer):
        raise TypeError(f"{name} takes an optimizer, got {brief(inner)}")


def _trees(grads: GradientsLike, params: ParamsLike) -> tuple[Gradients, Params]:
    """Gradients and params that are alike.

    Errors
        ParamsError, DTypeError   they are not
    """
    p, layout = flat(params)
    pieces_like(layout, grads, p, "grads")
    return Gradients(grads), own(layout, p)


def _part(params: Params, where: Where) -> tuple[Params, list[str]]:
    leaves = {path: params.at(path) for path in params.paths()}
    paths = selected(leaves, where, caller="masked")
    return _picked(params, paths), paths


K = TypeVar("K", Params, Gradients, Updates)


def _picked(tree: K, paths: Sequence[str]) -> K:
    """The leaves at these paths, as a tree of the same kind."""
    out: Plain = {}
    for path in paths:
        out = replaced(out, tuple(path.split("/")), tree.at(path))
    return made(type(tree), out)


# by groups ------------------------------------------------------------------------------------------------------------
@optimizer
def by_label(optimizers: Mapping[str, Optimizer[Any]]) -> Optimizer[tuple[Any, ...]]:
    """An optimizer for every group of params, told by patterns of paths; of several that match, the first one counts.

    `by_label({"head/**": adam(1e-3), "**": frozen})` trains the head alone.

    Errors
        TypeError     no mapping of patterns to optimizers
        ParamsError   a leaf that no pattern matches, a pattern (but "**") that is left no leaf; from `init`
    Source: optax's `multi_transform`; PyTorch's groups of parameters.

    >>> optimizer = by_label({"head/**": sgd(1.0), "**": frozen})
    >>> params = Params({"body": {"w": np.ones(1)}, "head": {"w": np.ones(1)}})
    >>> updates, _ = optimizer.update(Gradients(params), optimizer.init(params), params)
    >>> updates.at("body/w"), updates.at("head/w")
    (array([0.]), array([-1.]))
    """
    if not isinstance(optimizers, Mapping) or not optimizers:
        raise TypeError(f"by_label takes optimizers by patterns of paths, got {brief(optimizers)}")
    for inner in optimizers.values():
        _checked("by_label", inner)
    return by_groups("by_label", tuple(optimizers.items()))


def by_groups(name: str, rows: tuple[tuple[Where, Optimizer[Any]], ...]) -> Optimizer[tuple[Any, ...]]:
    """The optimizer that steps every leaf by the first of those whose `where` chooses it."""

    def groups(params: Params) -> list[list[str]]:
        left = {path: params.at(path) for path in params.paths()}
        found: list[list[str]] = []
        for where, _ in rows:
            if isinstance(where, str) and where != "**" and not left and params.paths():
                raise ParamsError(f"{name}: the patterns before {as_argument(where)} leave no path to it")
            chosen = selected(left, where, caller=name) if left else []
            found.append(chosen)
            left = {path: leaf for path, leaf in left.items() if path not in set(chosen)}
        if left:
            raise ParamsError(f'{name}: no pattern matches {", ".join(left)}; add "**" last for the rest')
        return found

    def init(params: ParamsLike) -> tuple[Any, ...]:
        whole = as_params(params, "init(params)")
        return tuple(
            inner.init(_picked(whole, paths)) for (_, inner), paths in zip(rows, groups(whole), strict=True)
        )

    def update(
        grads: GradientsLike, state: tuple[Any, ...], params: ParamsLike
    ) -> tuple[Updates, tuple[Any, ...]]:
        g, whole = _trees(grads, params)
        if not is_tuple(state) or len(state) != len(rows):
            raise ValueError(f"{name} of {len(rows)} optimizers has a state of as many parts; make it with init")
        out, states = Updates({}), list[Any]()
        for (_, inner), paths, s in zip(rows, groups(whole), state, strict=True):
            updates, s = inner.update(_picked(g, paths), s, _picked(whole, paths))
            out, states = out | Updates(updates), [*states, s]
        return out, tuple(states)

    return Optimizer(init, update)


# slow weights, and averages -------------------------------------------------------------------------------------------
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
    _checked("lookahead", inner)
    every = counted("lookahead", every=every)
    if not (is_number(share) and 0 < share <= 1):
        raise ValueError(f"lookahead: share must be in (0, 1], got {share!r}")
    follow = float(share)

    def followed(slow: Array, fast: Array, u: Array) -> Array:
        return slow + follow * (fast + u - slow)

    def init(params: ParamsLike) -> LookaheadState[S]:
        return LookaheadState(0, as_params(params, "init(params)"), inner.init(params))

    def update(
        grads: GradientsLike, state: LookaheadState[S], params: ParamsLike
    ) -> tuple[Updates, LookaheadState[S]]:
        checked_state("lookahead", state, LookaheadState)
        updates, fast = inner.update(grads, state.fast, params)
        t, slow = state.step + 1, state.slow
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
        return EmaState(0, tree_map(_zero, as_params(params, "init(params)")), 0.0)

    def update(grads: GradientsLike, state: EmaState, params: ParamsLike) -> tuple[Updates, EmaState]:
        checked_state("ema", state, EmaState)
        g, whole = _trees(grads, params)
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


def _zero(p: Array) -> Array:
    return np.zeros_like(p)


# the plainest parts ---------------------------------------------------------------------------------------------------
@optimizer
def set_to_zero() -> Optimizer[tuple[()]]:
    """Updates of zero: what it steps stays. `frozen` is its value.

    Source: `optax.set_to_zero`.

    >>> from funcnn.optimizers import set_to_zero
    >>> set_to_zero().update({"w": np.ones(2)}, (), {"w": np.ones(2)})[0].at("w")
    array([0., 0.])
    """

    def init(params: ParamsLike) -> tuple[()]:
        flat(params)
        return ()

    def update(grads: GradientsLike, state: tuple[()], params: ParamsLike) -> tuple[Updates, tuple[()]]:
        _, whole = _trees(grads, params)
        return Updates(tree_map(_zero, whole)), state

    return Optimizer(init, update)


frozen: Optimizer[tuple[()]] = set_to_zero()
"""The optimizer that leaves params as they are, for groups: `by_label({"head/**": adam(1e-3), "**": frozen})`.

>>> frozen
set_to_zero()
"""
