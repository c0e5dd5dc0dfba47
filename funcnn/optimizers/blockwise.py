"""Optimizers whose update of a number depends on that number alone: written for one block of a vector."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from funcnn.kernels import updates as kernel
from funcnn.optimizers.definition import Optimizer, Update, checked_state, flat, flat_like, pieces_like
from funcnn.params import Params
from funcnn.params.packing import own
from funcnn.schedules import Schedule
from funcnn.types import Array, Tree

Block: TypeAlias = Callable[[Array, Array, Sequence[Array], Sequence[Array]], object]
"""`(g, u, old, new)`: reads gradients and the state, writes the update into `u` and the next state into `new`."""


def blockwise(
    name: str, kind: type[Any], read: Schedule, rule: Callable[[int, float], Block], *, fading: tuple[float, ...] = ()
) -> Optimizer[Any]:
    """The optimizer of `rule(t, rate) -> block`. `kind` is its state, a named tuple of `step` and trees like the params.

    `fading` are the factors by which the state shrinks where there is no gradient, see `kernel.flush_interval`.
    """
    interval = kernel.flush_interval(*fading)
    fields = kind._fields[1:]

    def init(params: Tree) -> Any:
        p, layout = flat(params)
        return kind(0, *(own(layout, np.zeros_like(p)) for _ in fields))

    def advance(grads: Tree, state: Any, params: Tree, *, onto: bool) -> tuple[Params, Any, bool]:
        checked_state(name, state, kind)
        p, layout = flat(params)
        g = pieces_like(layout, grads, p, "grads")
        old = [flat_like(layout, tree, p, f"state/{field}") for field, tree in zip(fields, state[1:], strict=True)]
        t = state.step + 1
        block = rule(t, read(state.step))
        moved, new, finite = kernel.swept(g, old, block, p if onto else None, t % interval == 0)
        return own(layout, moved), kind(t, *(own(layout, v) for v in new)), finite

    return Optimizer(init, Update(advance))
