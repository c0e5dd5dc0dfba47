"""Metrics out of functions of all predictions and targets."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np

from funcnn.errors import ShapeError, brief
from funcnn.losses.reductions import Weights
from funcnn.metrics.definition import Metric, in_order, nothing
from funcnn.types import is_tuple

R = TypeVar("R")


class Rows(NamedTuple):
    """The latest batch, and those before it."""

    prediction: Any
    target: Any
    weights: Any
    before: Rows | None = None


def metric(f: Callable[..., R], *, name: str | None = None) -> Metric[Rows | None, Any, Any, R]:
    """The metric `f(target, prediction)` of all the data, with scikit-learn's order of arguments: it keeps the rows.

    With weights it is `f(target, prediction, sample_weight=weights)`. What the function takes is its own matter: give it
    probabilities or class numbers by a function around it. Its name is that of the function unless given.

    Errors
        TypeError    `f` cannot be called
        ShapeError   no row has been seen; some batches have weights, others none
        what `f` raises

    >>> def largest_error(target: Array, prediction: Array) -> float:
    ...     return float(np.max(np.abs(target - prediction)))
    >>> metric(largest_error)(np.array([1.0, 2.0]), np.array([1.0, 5.0]))
    3.0
    """
    if not callable(f):
        raise TypeError(f"metric takes a function f(target, prediction), got {brief(f)}")
    called = name or str(getattr(f, "__name__", "metric"))

    return Metric(nothing, functools.partial(_keep, called), functools.partial(_of_all, called, f), called)


def _keep(name: str, state: Rows | None, prediction: Any, target: Any, weights: Weights | None = None, /) -> Rows:
    if state is not None and (weights is None) != (state.weights is None):
        raise ShapeError(f"metric {name} has seen batches with weights and without; give all of them weights, or none")
    return Rows(_kept(prediction), _kept(target), _kept(weights), state)


def _of_all(name: str, f: Callable[..., R], state: Rows | None) -> R:
    parts: list[Rows] = in_order(state)
    if not parts:
        raise ShapeError(f"empty batch: {name} was asked for, and no row has been seen")
    target, prediction = _joined([part.target for part in parts]), _joined([part.prediction for part in parts])
    if parts[0].weights is None:
        return f(target, prediction)
    return f(target, prediction, sample_weight=_joined([part.weights for part in parts]))


def _kept(rows: Any) -> Any:
    """A copy: what was given may be written to later."""
    if rows is None:
        return None
    return tuple(map(_kept, rows)) if is_tuple(rows) else np.array(rows)


def _joined(parts: list[Any]) -> Any:
    """Batches one after the other."""
    if is_tuple(parts[0]):
        return tuple(_joined(list(items)) for items in zip(*parts, strict=True))
    return np.concatenate([np.atleast_1d(part) for part in parts])
