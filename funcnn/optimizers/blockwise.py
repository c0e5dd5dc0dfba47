"""Optimizers whose update of a number depends on that number alone: written for one block of a vector."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from funcnn.kernels import updates as kernel
from funcnn.kernels.sweeps import Block
from funcnn.optimizers.definition import Optimizer, sweeping
from funcnn.optimizers.flat import checked_state, flat, flat_like
from funcnn.optimizers.groups import Table, grouping
from funcnn.params import ParamsLike
from funcnn.params.layouts import Layout
from funcnn.params.packing import own
from funcnn.schedules import Schedule
from funcnn.types import Array


def blockwise(
    name: str,
    kind: type[Any],
    read: Schedule,
    rule: Callable[..., Block],
    *tables: Table,
    fading: tuple[float, ...] = (),
    still: bool = False,
    unused: tuple[str, ...] = (),
) -> Optimizer[Any]:
    """The optimizer of `rule(t, rate, *told) -> block`, where `block(g, u, p, old, new)` writes the updates of some
    numbers into `u` and their next state into `new`.

    `kind` is its state, a named tuple of `step` and trees like the params; `t` counts from one. The `tables` tell
    numbers of leaves: a block is made once a step for every group of leaves of which the same is told, and never
    crosses the border of its group. `fading` are the factors by which the state shrinks where there is no gradient, see
    `kernel.flush_interval`. `still` says that where the gradient is zero nothing moves, the state neither, and that
    there are no tables: the step of an embedding then looks at the rows in use alone. Fields of the state
    that are `unused` stay as they are, and the rule does not get them.

    >>> import numpy as np
    >>> from typing import NamedTuple
    >>> from funcnn.optimizers.blockwise import blockwise
    >>> from funcnn.optimizers.groups import Table
    >>> class SignState(NamedTuple):
    ...     step: int
    >>> def rule(t, rate, factor):
    ...     return lambda g, u, p, old, new: np.multiply(np.sign(g), -rate * factor, u)
    >>> signs = blockwise("signs", SignState, lambda step: 0.5, rule, Table((("head/*", 0.1),), 1.0))
    >>> params = Params({"body": {"w": np.ones(2)}, "head": {"w": np.ones(2)}})
    >>> updates, state = signs.update(Gradients(params), signs.init(params), params)
    >>> updates.at("body/w"), updates.at("head/w"), state
    (array([-0.5, -0.5]), array([-0.05, -0.05]), SignState(step=1))
    """
    interval = kernel.flush_interval(*fading)
    fields = kind._fields[1:]
    used = [field for field in fields if field not in unused]
    groups = grouping(name, *tables)

    def init(params: ParamsLike) -> Any:
        p, layout = flat(params)
        groups(p, layout)
        return kind(0, *(own(layout, np.zeros_like(p)) for _ in fields))

    def sweep(g: list[Array], state: Any, p: Array, layout: Layout, onto: Array | None) -> tuple[Array, Any, bool]:
        checked_state(name, state, kind)
        trees = {field: flat_like(layout, getattr(state, field), p, f"state/{field}") for field in fields}
        old = [trees[field] for field in used]
        t, rate = state.step + 1, read(state.step)
        blocks: dict[tuple[float, ...], Block] = {}
        spans: list[kernel.Span] = []
        for start, end, told in groups(p, layout):
            if told not in blocks:
                blocks[told] = rule(t, rate, *told)
            spans.append(kernel.Span(start, end, blocks[told]))
        moved, new, finite = kernel.swept(g, p, old, spans, onto, t % interval == 0, still)
        after = dict(zip(used, new, strict=True))
        return moved, kind(t, *(own(layout, after.get(field, trees[field])) for field in fields)), finite

    return Optimizer(init, sweeping(sweep))
