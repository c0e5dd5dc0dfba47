"""Metrics against scikit-learn's own: values, weights, ties, and any cutting into batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk

from funcnn import (
    Array,
    Metric,
    accuracy,
    average_precision,
    binary_accuracy,
    confusion_matrix,
    f1,
    mean_absolute_error,
    mean_squared_error,
    metric,
    precision,
    r2,
    recall,
    roc_auc,
    root_mean_squared_error,
    top_k_accuracy,
)

NUMBERS = np.random.default_rng(5)
ROWS, CLASSES = 60, 5
LOGITS = NUMBERS.normal(size=(ROWS, CLASSES))
LABELS = NUMBERS.integers(0, CLASSES - 1, ROWS)  # the last class has no row
WEIGHTS = NUMBERS.integers(0, 3, ROWS).astype(np.float64)
SAID = LOGITS.argmax(-1)
SCORES = NUMBERS.normal(size=ROWS).round(1)  # with ties
ONES = (NUMBERS.random(ROWS) < 0.4).astype(np.float64)
Y, T = NUMBERS.normal(size=(ROWS, 3)), NUMBERS.normal(size=(ROWS, 3))


def scores_of(f: Callable[..., Any], **options: Any) -> Callable[[Any], Any]:
    """One of scikit-learn's scores of the classes that were said, as a function of weights."""
    return lambda w: f(LABELS, SAID, sample_weight=w, zero_division=0, **options)


CASES: dict[str, tuple[Metric[Any, Any, Any, Any], Array, Any, Callable[[Any], Any]]] = {
    "accuracy": (accuracy, LOGITS, LABELS, lambda w: sk.accuracy_score(LABELS, SAID, sample_weight=w)),
    "top_k_accuracy": (
        top_k_accuracy(2), LOGITS, LABELS,
        lambda w: sk.top_k_accuracy_score(LABELS, LOGITS, k=2, sample_weight=w, labels=range(CLASSES)),
    ),
    "binary_accuracy": (binary_accuracy(), SCORES, ONES, lambda w: sk.accuracy_score(ONES, SCORES > 0, sample_weight=w)),
    "binary_accuracy above": (
        binary_accuracy(0.5), SCORES, ONES, lambda w: sk.accuracy_score(ONES, SCORES > 0.5, sample_weight=w),
    ),
    "confusion_matrix": (
        confusion_matrix, LOGITS, LABELS,
        lambda w: sk.confusion_matrix(LABELS, SAID, labels=range(CLASSES), sample_weight=w),
    ),
    "roc_auc": (roc_auc, SCORES, ONES, lambda w: sk.roc_auc_score(ONES, SCORES, sample_weight=w)),
    "average_precision": (
        average_precision, SCORES, ONES, lambda w: sk.average_precision_score(ONES, SCORES, sample_weight=w),
    ),
    "roc_auc of outputs": (
        roc_auc, Y, (T > 0).astype(float), lambda w: sk.roc_auc_score(T > 0, Y, sample_weight=w),
    ),
    "mean_squared_error": (mean_squared_error, Y, T, lambda w: sk.mean_squared_error(T, Y, sample_weight=w)),
    "mean_absolute_error": (mean_absolute_error, Y, T, lambda w: sk.mean_absolute_error(T, Y, sample_weight=w)),
    "root_mean_squared_error": (
        root_mean_squared_error, Y[:, 0], T[:, 0],
        lambda w: sk.root_mean_squared_error(T[:, 0], Y[:, 0], sample_weight=w),
    ),
    "r2": (r2, Y, T, lambda w: sk.r2_score(T, Y, sample_weight=w)),
    "metric": (metric(sk.mean_pinball_loss), Y, T, lambda w: sk.mean_pinball_loss(T, Y, sample_weight=w)),
}  # fmt: skip
for kind, made, theirs in [
    ("precision", precision, sk.precision_score), ("recall", recall, sk.recall_score), ("f1", f1, sk.f1_score)
]:  # fmt: skip
    for how in ("macro", "micro", "weighted"):
        CASES[f"{kind} {how}"] = (made(how), LOGITS, LABELS, scores_of(theirs, average=how))
    CASES[f"{kind} of a class"] = (made(1), LOGITS, LABELS, scores_of(theirs, average="micro", labels=[1]))
    CASES[f"{kind} of all"] = (
        made("none"), LOGITS, LABELS, scores_of(theirs, average=None, labels=range(CLASSES)),
    )  # fmt: skip


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("weights", [None, WEIGHTS, WEIGHTS > 0], ids=["plain", "weighted", "masked"])
@pytest.mark.parametrize("cuts", [(), (1, 2, 30), (0, 59)], ids=str)
def test_values_are_those_of_scikit_learn(name: str, weights: Array | None, cuts: tuple[int, ...]) -> None:
    """However the rows are cut, and however often they count."""
    found, y, t, expected = CASES[name]
    state = found.init()
    for a, b in zip((0, *cuts), (*cuts, ROWS), strict=True):
        if weights is None:
            state = found.update(state, y[a:b], t[a:b])
        else:
            state = found.update(state, y[a:b], t[a:b], weights[a:b])  # type: ignore[call-arg]
    wanted = expected(None if weights is None else weights.astype(np.float64))
    np.testing.assert_allclose(found.compute(state), wanted, rtol=1e-13)


@pytest.mark.parametrize("name", [name for name in CASES if name != "metric"])
def test_nan_in_nan_out(name: str) -> None:
    """One prediction that is none spoils the value; unless it does not count."""
    found, y, t, expected = CASES[name]
    broken = y.copy()
    broken[3] = np.nan
    assert np.isnan(found(broken, t)).any()
    mask = np.arange(ROWS) != 3
    np.testing.assert_allclose(found(broken, t, weights=mask), expected(mask.astype(np.float64)), rtol=1e-13)
