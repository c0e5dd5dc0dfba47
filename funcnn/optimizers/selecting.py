"""Optimizers of some of the leaves: `masked`, `by_label`, and the one that leaves params as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

from funcnn.errors import ParamsError, brief
from funcnn.optimizers.definition import Optimizer, optimizer, passing
from funcnn.optimizers.flat import flat, pieces_like
from funcnn.params import Gradients, GradientsLike, Params, ParamsLike, Updates, as_params
from funcnn.params.leafwise import tree_map
from funcnn.params.packing import own
from funcnn.params.partitioning import parted, picked
from funcnn.params.selection import selected
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
    refuse_other("masked", inner)
    step = passing(inner)

    def init(params: ParamsLike) -> S:
        return inner.init(parted(as_params(params, "init(params)"), where, caller="masked")[0])

    def update(
        grads: GradientsLike, state: S, params: ParamsLike, *, value: float | None = None
    ) -> tuple[Updates, S]:
        g, whole = alike(grads, params)
        mine: Params = parted(whole, where, caller="masked")[0]
        updates, state, _ = step(picked(g, mine.paths()), state, mine, value)
        return Updates(g) | Updates(updates), state

    return Optimizer(init, update)


def refuse_other(name: str, inner: object) -> None:
    """Refuse what is no optimizer.

    Errors
        TypeError   with what came
    """
    if not isinstance(inner, Optimizer):
        call = f"; call it, {inner.__name__}(1e-3)" if callable(inner) and hasattr(inner, "__name__") else ""
        raise TypeError(f"{name} takes an optimizer, got {brief(inner)}{call}")


def alike(grads: GradientsLike, params: ParamsLike) -> tuple[Gradients, Params]:
    """Gradients and params that are alike.

    Errors
        ParamsError, DTypeError   they are not
    """
    p, layout = flat(params)
    pieces_like(layout, grads, p, "grads")
    return Gradients(grads), own(layout, p)


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
        refuse_other("by_label", inner)
    return by_groups("by_label", tuple(optimizers.items()))


def by_groups(name: str, rows: tuple[tuple[Where, Optimizer[Any]], ...]) -> Optimizer[tuple[Any, ...]]:
    """The optimizer that steps every leaf by the first of those whose `where` chooses it."""

    steps = [passing(inner) for _, inner in rows]

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
            inner.init(picked(whole, paths)) for (_, inner), paths in zip(rows, groups(whole), strict=True)
        )

    def update(
        grads: GradientsLike, state: tuple[Any, ...], params: ParamsLike, *, value: float | None = None
    ) -> tuple[Updates, tuple[Any, ...]]:
        g, whole = alike(grads, params)
        if not is_tuple(state) or len(state) != len(rows):
            raise ValueError(f"{name} of {len(rows)} optimizers has a state of as many parts; make it with init")
        out, states = Updates({}), list[Any]()
        for step, paths, s in zip(steps, groups(whole), state, strict=True):
            updates, s, _ = step(picked(g, paths), s, picked(whole, paths), value)
            out, states = out | Updates(updates), [*states, s]
        return out, tuple(states)

    return Optimizer(init, update)


# the plainest ---------------------------------------------------------------------------------------------------------
def _zero(p: Array) -> Array:
    return np.zeros_like(p)


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
        _, whole = alike(grads, params)
        return Updates(tree_map(_zero, whole)), state

    return Optimizer(init, update)


frozen: Optimizer[tuple[()]] = set_to_zero()
"""The optimizer that leaves params as they are, for groups: `by_label({"head/**": adam(1e-3), "**": frozen})`.

>>> frozen
set_to_zero()
"""
