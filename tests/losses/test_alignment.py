"""CTC: by enumeration of all ways, for uneven rows, by differences, and what it refuses."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

import numpy as np
import pytest
from scipy import special

from funcnn import LabelError, ShapeError, ctc, vjp

NUMBERS = np.random.default_rng(8)
LOGITS = NUMBERS.normal(size=(2, 3, 3))


def ways(labels: tuple[int, ...], steps: int, classes: int) -> list[tuple[int, ...]]:
    """Every path of classes that reads as these labels, repeats merged and blanks (0) taken out."""
    paths = itertools.product(range(classes), repeat=steps)
    return [p for p in paths if tuple(c for c, _ in itertools.groupby(p) if c) == labels]


@pytest.mark.parametrize("labels", [(), (1,), (1, 2), (2, 2), (1, 2, 1)])
@pytest.mark.parametrize("steps", [3, 4, 5])
def test_ctc_counts_every_way(labels: tuple[int, ...], steps: int) -> None:
    """By enumeration."""
    x = NUMBERS.normal(size=(1, steps, 3))
    logs = special.log_softmax(x[0], axis=-1)
    found = ways(labels, steps, 3)
    if not found:
        return
    expected = -special.logsumexp([sum(logs[t, c] for t, c in enumerate(path)) for path in found])
    padded = np.array([[*labels, -1, -1]])
    assert float(ctc(x, padded)) == pytest.approx(expected, rel=1e-12)


def test_ctc_of_uneven_rows() -> None:
    """Rows with steps that are not real are the shorter sequences; gaps too, and their gradients are zero there."""
    x = NUMBERS.normal(size=(3, 6, 4))
    labels = np.array([[1, 2, 2], [3, -1, -1], [-1, -1, -1]])
    mask = np.array([[True] * 6, [True, False, True, True, False, False], [True, True, False, False, False, False]])
    terms, pullback = vjp(ctc, x, (labels, mask), reduce="none")
    for i in range(3):
        alone = ctc(x[i : i + 1, mask[i]], labels[i : i + 1])
        assert terms[i] == pytest.approx(alone, rel=1e-12)
    dx = pullback(np.ones(3))[0]
    assert not dx[~mask].any() and dx[mask].any(axis=-1).all()


def test_ctc_pullback() -> None:
    """By differences, another class as the blank, a cotangent for every row."""
    loss = ctc.bind(blank=2)
    x, labels = NUMBERS.normal(size=(2, 5, 3)), np.array([[0, 0], [1, -1]])
    terms, pullback = vjp(loss, x, labels, reduce="none")
    c = np.array([1.0, -2.0])
    dx = pullback(c)[0]
    for _ in range(3):
        d = NUMBERS.normal(size=x.shape)
        a, b = (float(c @ (loss(x + h * d, labels, reduce="none") - loss(x - h * d, labels, reduce="none"))) / (2 * h) for h in (2e-4, 1e-4))
        assert float((dx * d).sum()) == pytest.approx((4 * b - a) / 3, rel=1e-8)
    assert np.isfinite(vjp(loss, x * 1e4, labels)[1](1.0)[0]).all()
    assert terms.shape == (2,)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ctc(LOGITS, np.array([[1, 1], [1, 3]])), LabelError, "ctc: label 3 at index 1, 1"),
        (lambda: ctc(LOGITS, np.array([[1, 0], [1, 1]])), LabelError, "ctc: label 0 at index 0, 1: labels are classes from 0 to 2 without the blank 0"),
        (lambda: ctc(LOGITS, np.array([[-1, 1], [1, 1]])), LabelError, "ctc: label 1 at index 0, 1"),
        (lambda: ctc(LOGITS, np.array([[1, 2], [1, 1]]), blank=7), ValueError, "ctc: blank must be a class from 0 to 2, got 7"),
        (lambda: ctc(LOGITS, np.array([[1, 1, 1], [1, -1, -1]])), LabelError, "ctc: row 0 has labels that need 5 steps, and 3 steps"),
        (lambda: ctc(LOGITS, np.array([1, 1])), ShapeError, "ctc takes labels (batch, length) for 2 rows, got (2,)"),
    ],
)  # fmt: skip
def test_a_word_for_it(call: Callable[[], object], error: type[Exception], message: str) -> None:
    """By name: what was got, what is taken, what to do."""
    with pytest.raises(error, match=re.escape(message)):
        call()
