"""Predictions and metrics over data of any length, a batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias, TypeVar, cast

import numpy as np

from funcnn.arguments import counted
from funcnn.derivatives.objectives import checked_apply
from funcnn.errors import FuncnnError, ShapeError
from funcnn.foreign.calls import understood
from funcnn.losses.reductions import Weights
from funcnn.metrics import Metric
from funcnn.metrics.definition import updated
from funcnn.networks import Apply
from funcnn.params import as_params
from funcnn.shapes import display, known, normalize
from funcnn.training.batching import batch_count
from funcnn.training.calibration import warn_uncalibrated
from funcnn.training.rows import arrays_of, checked_data, count_rows, features_of, refuse_empty, taken
from funcnn.types import Tree, is_tuple

X = TypeVar("X")
Y = TypeVar("Y")
T = TypeVar("T")
R = TypeVar("R")


@understood
def predict(apply: Apply[X, Y], params: Tree, x: X, *, batch_size: int = 256) -> Y:
    """What the network gives for every row of x, at inference: `apply(params, x)`, a batch at a time.

    Memory is that of one batch and of the result, which is the caller's own, whatever the dtype and the layout of x.
    Rows may differ in their last bits from those of one large batch, for sums are then taken in another order. No rows
    give an empty result.

    Errors
        FuncnnWarning    a layer that keeps statistics of the data has seen none: `calibrate` comes first
        ValueError       `batch_size` is less than one
        NonFiniteError   x has values that are NaN or infinite; how many, and the first
        ShapeError       the network does not give one row for every row of x
        as for `apply`

    >>> net = Dense(2)
    >>> _, params = net.init(0, (-1, 3))
    >>> predict(net.apply, params, np.ones((1000, 3))).shape
    (1000, 2)
    """
    return predicted(apply, params, x, batch_size, in_a_row)


@understood
def evaluate(
    apply: Apply[X, Y],
    params: Tree,
    data: tuple[X, T] | tuple[X, T, Weights],
    *metrics: Metric[Any, Y, T, R],
    batch_size: int = 256,
) -> dict[str, R]:
    """Metrics of a network on data `(x, target)`, by name: those of all the rows, not a mean over batches.

    `data` may be `(x, target, weights)`, with weights or a mask for rows, or for what targets hold.

    Errors
        FuncnnWarning    a layer that keeps statistics of the data has seen none: `calibrate` comes first
        TypeError        data is no tuple, a metric no metric
        ValueError       data is neither two nor three; two metrics have one name; `batch_size` is less than one
        ShapeError       there are no rows, or not as many in x as in target
        NonFiniteError   x has values that are NaN or infinite
        as for `apply` and the metrics

    >>> net = Dense(1)
    >>> _, params = net.init(0, (-1, 3))
    >>> x, y = np.ones((500, 3)), np.zeros((500, 1))
    >>> found = evaluate(net.apply, params, (x, y), mean_of(squared_error))
    >>> abs(found["squared_error"] - squared_error(net.apply(params, x), y)) < 1e-6
    True
    """
    return evaluated(apply, params, data, metrics, batch_size, in_a_row)


Spread: TypeAlias = "Callable[[Callable[[int], Any], int], Iterator[Any]]"
"""How the values of a function at 0, 1, 2, ... come about, in this order: here, or in several places."""


def in_a_row(f: Callable[[int], Any], count: int) -> Iterator[Any]:
    """One after the other."""
    return map(f, range(count))


def predicted(apply: Apply[X, Y], params: Tree, x: X, batch_size: int, spread: Spread) -> Y:
    """See `predict`."""
    checked_apply("predict", apply)
    batch_size = counted("predict", batch_size=batch_size)
    tree = as_params(params, "predict(apply, params, x)")
    warn_uncalibrated("predict", apply.definition, tree)
    data = features_of(apply, tree, x, once=True)
    rows = count_rows(x=data)
    _refuse_mixed_rows(apply, data)

    def at(i: int) -> Any:
        return apply(tree, taken(data, slice(i * batch_size, (i + 1) * batch_size)))

    out: Any = None
    for i, y in enumerate(spread(at, max(1, batch_count(rows, batch_size, False)))):
        if out is None:
            out = _for_all(y, rows, min(rows, batch_size))
        _put(out, slice(i * batch_size, (i + 1) * batch_size), y)
    return cast(Y, out)


def evaluated(
    apply: Apply[X, Y],
    params: Tree,
    data: tuple[Any, ...],
    metrics: tuple[Metric[Any, Y, Any, R], ...],
    batch_size: int,
    spread: Spread,
) -> dict[str, R]:
    """See `evaluate`."""
    checked_apply("evaluate", apply)
    batch_size = counted("evaluate", batch_size=batch_size)
    given, wanted, *heavy = checked_data(data)
    for metric in metrics:
        if not isinstance(metric, Metric):
            raise TypeError(f"evaluate takes metrics, got {type(metric).__name__}; a loss is one as mean_of(loss)")
    names = [metric.name for metric in metrics]
    if len(set(names)) < len(names):
        raise ValueError(f"two metrics have one name, got {', '.join(names)}; rename one: metric._replace(name=...)")
    tree = as_params(params, "evaluate(apply, params, data)")
    warn_uncalibrated("evaluate", apply.definition, tree)
    x, target = features_of(apply, tree, given, once=True), arrays_of(wanted, "target", once=True, absent=True)
    weights = arrays_of(heavy[0], "weights") if heavy and heavy[0] is not None else None
    rows = count_rows(x=x, target=target) if weights is None else count_rows(x=x, target=target, weights=weights)
    refuse_empty(rows, "evaluate")
    states = [metric.init() for metric in metrics]

    def at(i: int) -> Any:
        return apply(tree, taken(x, slice(i * batch_size, (i + 1) * batch_size)))

    for i, y in enumerate(spread(at, batch_count(rows, batch_size, False))):
        place = slice(i * batch_size, (i + 1) * batch_size)
        t = arrays_of(taken(target, place), "target", absent=True)
        w = None if weights is None else taken(weights, place)
        states = [updated(metric, state, y, t, w) for metric, state in zip(metrics, states, strict=True)]
    return {metric.name: metric.compute(state) for metric, state in zip(metrics, states, strict=True)}


def _refuse_mixed_rows(apply: Apply[Any, Any], x: Any) -> None:
    """Refuse a network whose first axis is not that of the rows: with as many members as rows, say, nothing would show.

    Errors
        ShapeError   with what it gives for any number of rows
    """
    shape = of_any_rows(x)
    try:
        out = apply.definition.out_shape(normalize(shape))
    except FuncnnError:
        return  # it decides something about the rows; or does not fit, and `apply` will tell where
    if not all(map(_has_rows, out if any(isinstance(d, tuple) for d in out) else (out,))):
        raise ShapeError(
            f"predict needs a network that gives one row for every row of x, got {display(out)} for {display(shape)}; "
            "call its apply"
        )


def of_any_rows(x: Any) -> Any:
    """The shape of arrays in tuples, of any number of rows."""
    return tuple(map(of_any_rows, x)) if is_tuple(x) else (-1, *x.shape[1:])


def _has_rows(shape: Any) -> bool:
    """Is its first axis as long as there are rows, as far as anybody can know?"""
    return bool(shape) and (isinstance(shape[0], tuple) or not known(shape[0]))


def _for_all(y: Any, rows: int, size: int) -> Any:
    """Room for the predictions of all rows, like those of a batch of this size."""
    if is_tuple(y):
        return tuple(_for_all(v, rows, size) for v in y)
    if y.shape[:1] != (size,):
        raise ShapeError(
            f"predict needs a network that gives one row for every row of x, got {display(y.shape)} for {size} rows; "
            f"call its apply"
        )
    return np.empty((rows, *y.shape[1:]), y.dtype)


def _put(out: Any, place: slice, y: Any) -> None:
    if is_tuple(out):
        for o, v in zip(out, y, strict=True):
            _put(o, place, v)
    else:
        out[place] = y
