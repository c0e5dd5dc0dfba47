"""Reductions and weights: the same for every loss."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from funcnn import (
    Loss, Reduce, ShapeError, absolute_error, cosine_distance, hinge, huber, joint, log_cosh, poisson_nll,
    sigmoid_binary_cross_entropy, softmax_cross_entropy, squared_error,
)  # fmt: skip
from funcnn.nested import arrays

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


POSITIVE = np.abs(LOGITS) + 0.5
LEFT_OUT: dict[str, Case] = {
    **CASES,
    "sizes": (absolute_error, LOGITS, DISTRIBUTIONS),
    "huber": (huber, LOGITS, DISTRIBUTIONS),
    "log_cosh": (log_cosh, LOGITS, DISTRIBUTIONS),
    "angles": (cosine_distance, LOGITS, DISTRIBUTIONS),
    "truths": (sigmoid_binary_cross_entropy, LOGITS, DISTRIBUTIONS > 0.3),
    "margins": (hinge, LOGITS, np.sign(LOGITS)),
    "counts": (poisson_nll, LOGITS, np.ones_like(LOGITS)),
    "pairs": (joint(squared_error, absolute_error), (LOGITS, POSITIVE), (DISTRIBUTIONS, DISTRIBUTIONS)),
    "smoothed": (softmax_cross_entropy.bind(label_smoothing=0.1), LOGITS, LABELS),
}


@pytest.mark.parametrize("padding", [np.nan, np.inf, -np.inf, 1e30])
@pytest.mark.parametrize("reduce", REDUCTIONS)
@pytest.mark.parametrize("case", LEFT_OUT.values(), ids=LEFT_OUT)
def test_what_counts_nothing_may_be_anything(case: Case, reduce: Any, padding: float) -> None:
    """A prediction, or a target, that the mask leaves out changes neither the value nor the gradients."""
    loss, y, t = case
    mask = np.array([True, False, True, True])

    def put(tree: Any) -> Any:
        if isinstance(tree, tuple):
            return tuple(map(put, tree))
        out = np.array(tree)
        out[1] = padding
        return out

    with np.errstate(invalid="ignore", over="ignore"):
        value, pull = loss.pull(y, t, weights=mask, reduce=reduce)
        other, back = loss.pull(put(y), t, weights=mask, reduce=reduce)
        gradients, found = pull(1.0), back(1.0)
    assert other == value
    for a, b in zip(arrays(gradients[0]), arrays(found[0]), strict=True):
        assert np.array_equal(a, b)
        assert not b[1].any()
    assert np.isfinite([np.sum(b) for b in arrays(found)]).all()


def test_targets_may_be_missing() -> None:
    """NaN stands for them in data; where the mask is false they teach nothing."""
    t = np.array([[1.0, np.nan, 3.0]])
    value, pull = squared_error.pull(np.zeros((1, 3)), t, weights=~np.isnan(t))
    assert value == 5.0
    assert np.array_equal(pull(1.0)[0], [[-1, 0, -3]])
