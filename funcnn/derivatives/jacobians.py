"""Whole derivatives: the Jacobian of a network, and the gradients of every example by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, TypeVar

import numpy as np

from funcnn.calculus import force
from funcnn.cotangents import read_only
from funcnn.derivatives.forward import at_network, key_of
from funcnn.derivatives.objectives import checked_apply
from funcnn.derivatives.stepping import analytic, derivative, moved, ordered
from funcnn.errors import brief
from funcnn.foreign.calls import understood
from funcnn.keys import Rng
from funcnn.nested import arrays, like
from funcnn.networks import Apply
from funcnn.types import Tree

X = TypeVar("X")
Y = TypeVar("Y")


@understood
def jacobian(
    apply: Apply[X, Y],
    params: Tree,
    x: X,
    *,
    by: Literal["x", "params"] = "x",
    mode: Literal["forward", "reverse"] | None = None,
    rng: Rng | None = None,
) -> Any:
    """All derivatives of the value by the input, or by the params.

    `mode` says how: "reverse" pulls every number of y back, "forward" steps along every number of the input (or of the
    params) by a complex step; without it, the way of fewer passes. Both give the same to rounding. Tokens and masks
    have zeros. Rows are examples like any numbers: the Jacobian of a batch by the batch is mostly zeros, so give one
    example, or take `jvp`, where that is not wanted.

    Shapes
        value   y.shape + x.shape, or a dict like the params of y.shape + leaf.shape; where x is a tuple, a tuple of
                those; where y is a tuple, a tuple of all that, an item for every item of y
    Errors
        as for calling `apply`, and
        ValueError         `by` or `mode` is none of these
        NotAnalyticError   forwards, where a layer that is not the library's own loses imaginary parts
        TypeError          `apply` is none
    Source: Griewank & Walther, Evaluating Derivatives (2008), sections 3.1 and 3.2.

    >>> net = Dense(2)
    >>> _, params = net.init(0, (-1, 3))
    >>> j = jacobian(net.apply, params, np.ones((1, 3), np.float32))
    >>> j.shape, bool((j[0, :, 0] == params.at("w").T).all())
    ((1, 2, 1, 3), True)
    >>> jacobian(net.apply, params, np.ones((1, 3), np.float32), by="params")["b"].shape
    (1, 2, 2)
    """
    checked_apply("jacobian", apply)
    if not isinstance(by, str) or by not in ("x", "params"):
        raise ValueError(f"jacobian: by must be 'x' or 'params', got {brief(by)}")
    if mode is not None and not (isinstance(mode, str) and mode in ("forward", "reverse")):
        raise ValueError(f"jacobian: mode must be 'forward', 'reverse' or None, got {brief(mode)}")
    key = key_of(apply, rng)
    with at_network(apply):
        tree, inner = apply.door.enter(params, x)
        y, back = apply.rule(tree, inner, *key)
        around = inner if by == "x" else tree
        outs, ins = list(arrays(y)), list(arrays(around))
        dtype = next((a.dtype for a in (*outs, *ins) if a.dtype.kind == "f"), np.dtype(np.float32))
        blocks = [[np.zeros((*a.shape, *b.shape), dtype) for b in ins] for a in outs]
        fewer = "forward" if sum(b.size for b in ins) < sum(a.size for a in outs) else "reverse"
        if (mode or fewer) == "forward":
            analytic(apply.definition, tree, inner, key)
            for j, index, d in _units(ins):
                v = like(around, iter(d))
                moving = (tree, moved(inner, v, 1.0)) if by == "x" else (moved(tree, v, 1.0), inner)
                column = derivative(apply.value(*moving, *key), y, 1.0)
                place: Any = (..., *index)
                for i, dy in enumerate(arrays(column)):
                    blocks[i][j][place] = dy
        else:
            for i, index, d in _units(outs):
                dparams, dx = back(read_only(like(y, iter(d))))
                for j, row in enumerate(arrays(force(dx) if by == "x" else ordered(dparams, tree))):
                    blocks[i][j][index] = row
    return like(y, (like(around, map(read_only, row)) for row in blocks))


def _units(leaves: list[Any]) -> Iterator[tuple[int, tuple[int, ...], list[Any]]]:
    """Every direction in which one number moves: which array it is in, where, and arrays like these, zero but for it."""
    for i, leaf in enumerate(leaves):
        if leaf.dtype.kind == "f":
            for index in np.ndindex(leaf.shape):
                d = [np.zeros(a.shape, a.dtype if a.dtype.kind == "f" else np.float32) for a in leaves]
                d[i][index] = 1
                yield i, index, d
