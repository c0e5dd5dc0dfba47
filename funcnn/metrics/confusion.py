"""Which class is taken for which, and what is made of that table."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final, Literal, TypeAlias, overload

import numpy as np
import numpy.typing as npt

from funcnn.arguments import is_integer
from funcnn.errors import LabelError, ShapeError
from funcnn.foreign.calls import understood
from funcnn.losses.reductions import Weights
from funcnn.losses.targets import class_targets, real
from funcnn.metrics.classification import Labels
from funcnn.metrics.definition import Metric, weighed
from funcnn.types import Array

Table: TypeAlias = npt.NDArray[np.float64]
Average: TypeAlias = Literal["macro", "micro", "weighted"]
"""How scores of classes become one: their mean, the score of all classes counted together, the mean by class sizes."""

AVERAGES: Final = ("macro", "micro", "weighted", "none")


def count(name: str, state: Table, logits: Array, labels: Labels, weights: Weights | None = None, /) -> Table:
    """The table after one more batch: rows are the true classes, columns those that were predicted."""
    scores = real(logits)
    targets = class_targets(name, scores, labels)
    if targets.ndim == scores.ndim:
        targets = np.argmax(targets, -1)
    classes = scores.shape[-1]
    if state.size and len(state) != classes:
        raise ShapeError(f"{name} has seen {len(state)} classes, got logits of {classes}")
    w = weighed(name, weights, targets.shape)
    pairs = (targets * classes + np.argmax(scores, -1)).ravel()
    new = np.bincount(pairs, None if w is None else w.ravel(), classes * classes).astype(np.float64)
    lost = np.isnan(scores).any(-1)
    if (lost if w is None else lost & (w > 0)).any():
        new[:] = np.nan
    table = new.reshape(classes, classes)
    return state + table if state.size else table


def no_table() -> Table:
    """Before anything was seen."""
    return np.zeros((0, 0))


def seen(state: Table) -> Table:
    """The counts.

    Errors
        ShapeError   nothing has been seen that counts
    """
    if not state.any():
        raise ShapeError("empty batch: a metric was asked for, and no row has been seen that counts")
    return state.copy()


confusion_matrix: Metric[Table, Array, Labels, Table] = Metric(
    no_table, functools.partial(count, "confusion_matrix"), seen, "confusion_matrix"
)
"""How often each class (row) was taken for each (column): counts, or summed weights, as float64. NaN gives NaN.

Shapes
    logits    (..., classes), or probabilities; the first of several largest counts
    labels    (...) integers from 0 to classes - 1, or distributions (..., classes), whose largest entry is the label
    weights   of the leading axes of (...), or a mask
    value     (classes, classes)
Errors
    LabelError   labels out of range, of another kind or form; rows that are no distributions
    ShapeError   the leading axes differ, the number of classes changes, or no row has been seen that counts
Source: Hastie, Tibshirani & Friedman, The Elements of Statistical Learning (2009), section 9.2.5; layout as in
scikit-learn.

>>> confusion_matrix(np.array([[2.0, 1.0], [0.0, 3.0], [4.0, 1.0]]), np.array([0, 0, 1]))
array([[1., 1.],
       [1., 0.]])
"""


def _shares(over: Any, under: Any) -> Table:
    """One by the other; 0 where there is nothing to divide by."""
    return np.where(under == 0, 0.0, over / np.where(under == 0, 1.0, under))


def _precision(hits: Any, truly: Any, said: Any) -> Table:
    return _shares(hits, said)


def _recall(hits: Any, truly: Any, said: Any) -> Table:
    return _shares(hits, truly)


def _f1(hits: Any, truly: Any, said: Any) -> Table:
    return _shares(2 * hits, truly + said)


def _averaged(name: str, score: Callable[[Any, Any, Any], Table], average: str | int, state: Table) -> Any:
    table = seen(state)
    hits, truly, said = np.diagonal(table), table.sum(1), table.sum(0)
    if average == "micro":
        return float(score(hits.sum(), truly.sum(), said.sum()))
    scores = score(hits, truly, said)
    if isinstance(average, int):
        if average >= len(scores):
            raise LabelError(f"{name}: there is no class {average} among {len(scores)}")
        return float(scores[average])
    if average == "none":
        return scores
    if average == "weighted":
        return float((scores * truly).sum() / truly.sum())
    return float(np.mean(scores[(truly + said) != 0]))


def _score(name: str, score: Callable[[Any, Any, Any], Table], average: Any) -> Any:
    number = int(average) if is_integer(average) and average >= 0 else None
    if number is None and average not in AVERAGES:
        options = ", ".join(AVERAGES)
        raise ValueError(f"{name}: average must be one of {options}, or the number of a class, got {average!r}")
    label = name if average == "macro" else f"{name}({average})"
    chosen = average if number is None else number
    return Metric(
        no_table, functools.partial(count, label), functools.partial(_averaged, label, score, chosen), label
    )


@overload
def precision(average: Average | int = "macro") -> Metric[Table, Array, Labels, float]: ...
@overload
def precision(average: Literal["none"]) -> Metric[Table, Array, Labels, Table]: ...
@understood
def precision(average: Average | int | Literal["none"] = "macro") -> Any:
    """The share of rows said to be of a class that are: hits / said. 0 where none was said to be. NaN gives NaN.

    `average` is "macro", the mean over the classes that occur among labels or predictions; "micro", all classes counted
    together; "weighted", the mean weighted by how many rows a class has; the number of a class, for that class alone;
    or "none", an array of all.

    Shapes and errors as for `confusion_matrix`, and
        ValueError   `average` is none of these
        LabelError   there is no such class
    Source: Manning, Raghavan & Schütze, Introduction to Information Retrieval (2008), sections 8.3 and 13.6.

    >>> logits, labels = np.array([[2.0, 1.0], [0.0, 3.0], [4.0, 1.0]]), np.array([0, 1, 1])
    >>> precision()(logits, labels), precision(1)(logits, labels), precision("none")(logits, labels)
    (0.75, 1.0, array([0.5, 1. ]))
    """
    return _score("precision", _precision, average)


@overload
def recall(average: Average | int = "macro") -> Metric[Table, Array, Labels, float]: ...
@overload
def recall(average: Literal["none"]) -> Metric[Table, Array, Labels, Table]: ...
@understood
def recall(average: Average | int | Literal["none"] = "macro") -> Any:
    """The share of rows of a class that were said to be: hits / rows. 0 for a class without rows. NaN gives NaN.

    `average`, shapes, errors and source as for `precision`.

    >>> logits, labels = np.array([[2.0, 1.0], [0.0, 3.0], [4.0, 1.0]]), np.array([0, 1, 1])
    >>> recall()(logits, labels), recall(1)(logits, labels)
    (0.75, 0.5)
    """
    return _score("recall", _recall, average)


@overload
def f1(average: Average | int = "macro") -> Metric[Table, Array, Labels, float]: ...
@overload
def f1(average: Literal["none"]) -> Metric[Table, Array, Labels, Table]: ...
@understood
def f1(average: Average | int | Literal["none"] = "macro") -> Any:
    """The harmonic mean of precision and recall: 2 hits / (rows + said). 0 where both are nothing. NaN gives NaN.

    `average`, shapes, errors and source as for `precision`.

    >>> logits, labels = np.array([[2.0, 1.0], [0.0, 3.0], [4.0, 1.0]]), np.array([0, 1, 1])
    >>> round(f1()(logits, labels), 4), round(f1("micro")(logits, labels), 4)
    (0.6667, 0.6667)
    """
    return _score("f1", _f1, average)
