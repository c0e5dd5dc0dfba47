"""The gradients of every example by itself."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from funcnn.array_kinds import as_array
from funcnn.calculus import Later, force
from funcnn.derivatives.forward import at_network
from funcnn.derivatives.objectives import Objective, checked_objective
from funcnn.derivatives.opened import Opened
from funcnn.derivatives.stepping import ordered
from funcnn.errors import ParamsError, ShapeError
from funcnn.foreign.calls import understood
from funcnn.nested import arrays, mapped
from funcnn.networks.children import no_params
from funcnn.networks.definitions import Definition
from funcnn.networks.rebuilding import Path, rebuilt
from funcnn.params import Gradients, ParamsLike, wrap
from funcnn.shapes import display
from funcnn.types import is_tuple

X = TypeVar("X")
Y = TypeVar("Y")
T = TypeVar("T")


@understood
def per_example_grads(objective: Objective[X, Y, T], params: ParamsLike, x: X, target: T) -> Gradients:
    """The gradient of the objective for every example alone: what `grad` gives for each row, one after the other.

    It is inference, where rows do not depend on each other: no key. The network runs once on all rows; only the layers
    with params go row by row, Dense as one product; the whole of it where a part has other rows than examples, as in
    `map_over`, or a combinator has params of its own. The mean over examples is the gradient of a loss that is a mean,
    their sum that of a sum. Penalties count for each.

    Shapes
        x, target   with a row for every example
        value       a tree like the params, each leaf (examples, *leaf.shape)
    Errors
        as for the objective, and
        TypeError    it is no objective, see `value_and_grad`
        ShapeError   a layer with params does not get a row for every example, and one example alone is refused too; by
                     its path
    Source: Goodfellow, Efficient Per-Example Gradient Computations (2015).

    >>> net = Dense(1)
    >>> _, params = net.init(0, (-1, 2))
    >>> x, target = np.ones((4, 2), np.float32), np.zeros((4, 1), np.float32)
    >>> grads = per_example_grads(value_and_grad(squared_error, net.apply), params, x, target)
    >>> grads.at("w").shape
    (4, 2, 1)
    """
    checked_objective("per_example_grads", objective)
    run = Opened(objective, params, x, target, None, None)
    target = _given(target)
    with at_network(objective.apply):
        rows = _rows(run.x, target)
        found = _found(objective, run, target, rows)
        return wrap(found, kind=Gradients)


def _found(objective: Objective[Any, Any, Any], run: Opened, target: Any, rows: int) -> Any:
    """At once where the network keeps rows apart, else one after the other."""
    if _has_own(objective.apply.definition):
        return _in_turn(objective, run.params, run.x, target, rows)
    try:
        return _at_once(objective, run, target, rows)
    except (ShapeError, ParamsError):  # a part has other rows than examples, or gives gradients of all of them alone
        with suppress(ShapeError, ParamsError):
            return _in_turn(objective, run.params, run.x, target, rows)
        raise


def _given(target: Any) -> Any:
    return tuple(map(_given, target)) if is_tuple(target) else as_array(target, "the target")


def _has_own(layer: Definition) -> bool:
    """Is there a combinator with params of its own, whose pullback gives their gradients for all rows at once?"""
    mine = bool(layer.children) and layer.own is not no_params
    return mine or any(map(_has_own, layer.children.values()))


def _at_once(objective: Objective[Any, Any, Any], run: Opened, target: Any, rows: int) -> Any:
    """The network on all rows, the layers with params row by row."""
    definition = rebuilt(objective.apply.definition, lambda path, layer: _by_row(path, layer, rows))
    y, back = definition.rule(run.params, run.x, *run.key)
    grads = ordered(back(_cotangents(objective, y, target, rows))[0], run.params)
    for penalty in objective.penalties:
        grads = mapped(np.add, grads, penalty.rule(run.params)[1](1.0)[0])
    return _like(grads, run.params, rows)


def _in_turn(objective: Objective[Any, Any, Any], params: Any, x: Any, target: Any, rows: int) -> Any:
    """The gradients of the whole objective, one row after the other."""
    found = [ordered(objective.gradient(params, _row(x, i), _row(target, i), rng=None), params) for i in range(rows)]
    grads = mapped(_stacked, *found) if found else mapped(lambda p: np.zeros((0, *p.shape), p.dtype), params)
    return _like(grads, params, rows)


def _like(grads: Any, params: Any, rows: int) -> Any:
    return mapped(lambda g, p: _sealed(g, (rows, *p.shape), p.dtype), grads, params)


def _rows(x: Any, target: Any) -> int:
    counts = {len(a) if a.ndim else None for a in arrays(x)}
    if len(counts) != 1 or None in counts:
        raise ShapeError("per_example_grads needs a row for every example in each array of x")
    (rows,) = counts
    wanted = {len(a) if a.ndim else None for a in arrays(target)}
    if wanted != {rows}:
        raise ShapeError(f"x has {rows} rows, the target has not; every row of x needs a target")
    return int(rows or 0)


def _cotangents(objective: Objective[Any, Any, Any], y: Any, target: Any, rows: int) -> Any:
    """The cotangent of every row of the prediction, for the loss of that row alone."""
    loss = objective.loss
    if loss.parts or is_tuple(y) or is_tuple(target):
        found = [force(loss.rule(_row(y, i), _row(target, i))[1](1.0)[0]) for i in range(rows)]
        return mapped(_joined, *found) if found else mapped(np.zeros_like, y)
    terms, pull = loss.rule(y, target, None, "none")
    each = terms.size // rows if loss.reduce == "mean" and rows else 1
    return force(pull(np.full(terms.shape, 1 / max(each, 1), terms.dtype))[0])


def _row(value: Any, i: int) -> Any:
    return tuple([_row(v, i) for v in value]) if is_tuple(value) else np.asarray(value)[i : i + 1]


def _joined(*parts: Any) -> Any:
    return np.concatenate(parts)


def _stacked(*leaves: Any) -> Any:
    return np.stack(leaves)


def _sealed(g: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    if g.shape != shape:
        raise ShapeError(f"a gradient for every example has shape {display(shape)}, got {display(g.shape)}")
    out: Any = np.ascontiguousarray(g, dtype)
    if out.base is not None or not out.flags.owndata:
        out = out.copy()
    out.setflags(write=False)
    return out


# layers that give a gradient for every row ----------------------------------------------------------------------------
def _by_row(path: Path, layer: Definition, rows: int) -> Definition:
    """A layer whose gradients have an axis of examples in front; what has children has theirs."""
    if layer.children or layer.walked:  # what it makes for a shape is walked through too
        return layer

    def rule(params: Any, x: Any, *rng: Any) -> tuple[Any, Callable[[Any], tuple[Any, Any]]]:
        y, back = layer.rule(params, x, *rng)
        if not params:
            return y, back
        if any(a.ndim == 0 or len(a) != rows for a in arrays((x, y))):
            raise ShapeError(
                f"a layer with params must get a row for each of the {rows} examples, got "
                f"{', '.join(display(a.shape) for a in arrays(x))}",
                path=path,
            )

        def pullback(dy: Any) -> tuple[Any, Any]:
            grads = layer.by_row(params, x, dy) if layer.by_row else _one_by_one(layer, params, x, dy, rng)
            return grads, Later(lambda: force(back(dy)[1]))

        return y, pullback

    return replace(layer, rule=rule)


def _one_by_one(layer: Definition, params: Any, x: Any, dy: Any, rng: Any) -> Any:
    """The layer's own pullback for every row."""
    found: list[Any] = []
    for i in range(len(next(arrays(dy)))):
        back = layer.rule(params, _row(x, i), *rng)[1]
        found.append(ordered(back(_row(dy, i))[0], params))
    if not found:
        return mapped(lambda a: np.zeros((0, *a.shape), a.dtype), params)
    return mapped(_stacked, *found)
