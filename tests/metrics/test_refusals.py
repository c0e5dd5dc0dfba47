"""What metrics refuse, and what they say."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from funcnn import (
    Array,
    LabelError,
    Metric,
    ShapeError,
    accuracy,
    average_precision,
    binary_accuracy,
    confusion_matrix,
    f1,
    mean_of,
    mean_squared_error,
    metric,
    perplexity,
    precision,
    r2,
    roc_auc,
    squared_error,
    top_k_accuracy,
)

LOGITS, LABELS = np.eye(3), np.arange(3)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: top_k_accuracy(0), ValueError, "top_k_accuracy: k must be an integer of at least 1, got 0"),
        (lambda: binary_accuracy(np.nan), ValueError, "binary_accuracy: threshold must be a finite number, got nan"),
        (lambda: precision("binary"), ValueError, "precision: average must be one of macro, micro, weighted, none, or"),  # type: ignore[call-overload]
        (lambda: f1(-1), ValueError, "f1: average must be one of macro, micro, weighted, none, or the number of a class"),
        (lambda: f1(3)(LOGITS, LABELS), LabelError, "f1(3): there is no class 3 among 3"),
        (lambda: metric(3), TypeError, "metric takes a function f(target, prediction), got"),  # type: ignore[arg-type]
        (lambda: binary_accuracy()(LABELS * 1.0, LABELS), LabelError, "takes targets of 0 and 1, got 2 at index 2"),
        (lambda: roc_auc(np.ones(3), np.ones(3)), LabelError, "roc_auc needs targets of both kinds in every output, got only 1"),
        (lambda: average_precision(np.ones(3), np.zeros(3)), LabelError, "needs targets of 1 in every output, got only 0"),
        (lambda: roc_auc(np.ones(()), np.ones(())), ShapeError, "roc_auc takes predictions with a batch axis, got shape ()"),
        (lambda: accuracy(LOGITS, LABELS, weights=np.ones(2)), ShapeError, "accuracy takes weights of the shape of the leading axes of the targets, (3,), got (2,); nothing is broadcast"),
        (lambda: r2(LOGITS, LOGITS, weights=-np.ones(3)), ValueError, "r2 takes weights that are not negative, the smallest is -1"),
        (lambda: confusion_matrix(LOGITS, LABELS, weights=(np.ones(3),)), ShapeError, "takes one array of weights, got a tuple of 1"),  # type: ignore[arg-type]
        (lambda: accuracy(LOGITS, LABELS, weights=np.zeros(3)), ShapeError, "no row has been seen that counts"),
        (lambda: r2(LOGITS, LOGITS, weights=np.zeros(3)), ShapeError, "no row has been seen that counts"),
        (lambda: mean_of(squared_error)(LOGITS, LOGITS, weights=np.zeros(3)), ShapeError, "no row has been seen that counts"),
        (lambda: roc_auc(LOGITS, LOGITS, weights=np.zeros(3)), ShapeError, "no row has been seen that counts"),
        (lambda: confusion_matrix(LOGITS, LABELS, weights=np.zeros(3)), ShapeError, "no row has been seen that counts"),
    ],
)  # fmt: skip
def test_a_word_for_it(make: Any, error: type[Exception], message: str) -> None:
    """By name, with what was got."""
    with pytest.raises(error, match=re.escape(message)):
        make()


def test_the_number_of_classes_stays() -> None:
    """A batch of another network is told of."""
    state = confusion_matrix.update(confusion_matrix.init(), LOGITS, LABELS)
    with pytest.raises(ShapeError, match="confusion_matrix has seen 3 classes, got logits of 2"):
        confusion_matrix.update(state, np.ones((1, 2)), np.array([0]))
    kept = roc_auc.update(roc_auc.init(), np.ones((2, 2)), np.eye(2))
    with pytest.raises(ShapeError, match="roc_auc has seen 2 outputs a row, got \\(2,\\)"):
        roc_auc.update(kept, np.ones(2), np.ones(2))


def test_weights_for_a_metric_that_takes_none() -> None:
    """An update of three parameters does without."""
    largest: Metric[float, Array, Array, float] = Metric(
        lambda: 0.0, lambda state, y, t: max(state, float(abs(y - t).max())), lambda state: state, "largest"
    )
    assert largest(np.array([1.0, 5.0]), np.array([1.0, 2.0])) == 3.0
    with pytest.raises(TypeError, match="metric largest takes no weights, got some; give its update a fourth parameter"):
        largest(np.ones(2), np.ones(2), weights=np.ones(2))


def test_weights_are_for_all_batches_or_none() -> None:
    """A function of all rows cannot know what the rest weighs."""
    found = metric(lambda t, y, sample_weight=None: 0.0, name="none")
    state = found.update(found.init(), LOGITS, LOGITS)
    with pytest.raises(ShapeError, match="metric none has seen batches with weights and without"):
        found.update(state, LOGITS, LOGITS, np.ones(3))  # type: ignore[call-arg]


def test_what_a_function_of_all_rows_keeps_is_its_own() -> None:
    """Batches that are written to afterwards change nothing; tuples are joined item by item."""
    found = metric(lambda t, y: (len(t[0]), float(y.sum())))
    y = np.ones(2)
    state = found.update(found.init(), y, (y, y))
    y[:] = 7
    assert found.compute(found.update(state, np.ones(3), (np.ones(3), np.ones(3)))) == (5, 5.0)


def test_perplexity() -> None:
    """`exp` of the cross-entropy; infinite where it is large; padding masked."""
    labels = np.array([[0, 1, 2], [0, 0, 0]])
    mask = np.array([[True, True, True], [True, False, False]])
    logits = np.zeros((2, 3, 4))
    logits[1, 1:] = np.nan
    assert perplexity(logits, labels, weights=mask) == pytest.approx(4, rel=1e-15)
    assert perplexity(np.array([[0.0, 2000.0]]), np.array([0])) == np.inf


def test_weighted_losses_as_metrics() -> None:
    """A row of weight 2 counts like two rows, whichever way the loss reduces."""
    y, t = np.random.default_rng(0).normal(size=(2, 4, 3))
    twice = np.array([2.0, 1.0, 0.0, 1.0])
    index = [0, 0, 1, 3]
    for how in ("mean", "batch", "sum"):
        found = mean_of(squared_error.bind(reduce=how))
        assert found(y, t, weights=twice) == pytest.approx(found(y[index], t[index]), rel=1e-14)
    assert mean_squared_error(y, t, weights=twice) == pytest.approx(mean_squared_error(y[index], t[index]), rel=1e-14)
