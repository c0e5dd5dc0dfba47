"""Losses as metrics: over all the data, where the batches of `fit` have one value each."""

from __future__ import annotations

import functools
from typing import Any, TypeVar, cast

import numpy as np

from funcnn.losses.classification import softmax_cross_entropy
from funcnn.losses.definition import Loss, terms_of
from funcnn.losses.joining import item, item_of, paired
from funcnn.losses.reductions import Weights
from funcnn.losses.targets import real
from funcnn.metrics.classification import Labels
from funcnn.metrics.definition import Metric, Ratio, ratio, weighed, wide
from funcnn.types import Array

A = TypeVar("A")
B = TypeVar("B")


def mean_of(loss: Loss[A, B]) -> Metric[tuple[Ratio, ...], A, B, float]:
    """The loss of all the data, where the batches of `fit` have one each: for `evaluate`.

    The mean over all terms; for losses that reduce by "sum" or "batch", the sum over outputs and the mean of that over
    rows. A joint loss is the scaled sum of its parts. Sums are in float64. Weights count as for the loss, and so do its own: labels that it ignores, and those of classes.

    Errors
        as for the loss

    >>> metric = mean_of(squared_error)
    >>> state = metric.update(metric.init(), np.array([1.0, 2.0]), np.array([0.0, 0.0]))
    >>> metric.compute(metric.update(state, np.array([2.0]), np.array([0.0])))
    3.0
    """
    if not isinstance(loss, Loss):
        raise TypeError(f"mean_of takes a loss, got {type(loss).__name__}; metrics are used as they are")
    update, compute = functools.partial(_more_terms, loss), functools.partial(_mean, loss)
    return cast("Metric[tuple[Ratio, ...], A, B, float]", Metric(tuple, update, compute, repr(loss)))


def is_of_loss(metric: Metric[Any, Any, Any, Any]) -> bool:
    """Is it the value of a loss, or grows with one, as `perplexity` does?"""
    update: Any = metric.update
    return isinstance(update, functools.partial) and update.func is _more_terms


def _more_terms(
    loss: Loss[Any, Any], state: tuple[Ratio, ...], prediction: Any, target: Any, weights: Weights | None = None, /
) -> tuple[Ratio, ...]:
    new = _terms(loss, None, real(prediction), target, weights)
    if not state:
        return tuple(new)
    return tuple(Ratio(a.total + b.total, a.n + b.n) for a, b in zip(state, new, strict=True))


def _terms(
    loss: Loss[Any, Any], how: str | None, prediction: Any, target: Any, weights: Weights | None
) -> list[Ratio]:
    how = how or loss.reduce
    if loss.parts:
        pairs = zip(loss.parts, *paired(loss.parts, prediction, target), strict=True)
        return [ratio for (_, part), p, t in pairs for ratio in _terms(part, how, p, t, weights)]
    if found := item_of(loss):
        i, inner = found
        return _terms(inner, how, item(i, inner, prediction), target, weights)
    run = terms_of(loss)
    assert run is not None  # all losses are made in one of these ways
    terms, _, heavy = run(wide(prediction, getattr(target, "dtype", None)), target, weights, loss.options)
    w = weighed(repr(loss), heavy, terms.shape)
    rows = len(terms) if terms.ndim else 1
    if w is not None:
        n = np.sum(w) if how == "mean" else np.sum(w.reshape(rows, -1)[:, 0])
        return [Ratio(float(np.sum(terms * w, where=w > 0)), float(n))]
    return [Ratio(np.add.reduce(terms, None, dtype=np.float64).item(), terms.size if how == "mean" else rows)]


def _mean(loss: Loss[Any, Any], state: tuple[Ratio, ...]) -> float:
    if not state:
        return ratio(Ratio())
    return sum(scale * ratio(part) for scale, part in zip(_scales(loss), state, strict=True))


def _scales(loss: Loss[Any, Any]) -> list[float]:
    if found := item_of(loss):
        return _scales(found[1])
    return [scale * inner for scale, part in loss.parts for inner in _scales(part)] or [1.0]


_entropy = mean_of(softmax_cross_entropy)


def _perplexity(state: tuple[Ratio, ...]) -> float:
    with np.errstate(over="ignore"):
        return float(np.exp(_entropy.compute(state)))


perplexity: Metric[tuple[Ratio, ...], Array, Labels, float] = Metric(
    _entropy.init, _entropy.update, _perplexity, "perplexity"
)
"""`exp` of the mean cross-entropy: among how many words, equally likely, the network is as undecided.

Shapes
    logits    (..., classes)
    labels    (...) integers from 0 to classes - 1, or distributions (..., classes)
    weights   of the leading axes of (...), or a mask of what is no padding
Errors
    as for `softmax_cross_entropy`
Source: Jelinek et al., Perplexity, a measure of the difficulty of speech recognition tasks (1977).

>>> round(perplexity(np.zeros((3, 4)), np.array([0, 1, 2])), 6)
4.0
"""
