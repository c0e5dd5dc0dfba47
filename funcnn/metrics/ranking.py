"""How well scores put the right ones in front: areas under curves, over all thresholds. NaN gives NaN."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from funcnn.errors import LabelError, ShapeError
from funcnn.losses.reductions import Weights
from funcnn.losses.targets import real
from funcnn.metrics.classification import Binary, rows_of, zeros_and_ones
from funcnn.metrics.definition import Metric, in_order, nothing, weighed
from funcnn.shapes import display
from funcnn.types import Array

Numbers: TypeAlias = npt.NDArray[np.float64]


class Ranked(NamedTuple):
    """The rows of a batch, a column an output: scores, whether they are right, their weights; and what came before."""

    scores: Numbers
    right: npt.NDArray[np.bool_]
    weights: Numbers
    before: Ranked | None = None


Area: TypeAlias = Callable[[Numbers, Numbers], float]
"""Told the summed weights of the right and of the wrong ones, by falling score."""


def _keep(
    name: str, state: Ranked | None, prediction: Array, target: Binary, weights: Weights | None = None, /
) -> Ranked:
    scores = rows_of(name, real(prediction))
    right = zeros_and_ones(name, scores, target)
    w = weighed(name, weights, scores.shape)
    rows = (len(scores), -1) if scores.size else (len(scores), int(np.prod(scores.shape[1:])))
    columns: Numbers = scores.reshape(rows).astype(np.float64)
    if state is not None and columns.shape[1] != state.scores.shape[1]:
        raise ShapeError(f"{name} has seen {state.scores.shape[1]} outputs a row, got {display(scores.shape)}")
    each = np.ones(columns.shape) if w is None else np.array(w.reshape(rows))
    return Ranked(columns, right.reshape(rows), each, state)


def _of_all(name: str, area: Area, both: bool, state: Ranked | None) -> float:
    """The mean over outputs of the area, for all that was kept."""
    parts: list[Ranked] = in_order(state)
    if not any(part.weights.any() for part in parts):
        raise ShapeError(f"empty batch: {name} was asked for, and no row has been seen that counts")
    scores = np.concatenate([part.scores for part in parts])
    right = np.concatenate([part.right for part in parts])
    weights = np.concatenate([part.weights for part in parts])
    areas = [_area(name, area, both, scores[:, i], right[:, i], weights[:, i]) for i in range(scores.shape[1])]
    return float(np.mean(areas))


def _area(
    name: str, area: Area, both: bool, scores: Numbers, right: npt.NDArray[np.bool_], weights: Numbers
) -> float:
    counts = weights > 0
    scores, right, weights = scores[counts], right[counts], weights[counts]
    if np.isnan(scores).any():
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)  # ties are one step
    found: Numbers = np.cumsum(np.where(right, weights, 0.0)[order])[ends]
    missed: Numbers = np.cumsum(np.where(right, 0.0, weights)[order])[ends]
    if not (len(order) and found[-1] and (missed[-1] or not both)):
        wanted, got = "both kinds" if both else "1", "none" if not len(order) else int(bool(found[-1]))
        raise LabelError(f"{name} needs targets of {wanted} in every output, got only {got}")
    return area(found, missed)


def _keeping(name: str, area: Area, *, both: bool) -> Metric[Ranked | None, Array, Binary, float]:
    """The metric; `both` if it takes targets of both kinds."""
    return Metric(nothing, functools.partial(_keep, name), functools.partial(_of_all, name, area, both), name)


def _roc(found: Numbers, missed: Numbers) -> float:
    rise, run = np.append(0.0, found / found[-1]), np.append(0.0, missed / missed[-1])
    return float(np.sum(np.diff(run) * (rise[1:] + rise[:-1])) / 2)


def _precision_recall(found: Numbers, missed: Numbers) -> float:
    return float(np.sum(np.diff(np.append(0.0, found / found[-1])) * (found / (found + missed))))


roc_auc: Metric[Ranked | None, Array, Binary, float] = _keeping("roc_auc", _roc, both=True)
"""The area under the ROC curve: how often a right row is scored above a wrong one, ties counting half.

Of several outputs, the mean. It keeps all scores, for it depends on the order of all.

Shapes
    prediction   (rows, ...) scores of any scale
    target       the same, zeros and ones
    weights      of the leading axes, or a mask
Errors
    LabelError   a target is neither 0 nor 1; an output has targets of one kind alone
    ShapeError   the shapes differ, the outputs change, or no row has been seen that counts
Source: Fawcett, An Introduction to ROC Analysis (2006), sections 7 and 8.

>>> roc_auc(np.array([0.1, 0.4, 0.35, 0.8]), np.array([0.0, 0.0, 1.0, 1.0]))
0.75
"""

average_precision: Metric[Ranked | None, Array, Binary, float] = _keeping("average_precision", _precision_recall, both=False)
"""The area under the curve of precision by recall, in steps: the sum of precision times what recall gains.

Of several outputs, the mean. Shapes and errors as for `roc_auc`, but targets may be all 1.

Source: Manning, Raghavan & Schütze, Introduction to Information Retrieval (2008), section 8.4, as in scikit-learn.

>>> round(average_precision(np.array([0.1, 0.4, 0.35, 0.8]), np.array([0.0, 0.0, 1.0, 1.0])), 4)
0.8333
"""
