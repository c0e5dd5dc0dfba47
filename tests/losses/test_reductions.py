"""Reductions and weights: the same for every loss."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from funcnn import Loss, Reduce, ShapeError, softmax_cross_entropy, squared_error

REDUCTIONS: tuple[Reduce, ...] = ("mean", "sum", "batch")
LOGITS = np.random.default_rng(5).normal(size=(4, 3))
LABELS = np.array([2, 0, 1, 2])
DISTRIBUTIONS = np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1], [0.25, 0.5, 0.25], [0.1, 0.1, 0.8]])
SEQUENCES = np.random.default_rng(6).normal(size=(4, 5, 3))

Case = tuple[Loss[Any, Any], Any, Any]
CASES: dict[str, Case] = {
    "elements": (squared_error, LOGITS, DISTRIBUTIONS),
    "labels": (softmax_cross_entropy, LOGITS, LABELS),
    "distributions": (softmax_cross_entropy.bind(label_smoothing=0.1), LOGITS, DISTRIBUTIONS),
    "sequences": (softmax_cross_entropy, SEQUENCES, np.arange(20).reshape(4, 5) % 3),
}
every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@pytest.mark.parametrize("reduce", REDUCTIONS)
@every_case
def test_weights_count_as_copies(case: Case, reduce: Any) -> None:
    """Weights 2, 0, 1, 3 are two copies of the first row, none of the second, ..."""
    loss, y, t = case
    copies = np.repeat(np.arange(4), [2, 0, 1, 3])
    weighted = loss(y, t, weights=np.array([2.0, 0.0, 1.0, 3.0]), reduce=reduce)
    assert np.isclose(weighted, loss(y[copies], t[copies], reduce=reduce), rtol=1e-14)


@pytest.mark.parametrize("reduce", REDUCTIONS)
@every_case
def test_weights_of_one_change_nothing(case: Case, reduce: Any) -> None:
    """Weights of one are no weights."""
    loss, y, t = case
    assert np.isclose(loss(y, t, weights=np.ones(4), reduce=reduce), loss(y, t, reduce=reduce), rtol=1e-14)


def test_weights_of_terms() -> None:
    """Weights may have as many axes as the terms: the mean is over what is weighted, "batch" over all rows."""
    y, t, w = np.array([[1.0, 2.0], [3.0, 4.0]]), np.zeros((2, 2)), np.array([[1.0, 0.0], [1.0, 2.0]])
    found = [squared_error(y, t, weights=w, reduce=reduce) for reduce in REDUCTIONS]
    assert found == [42 / 4, 42.0, 42 / 2]


def test_weights_of_terms_alone() -> None:
    """With "none" every term is multiplied by its weight."""
    y, t = np.array([[1.0, 2.0], [3.0, 4.0]]), np.zeros((2, 2))
    assert squared_error(y, t, weights=np.array([1, 0]), reduce="none").tolist() == [[1.0, 4.0], [0.0, 0.0]]


def test_masks_and_integers_are_weights() -> None:
    """A mask leaves terms out."""
    y, t = np.array([1.0, 2.0, 3.0]), np.zeros(3)
    assert squared_error(y, t, weights=np.array([True, False, True])) == 5.0


@pytest.mark.parametrize("shape", [(1,), (4, 1), (3,), (4, 3, 1), ()])
def test_weights_are_never_broadcast(shape: tuple[int, ...]) -> None:
    """Weights have the shape of leading axes of the terms; no other shape will do."""
    with pytest.raises(ShapeError, match=re.escape(f"leading axes of the terms, (4, 3), got {shape}")):
        squared_error(LOGITS, LOGITS, weights=np.ones(shape))


@pytest.mark.parametrize("reduce", ["mean", "batch"])
def test_weights_that_sum_to_zero(reduce: Any) -> None:
    """There is no mean of nothing."""
    with pytest.raises(ShapeError, match="empty batch: the weights sum to 0"):
        squared_error(LOGITS, LOGITS, weights=np.zeros(4), reduce=reduce)


@pytest.mark.parametrize("reduce", ["mean", "batch"])
@pytest.mark.parametrize("weights", [None, np.ones(0)])
def test_empty_batch(reduce: Any, weights: Any) -> None:
    """A mean over no rows is refused."""
    with pytest.raises(ShapeError, match="empty batch"):
        squared_error(np.ones((0, 2)), np.ones((0, 2)), weights=weights, reduce=reduce)
    with pytest.raises(ShapeError, match="empty batch"):
        softmax_cross_entropy(np.ones((0, 2)), np.ones(0, int), weights=weights, reduce=reduce)


def test_sum_over_nothing_is_zero() -> None:
    """The sum of no terms is 0, and their array is empty."""
    nothing = np.ones((0, 2))
    assert squared_error(nothing, nothing, reduce="sum") == 0.0
    assert squared_error(nothing, nothing, reduce="none").shape == (0, 2)
