"""What targets may be, and what is refused: type and message."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from funcnn import (
    DTypeError, LabelError, Layer, ShapeError, absolute_error, cosine_distance, joint, on_item, parallel,
    sigmoid_binary_cross_entropy, softmax_cross_entropy, squared_error, sum_squared_error, value_and_grad,
)  # fmt: skip
from funcnn.authoring import passes

LOGITS = np.random.default_rng(5).normal(size=(4, 3))
LABELS = np.array([2, 0, 1, 2])
DISTRIBUTIONS = np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1], [0.25, 0.5, 0.25], [0.1, 0.1, 0.8]])
SEQUENCES = np.random.default_rng(6).normal(size=(2, 5, 3))


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.uint64, ">i4"])
def test_labels_of_any_integer_dtype(dtype: Any) -> None:
    """Signed, unsigned, narrow, wide, byte-swapped."""
    assert softmax_cross_entropy(LOGITS, LABELS.astype(dtype)) == softmax_cross_entropy(LOGITS, LABELS)


def test_labels_in_lists() -> None:
    """What NumPy makes an array of integers is labels."""
    labels: Any = [2, 0, 1, 2]
    assert softmax_cross_entropy(LOGITS, labels) == softmax_cross_entropy(LOGITS, LABELS)


def test_targets_without_the_last_axis() -> None:
    """`(N,)` against `(N, 1)` is never a broadcast."""
    with pytest.raises(ShapeError, match=re.escape("(4, 1), got (4,); nothing is broadcast, write target[:, None]")):
        squared_error(np.ones((4, 1)), np.ones(4))


def test_targets_with_one_axis_more() -> None:
    """`(N, 1)` against `(N,)` neither."""
    with pytest.raises(ShapeError, match=re.escape("(4,), got (4, 1); nothing is broadcast, write target[..., 0]")):
        squared_error(np.ones(4), np.ones((4, 1)))


@pytest.mark.parametrize("shape", [(1, 3), (4, 1), (3,), (4, 2), ()])
def test_targets_of_other_shapes(shape: tuple[int, ...]) -> None:
    """Both shapes are in the message."""
    with pytest.raises(ShapeError, match=re.escape(f"(4, 3), got {shape}")):
        sum_squared_error(LOGITS, np.ones(shape))


FORMS = "labels are integers from 0 to 2 with one axis fewer than the logits, or distributions of the same shape"


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.array([0, 1, -1, 2]), "label -1 at index 2 is outside the range 0 to 2"),
        (np.array([0, 3, 1, 2]), "label 3 at index 1 is outside the range 0 to 2"),
        (np.array([0, 200, 1, 2], np.uint8), "label 200 at index 1 is outside the range 0 to 2"),
        (np.array([0.0, 1.0, 2.0, 1.0]), "labels have dtype float64 and one axis fewer than the logits, the first"),
        (np.array([True, False, True, True]), "labels have dtype bool and one axis fewer than the logits"),
        (np.array([[0], [1], [2], [1]]), "labels have shape (4, 1) for logits (4, 3); write labels[..., 0]"),
        (DISTRIBUTIONS * 2, "row 0 of the labels is [0.4 0.6 1. ], and sums to 2"),
        (DISTRIBUTIONS - [[0], [0], [0.01], [0]], "row 2 of the labels is [0.24 0.49 0.24], and sums to 0.97"),
        (np.array([[0, 0, 1], [2, -1, 0], [1, 0, 0], [0, 1, 0]]), "row 1 of the labels is [ 2. -1.  0.], and"),
        (np.full((4, 3), np.nan), "row 0 of the labels is [nan nan nan]"),
    ],
)
def test_labels_that_are_none(labels: Any, words: str) -> None:
    """The message has the value, its place, the range, and the two forms that labels may have."""
    with pytest.raises(LabelError, match=re.escape(words)) as caught:
        softmax_cross_entropy(LOGITS, labels)
    assert FORMS in str(caught.value)


def test_labels_of_sequences_say_where() -> None:
    """The index has as many numbers as the labels have axes."""
    with pytest.raises(LabelError, match="label 7 at index 1, 3 is outside the range 0 to 2"):
        softmax_cross_entropy(SEQUENCES, np.array([[0] * 5, [0, 0, 0, 7, 0]]))


@pytest.mark.parametrize("shape", [(3,), (4, 2), (2, 4, 3)])
def test_labels_of_other_shapes(shape: tuple[int, ...]) -> None:
    """Both shapes are in the message."""
    with pytest.raises(ShapeError, match=re.escape(f"logits (4, 3) and labels {shape}")):
        softmax_cross_entropy(LOGITS, np.zeros(shape, int))


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (LOGITS.astype(complex), "has dtype complex128"),
        (np.array([["a"] * 3] * 4), "has dtype <U1"),
        (np.ma.masked_array(LOGITS), "is a masked array; .*filled"),
        (LOGITS.astype(object), "has dtype object"),
    ],
)
def test_what_are_no_numbers(bad: Any, words: str) -> None:
    """Complex, strings, masked arrays and objects are neither predictions nor targets."""
    with pytest.raises(DTypeError, match="the prediction " + words):
        squared_error(bad, LOGITS)
    for loss in (squared_error, softmax_cross_entropy):
        with pytest.raises(DTypeError, match="the target " + words):
            loss(LOGITS, bad)


def test_tuples_are_for_joint() -> None:
    """A network with several outputs wants a joint loss."""
    two: Any = (LOGITS, LOGITS)
    for loss in (squared_error, softmax_cross_entropy):
        with pytest.raises(ShapeError, match="tuple of 2; use joint"):
            loss(two, LOGITS)
        with pytest.raises(ShapeError, match="the target is a tuple of 2"):
            loss(LOGITS, two)


@pytest.mark.parametrize("smoothing", [-0.1, 1.0, float("nan")])
def test_smoothing_out_of_range(smoothing: float) -> None:
    """The message has the name, the value and the range."""
    with pytest.raises(ValueError, match=rf"label_smoothing must be in \[0, 1\), got {smoothing}"):
        softmax_cross_entropy(LOGITS, LABELS, label_smoothing=smoothing)


@pytest.mark.parametrize(
    ("made", "target"),
    [
        (squared_error, np.ones((2, 2), bool)), (absolute_error, np.ones((2, 2))), (softmax_cross_entropy, np.array([0, 1])),
        (sigmoid_binary_cross_entropy, np.ones((2, 2), bool)), (cosine_distance, np.ones((2, 2))),
    ],
    ids=repr,
)  # fmt: skip
@pytest.mark.parametrize("dtype", [bool, np.int64])
def test_predictions_are_numbers(made: Any, target: Any, dtype: Any) -> None:
    """A network without params passes tokens and truth values on, alone and in tuples."""
    yes: Any = np.ones((2, 2), dtype)
    tokens: Any = Layer.lift(lambda shape: shape, lambda x: (x, lambda dy: dy), takes=passes)
    with pytest.raises(DTypeError, match=f"^{made!r} takes predictions of floating-point numbers, got {np.dtype(dtype)}; "):
        value_and_grad(made, tokens.apply)({}, yes, target)
    with pytest.raises(DTypeError, match=f"^{made!r} takes predictions of floating-point numbers"):
        value_and_grad(joint(made, made), parallel(tokens, tokens).apply)({}, (yes, yes), (target, target))


def test_a_loss_on_an_item_looks_at_that_item() -> None:
    """Beside it there may be a mask."""
    y, mask = np.ones((2, 2)), np.ones((2, 2), bool)
    beside: Any = Layer.lift(lambda shape: shape, lambda x: (x, lambda dy: dy), takes=passes)
    assert value_and_grad(on_item(0, squared_error), beside.apply)({}, (y, mask), np.zeros((2, 2)))[0] == 1.0
