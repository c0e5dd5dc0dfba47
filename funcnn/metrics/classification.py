"""How many are right: accuracies. NaN gives NaN."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeAlias, Union

import numpy as np

from funcnn.arguments import counted, finite
from funcnn.errors import LabelError, ShapeError
from funcnn.foreign.calls import understood
from funcnn.losses.reductions import Weights
from funcnn.losses.targets import class_targets, like, real
from funcnn.metrics.definition import Metric, Ratio, ratio, weighed
from funcnn.shapes import display
from funcnn.types import Array, Mask, Tokens

Labels: TypeAlias = Union[Tokens, Array]
"""Class numbers, or distributions."""

Binary: TypeAlias = Union[Tokens, Mask, Array]
"""Zeros and ones."""


def hits_of(name: str, state: Ratio, right: Any, scores: Array, weights: Weights | None) -> Ratio:
    """The ratio after as many hits, each as heavy as its weight; NaN where a score that counts is."""
    w = weighed(name, weights, right.shape)
    lost = np.isnan(scores).any(-1) if scores.ndim > right.ndim else np.isnan(scores)
    if w is None:
        found: float = np.nan if lost.any() else int(np.count_nonzero(right))
        return Ratio(state.total + found, state.n + right.size)
    found = np.nan if (lost & (w > 0)).any() else float(np.sum(w, where=right))
    return Ratio(state.total + found, state.n + float(np.sum(w)))


def _count(
    name: str,
    right: Callable[[Array, Any], Any],
    state: Ratio,
    logits: Array,
    labels: Labels,
    weights: Weights | None = None,
    /,
) -> Ratio:
    scores = real(logits)
    targets = class_targets(name, scores, labels)
    if targets.ndim == scores.ndim:
        targets = np.argmax(targets, -1)
    return hits_of(name, state, right(scores, targets), scores, weights)


def _counting(name: str, right: Callable[[Array, Any], Any]) -> Metric[Ratio, Array, Labels, float]:
    """The share of hits, which `right(scores, class numbers)` tells."""
    return Metric(Ratio, functools.partial(_count, name, right), ratio, name)


def _largest(scores: Array, targets: Any) -> Any:
    return np.argmax(scores, -1) == targets


accuracy: Metric[Ratio, Array, Labels, float] = _counting("accuracy", _largest)
"""The share of rows whose largest logit is that of the label; the first of several largest counts. NaN gives NaN.

Shapes
    logits    (..., classes), or probabilities: only their order matters
    labels    (...) integers from 0 to classes - 1, or distributions (..., classes), whose largest entry is the label
    weights   of the leading axes of (...), or a mask
Errors
    LabelError   labels out of range, of another kind or form; rows that are no distributions
    ShapeError   the leading axes differ, or no row has been seen that counts
Source: Bishop, Pattern Recognition and Machine Learning (2006), section 1.5.1 (one minus the misclassification rate).

>>> accuracy(np.array([[2.0, 1.0], [0.0, 3.0]]), np.array([0, 0]))
0.5
"""


@understood
def top_k_accuracy(k: int) -> Metric[Ratio, Array, Labels, float]:
    """The share of rows whose label is among the k largest logits; the first of equal ones count. NaN gives NaN.

    Shapes as for `accuracy`; `top_k_accuracy(1)` is it.

    Errors
        ValueError   k is less than one
        as for `accuracy`
    Source: Russakovsky et al., ImageNet Large Scale Visual Recognition Challenge (2015), section 4.1.

    >>> top_k_accuracy(2)(np.array([[3.0, 2.0, 1.0], [3.0, 2.0, 1.0]]), np.array([1, 2]))
    0.5
    """
    k = counted("top_k_accuracy", k=k)
    return _counting(f"top_k_accuracy({k})", functools.partial(_among, k))


def _among(k: int, scores: Array, targets: Any) -> Any:
    own: Any = np.take_along_axis(scores, targets[..., None], -1)
    places: Any = np.arange(int(scores.shape[-1]))
    in_front: Any = (scores > own) | ((scores == own) & (places < targets[..., None]))
    return np.count_nonzero(in_front, axis=-1) < k


@understood
def binary_accuracy(threshold: float = 0.0) -> Metric[Ratio, Array, Binary, float]:
    """The share of values that are on the right side of the threshold: above it for 1, else for 0. NaN gives NaN.

    0 is the threshold for logits, 0.5 for probabilities.

    Shapes
        prediction   (...)
        target       the same, zeros and ones
        weights      of the leading axes of (...), or a mask
    Errors
        LabelError   a target is neither 0 nor 1
        ShapeError   the shapes differ, or no value has been seen that counts
        ValueError   the threshold is not finite
    Source: Hastie, Tibshirani & Friedman, The Elements of Statistical Learning (2009), section 4.4.

    >>> binary_accuracy()(np.array([2.0, -1.0, 0.5]), np.array([1.0, 0.0, 0.0]))
    0.6666666666666666
    """
    finite("binary_accuracy", threshold=threshold)
    name = "binary_accuracy" if threshold == 0 else f"binary_accuracy({threshold:g})"
    return Metric(Ratio, functools.partial(_count_sides, name, float(threshold)), ratio, name)


def _count_sides(
    name: str, threshold: float, state: Ratio, prediction: Array, target: Binary, weights: Weights | None = None, /
) -> Ratio:
    scores = real(prediction)
    right = (scores > threshold) == zeros_and_ones(name, scores, target)
    return hits_of(name, state, right, scores, weights)


def zeros_and_ones(name: str, scores: Array, target: Any) -> Any:
    """Targets of two classes as booleans, in the shape of the scores.

    Errors
        LabelError   one is neither 0 nor 1
        ShapeError   the shape is another
    """
    t = like(name, scores, target)
    ones = t == 1
    bad = ~(ones | (t == 0))
    if bad.any():
        at = np.argwhere(bad)[0]
        index = ", ".join(map(str, at)) or "()"
        raise LabelError(f"{name} takes targets of 0 and 1, got {t[tuple(at)]:g} at index {index}")
    return ones


def rows_of(name: str, scores: Array) -> Array:
    """The scores, which must have a batch axis.

    Errors
        ShapeError   they have none
    """
    if not scores.ndim:
        raise ShapeError(f"{name} takes predictions with a batch axis, got shape {display(scores.shape)}")
    return scores
