"""Optimizers out of optimizers, and the parts they are made of."""

from __future__ import annotations

import math
from typing import Any, TypeVar, cast, overload

from funcnn.arguments import finite_positive
from funcnn.errors import brief
from funcnn.kernels import updates as kernel
from funcnn.optimizers.definition import (
    Optimizer,
    Update,
    advancing,
    apply_updates,
    flat,
    is_plain,
    optimizer,
    passing,
    pieces_like,
)
from funcnn.params import ArrayTree, ParamsLike, Updates
from funcnn.params.packing import own
from funcnn.types import Tree, is_tuple

S0 = TypeVar("S0")
S1 = TypeVar("S1")
S2 = TypeVar("S2")
S3 = TypeVar("S3")
S4 = TypeVar("S4")
S5 = TypeVar("S5")


@optimizer
def clip_by_global_norm(max_norm: float) -> Optimizer[tuple[()]]:
    """Gradients whose norm over all leaves is more than `max_norm` are scaled to it, `g min(1, max_norm / |g|)`.

    It gives gradients, not steps: `chain(clip_by_global_norm(1.0), sgd(0.1))`. The norm is computed in float64.
    Gradients that are not finite are passed on as they are, for whoever looks for them.

    Errors
        ValueError   `max_norm` is not positive and finite
    Source: Pascanu, Mikolov & Bengio, On the difficulty of training Recurrent Neural Networks (ICML 2013), algorithm 1.

    >>> clip = clip_by_global_norm(1.0)
    >>> params = {"a": np.zeros(1), "b": np.zeros(1)}
    >>> grads = {"a": np.array([3.0]), "b": np.array([4.0])}
    >>> clipped, _ = clip.update(grads, clip.init(params), params)
    >>> clipped.at("a"), clipped.at("b")
    (array([0.6]), array([0.8]))
    """
    finite_positive("clip_by_global_norm", max_norm=max_norm)
    limit = float(max_norm)

    def init(params: Tree) -> tuple[()]:
        flat(params)
        return ()

    def advance(grads: Tree, state: tuple[()], params: Tree, *, onto: bool) -> tuple[ArrayTree, tuple[()], bool]:
        p, layout = flat(params)
        g = pieces_like(layout, grads, p, "grads")
        size = kernel.norm(g)
        scale = limit / size if limit < size < math.inf else 1.0
        moved, finite = kernel.descended(g, scale, p if onto else None)
        return own(layout, moved), state, finite

    return Optimizer(init, Update(advance))


# One overload per arity, for the exact type of the state.
# fmt: off
@overload
def chain() -> Optimizer[tuple[()]]: ...
@overload
def chain(o0: Optimizer[S0], /) -> Optimizer[tuple[S0]]: ...
@overload
def chain(o0: Optimizer[S0], o1: Optimizer[S1], /) -> Optimizer[tuple[S0, S1]]: ...
@overload
def chain(o0: Optimizer[S0], o1: Optimizer[S1], o2: Optimizer[S2], /) -> Optimizer[tuple[S0, S1, S2]]: ...
@overload
def chain(o0: Optimizer[S0], o1: Optimizer[S1], o2: Optimizer[S2], o3: Optimizer[S3], /) -> Optimizer[tuple[S0, S1, S2, S3]]: ...
@overload
def chain(o0: Optimizer[S0], o1: Optimizer[S1], o2: Optimizer[S2], o3: Optimizer[S3], o4: Optimizer[S4], /) -> Optimizer[tuple[S0, S1, S2, S3, S4]]: ...
@overload
def chain(o0: Optimizer[S0], o1: Optimizer[S1], o2: Optimizer[S2], o3: Optimizer[S3], o4: Optimizer[S4], o5: Optimizer[S5], /) -> Optimizer[tuple[S0, S1, S2, S3, S4, S5]]: ...
@overload
def chain(*optimizers: Optimizer[Any]) -> Optimizer[tuple[Any, ...]]: ...
# fmt: on
@optimizer
def chain(*optimizers: Optimizer[Any]) -> Optimizer[Any]:
    """Optimizers in a row: what one gives, the next one takes as gradients. The state is the tuple of their states.

    Errors
        TypeError    an argument is no optimizer
        ValueError   the state has another length
    Source: optax's `chain`.

    >>> chain(clip_by_global_norm(1.0), adam(1e-3))
    chain(clip_by_global_norm(1.0), adam(0.001))
    """
    for i, o in enumerate(optimizers):
        if not isinstance(o, Optimizer):
            hint = f"; call it, {o.__name__}(...)" if callable(o) and hasattr(o, "__name__") else ""
            raise TypeError(f"chain takes optimizers, argument {i} is {type(o).__name__} {o!r:.60}{hint}")

    passed: list[Any] = [passing(o) for o in optimizers]
    onto_params: list[Any] = [*passed[:-1], *map(advancing, optimizers[-1:])]

    def init(params: ParamsLike) -> tuple[Any, ...]:
        return tuple(o.init(params) for o in optimizers)

    def advance(
        grads: Tree, state: tuple[Any, ...], params: Tree, *, onto: bool
    ) -> tuple[ArrayTree, tuple[Any, ...], bool]:
        if not is_tuple(state) or len(state) != len(optimizers):
            got = len(state) if is_tuple(state) else brief(state)
            n = len(optimizers)
            raise ValueError(f"this chain of {n} has a state of {n} parts, got {got}; make it with init")
        if not optimizers:
            return (apply_updates(cast(Any, params), Updates(grads)) if onto else Updates(grads)), (), False
        states: list[Any] = []
        moved: Any = grads
        at: Any = params
        finite = True
        for step, s in zip(onto_params if onto else passed, state, strict=True):
            moved, s, seen = step(moved, s, at)
            finite = finite and seen
            states.append(s)
        return moved, tuple(states), finite

    return Optimizer(init, Update(advance, all(map(is_plain, optimizers))))
