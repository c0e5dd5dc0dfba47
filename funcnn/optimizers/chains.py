"""Optimizers out of optimizers, and the parts they are made of."""

from __future__ import annotations

import math
from typing import Any, overload

from funcnn.arguments import finite_positive
from funcnn.errors import brief
from funcnn.kernels import updates as kernel
from funcnn.kernels.row_updates import has_rows
from funcnn.kernels.tables import times
from funcnn.optimizers.definition import (
    Optimizer, Update, advancing, apply_updates, is_plain, optimizer, passing, sweeping,
)  # fmt: skip
from funcnn.optimizers.flat import flat, pieces_like
from funcnn.params import GradientsLike, Params, ParamsLike, Updates, wrap
from funcnn.params.layouts import Layout
from funcnn.params.packing import own
from funcnn.types import T0, T1, T2, T3, T4, T5, Array, is_tuple


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

    def init(params: ParamsLike) -> tuple[()]:
        flat(params)
        return ()

    def scale(g: list[Array]) -> float:
        size = kernel.norm(g)
        return limit / size if limit < size < math.inf else 1.0

    def sweep(
        g: list[Array], state: tuple[()], p: Array, layout: Layout, onto: Array | None
    ) -> tuple[Array, tuple[()], bool]:
        moved, finite = kernel.descended(g, scale(g), onto)
        return moved, state, finite

    def updates(
        grads: GradientsLike, state: tuple[()], params: ParamsLike, value: float | None
    ) -> tuple[Updates, tuple[()], bool]:
        p, layout = flat(params)
        g = pieces_like(layout, grads, p, "grads")
        if has_rows(g):
            factor = scale(g)
            return wrap(layout.tree(times(piece, factor) for piece in g), kind=Updates), state, True
        moved, _, seen = sweep(g, state, p, layout, None)
        return own(layout, moved, Updates), state, seen

    return Optimizer(init, Update(updates, sweeping(sweep).applied))


# One overload per arity, for the exact type of the state.
# fmt: off
@overload
def chain() -> Optimizer[tuple[()]]: ...
@overload
def chain(o0: Optimizer[T0], /) -> Optimizer[tuple[T0]]: ...
@overload
def chain(o0: Optimizer[T0], o1: Optimizer[T1], /) -> Optimizer[tuple[T0, T1]]: ...
@overload
def chain(o0: Optimizer[T0], o1: Optimizer[T1], o2: Optimizer[T2], /) -> Optimizer[tuple[T0, T1, T2]]: ...
@overload
def chain(o0: Optimizer[T0], o1: Optimizer[T1], o2: Optimizer[T2], o3: Optimizer[T3], /) -> Optimizer[tuple[T0, T1, T2, T3]]: ...
@overload
def chain(o0: Optimizer[T0], o1: Optimizer[T1], o2: Optimizer[T2], o3: Optimizer[T3], o4: Optimizer[T4], /) -> Optimizer[tuple[T0, T1, T2, T3, T4]]: ...
@overload
def chain(o0: Optimizer[T0], o1: Optimizer[T1], o2: Optimizer[T2], o3: Optimizer[T3], o4: Optimizer[T4], o5: Optimizer[T5], /) -> Optimizer[tuple[T0, T1, T2, T3, T4, T5]]: ...
@overload
def chain(*optimizers: Optimizer[Any]) -> Optimizer[tuple[Any, ...]]: ...
# fmt: on
@optimizer
def chain(*optimizers: Optimizer[Any]) -> Optimizer[Any]:
    """Optimizers in a row: what one gives, the next one takes as gradients. The state is the tuple of their states.

    A `value=` of the objective goes to every part that takes it.

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
            hint = "; give them one by one, chain(clip_by_global_norm(1.0), adam(0.1))" if isinstance(o, list) else hint
            raise TypeError(f"chain takes optimizers, argument {i} is {type(o).__name__} {o!r:.60}{hint}")

    steps: list[Any] = [passing(o) for o in optimizers]
    last: list[Any] = [*steps[:-1], *map(advancing, optimizers[-1:])]

    def init(params: ParamsLike) -> tuple[Any, ...]:
        return tuple(o.init(params) for o in optimizers)

    def through(
        row: list[Any], grads: Any, state: Any, params: Any, value: float | None
    ) -> tuple[Any, tuple[Any, ...], bool]:
        if not is_tuple(state) or len(state) != len(optimizers):
            got = len(state) if is_tuple(state) else brief(state)
            n = len(optimizers)
            raise ValueError(f"this chain of {n} has a state of {n} parts, got {got}; make it with init")
        states: list[Any] = []
        finite = True
        for step, s in zip(row, state, strict=True):
            grads, s, seen = step(grads, s, params, value)
            finite = finite and seen
            states.append(s)
        return grads, tuple(states), finite

    def updates(
        grads: GradientsLike, state: Any, params: ParamsLike, value: float | None
    ) -> tuple[Updates, Any, bool]:
        moved, state, finite = through(steps, grads, state, params, value)
        return Updates(moved), state, finite

    def applied(
        grads: GradientsLike, state: Any, params: ParamsLike, value: float | None
    ) -> tuple[Params, Any, bool]:
        moved, state, finite = through(last, grads, state, params, value)
        return (moved, state, finite) if optimizers else (apply_updates(params, Updates(moved)), state, False)

    return Optimizer(init, Update(updates, applied, all(map(is_plain, optimizers))))
