"""Losses: values worked by hand, gradients against differences, extreme logits, what is refused and how."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from differences import drawn_like, inner, moved, slope

from funcnn import (
    Array,
    DTypeError,
    LabelError,
    Loss,
    Reduce,
    ShapeError,
    joint,
    softmax_cross_entropy,
    squared_error,
    sum_squared_error,
    vjp,
)

REDUCTIONS: tuple[Reduce, ...] = ("mean", "sum", "batch")
NUMBERS = np.random.default_rng(5)
LOGITS = NUMBERS.normal(size=(4, 3))
LABELS = np.array([2, 0, 1, 2])
DISTRIBUTIONS = np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1], [0.25, 0.5, 0.25], [0.1, 0.1, 0.8]])
SEQUENCES = NUMBERS.normal(size=(2, 5, 3))
smoothed = softmax_cross_entropy.bind(label_smoothing=0.3)


def pair(*arrays: Array) -> tuple[Array, ...]:
    """A prediction, or a target, of a joint loss."""
    return arrays


CASES: dict[str, tuple[Loss[Any, Any], Any, Any]] = {
    "squared_error": (squared_error, LOGITS, NUMBERS.normal(size=(4, 3))),
    "sum_squared_error": (sum_squared_error, LOGITS, NUMBERS.normal(size=(4, 3))),
    "labels": (softmax_cross_entropy, LOGITS, LABELS),
    "labels, smoothed": (smoothed, LOGITS, LABELS),
    "distributions": (softmax_cross_entropy, LOGITS, DISTRIBUTIONS),
    "distributions, smoothed": (smoothed, LOGITS, DISTRIBUTIONS),
    "labels of sequences": (softmax_cross_entropy, SEQUENCES, NUMBERS.integers(0, 3, (2, 5))),
    "one row": (softmax_cross_entropy, LOGITS[0], np.array(1)),
    "joint": (joint(squared_error, smoothed, scales=(0.5, 2.0)), pair(LOGITS, LOGITS), pair(DISTRIBUTIONS, LABELS)),
}
every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def reference(logits: Array, t: Array) -> Array:
    """Cross-entropy from its definition, row by row."""
    return np.array([-sum(t * np.log(np.exp(x) / sum(np.exp(x)))) for x, t in zip(logits, t, strict=True)])


def stepped(x: Any, d: Any) -> Any:
    """`x + 1e-30 i d`."""
    return tuple(map(stepped, x, d)) if isinstance(x, tuple) else x + 1e-30j * d


def rows_of(target: Any) -> Any:
    """A weight for every row; one weight for a single row without a batch axis."""
    first = target[0] if isinstance(target, tuple) else target
    return np.linspace(0.5, 2.0, len(first)) if np.ndim(first) else np.array(0.5)


# values ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("reduce", "expected"), [("mean", 30 / 4), ("sum", 30.0), ("batch", 15.0), ("none", [[1, 4], [9, 16]])]
)
def test_squared_error_by_hand(reduce: Any, expected: Any) -> None:
    """Errors 1, 2, 3, 4 in two rows of two."""
    prediction, target = np.array([[1.0, 2.0], [3.0, 4.0]]), np.zeros((2, 2))
    assert np.array_equal(squared_error(prediction, target, reduce=reduce), expected)


def test_sum_squared_error_sums() -> None:
    """The sum is what it does unless told otherwise."""
    y, t = np.array([[1.0], [2.0]]), np.array([[3.0], [5.0]])
    assert (sum_squared_error(y, t), sum_squared_error(y, t, reduce="mean")) == (13.0, 6.5)


def test_cross_entropy_of_labels_by_hand() -> None:
    """Logits log 1, log 2, log 5 are the probabilities 1/8, 2/8, 5/8."""
    logits = np.log([[1.0, 2.0, 5.0], [1.0, 2.0, 5.0]])
    assert np.allclose(softmax_cross_entropy(logits, np.array([0, 2]), reduce="none"), np.log([8, 8 / 5]), rtol=1e-15)


def test_cross_entropy_of_distributions_is_its_definition() -> None:
    """`-sum t log softmax(x)`."""
    found = softmax_cross_entropy(LOGITS, DISTRIBUTIONS, reduce="none")
    assert np.allclose(found, reference(LOGITS, DISTRIBUTIONS), rtol=1e-13)


def test_labels_are_distributions_of_one_class() -> None:
    """Class numbers and their rows of the identity matrix give the same, smoothed or not."""
    for loss in (softmax_cross_entropy, smoothed):
        expected = loss(LOGITS, np.eye(3)[LABELS], reduce="none")
        assert np.allclose(loss(LOGITS, LABELS, reduce="none"), expected, rtol=1e-14)


def test_smoothing_mixes_in_the_uniform_distribution() -> None:
    """Smoothing 0.3 takes 0.7 of the target and 0.1 for each of three classes."""
    expected = reference(LOGITS, 0.7 * np.eye(3)[LABELS] + 0.1)
    assert np.allclose(smoothed(LOGITS, LABELS, reduce="none"), expected, rtol=1e-13)


def test_leading_axes_are_rows() -> None:
    """A batch of sequences has a term for every step; "batch" sums over steps."""
    labels = np.arange(10).reshape(2, 5) % 3
    terms = softmax_cross_entropy(SEQUENCES, labels, reduce="none")
    flat = softmax_cross_entropy(SEQUENCES.reshape(10, 3), labels.reshape(10), reduce="none")
    assert np.array_equal(terms, flat.reshape(2, 5))
    assert np.isclose(softmax_cross_entropy(SEQUENCES, labels, reduce="batch"), flat.sum() / 2)


@pytest.mark.parametrize("classes", (2, 5, 16, 17, 40, 131, 200))
@pytest.mark.parametrize("rows", (1, 15, 40))
def test_any_number_of_rows_and_classes(rows: int, classes: int) -> None:
    """Short and long rows, few and many, take different ways to the same numbers."""
    numbers = np.random.default_rng(classes)
    logits, labels = 3 * numbers.normal(size=(rows, classes)), numbers.integers(0, classes, rows)
    terms, pullback = vjp(softmax_cross_entropy, logits, labels)
    assert np.allclose(terms, reference(logits, np.eye(classes)[labels]).mean(), rtol=1e-12)
    softmax = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert np.allclose(pullback(1.0)[0], (softmax - np.eye(classes)[labels]) / rows, rtol=1e-12, atol=1e-15)


# reductions and weights -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("reduce", REDUCTIONS)
@pytest.mark.parametrize("case", [CASES["squared_error"], CASES["labels"], CASES["distributions"]])
def test_weights_count_as_copies(case: tuple[Loss[Any, Any], Any, Any], reduce: Any) -> None:
    """Weights 2, 0, 1, 3 are two copies of the first row, none of the second, ..."""
    loss, y, t = case
    copies = np.repeat(np.arange(4), [2, 0, 1, 3])
    weighted = loss(y, t, weights=np.array([2.0, 0.0, 1.0, 3.0]), reduce=reduce)
    assert np.isclose(weighted, loss(y[copies], t[copies], reduce=reduce), rtol=1e-14)


@pytest.mark.parametrize("reduce", REDUCTIONS)
@every_case
def test_weights_of_one_change_nothing(case: tuple[Loss[Any, Any], Any, Any], reduce: Any) -> None:
    """Weights of one are no weights."""
    loss, y, t = case
    ones = np.ones(rows_of(t).shape)
    assert np.isclose(loss(y, t, weights=ones, reduce=reduce), loss(y, t, reduce=reduce), rtol=1e-14)


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


# gradients ------------------------------------------------------------------------------------------------------------
def disagreement(f: Callable[[Any, Any], Any], pulled: tuple[Any, Any], y: Any, t: Any, w: Any) -> float:
    """How far the cotangents are from differences, along three directions."""
    numbers, worst = np.random.default_rng(9), 0.0
    for _ in range(3):
        dy, dt = drawn_like(y, numbers), drawn_like(t, numbers)
        if not isinstance(t, tuple) and t is DISTRIBUTIONS:
            dt -= dt.mean(-1, keepdims=True)  # distributions move among distributions
        wanted = slope(lambda h: inner(w, f(moved(y, h, dy), t))), slope(lambda h: inner(w, f(y, moved(t, h, dt))))
        for got, want in zip((inner(pulled[0], dy), inner(pulled[1], dt)), wanted, strict=True):
            worst = max(worst, abs(got - want) / (1 + abs(want)))
    return worst


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("reduce", REDUCTIONS)
@every_case
def test_pullback_is_the_derivative(case: tuple[Loss[Any, Any], Any, Any], reduce: Any, weighted: bool) -> None:
    """For the prediction and for targets of real numbers, in every reduction, with and without weights."""
    loss, y, t = case
    weights = rows_of(t) if weighted else None

    def f(y: Any, t: Any) -> Array:
        return np.array(loss(y, t, weights=weights, reduce=reduce))

    _, pullback = vjp(loss, y, t, weights=weights, reduce=reduce)
    assert disagreement(f, pullback(-1.5), y, t, np.array(-1.5)) < 1e-9


@pytest.mark.parametrize("weighted", [False, True])
@every_case
def test_pullback_of_terms_is_the_derivative(case: tuple[Loss[Any, Any], Any, Any], weighted: bool) -> None:
    """With `reduce="none"` the cotangent is an array like the terms."""
    loss, y, t = case
    if isinstance(y, tuple):
        loss, t = joint(squared_error, squared_error, scales=(2.0, 3.0)), (LOGITS, DISTRIBUTIONS)  # terms of one shape
    weights = rows_of(t) if weighted else None
    terms, pullback = vjp(loss, y, t, weights=weights, reduce="none")
    w = np.random.default_rng(3).normal(size=np.shape(terms))
    assert disagreement(lambda y, t: loss(y, t, weights=weights, reduce="none"), pullback(w), y, t, w) < 1e-9


@every_case
def test_pullbacks_by_complex_step(case: tuple[Loss[Any, Any], Any, Any]) -> None:
    """Complex numbers flow through the rule, so that derivatives are exact to the last digits."""
    loss, y, t = case
    d = drawn_like(y, np.random.default_rng(1))
    value, _ = loss.rule(stepped(y, d), t)
    _, pullback = loss.rule(y, t)
    assert np.isclose(value.imag / 1e-30, inner(pullback(1.0)[0], d), rtol=1e-12)


def test_labels_have_zero_cotangents() -> None:
    """Class numbers cannot move."""
    _, pullback = vjp(softmax_cross_entropy, LOGITS.astype(np.float32), LABELS)
    found: Any = pullback(1.0)[1]
    assert (found.tolist(), found.dtype) == ([0.0] * 4, np.float32)


@every_case
def test_pullback_twice(case: tuple[Loss[Any, Any], Any, Any]) -> None:
    """A pullback can be called again, scales with its argument, and leaves everything as it was."""
    loss, y, t = case
    before = repr((y, t))
    _, pullback = vjp(loss, y, t)
    first, second = pullback(1.0), pullback(2.0)
    assert repr(moved(first, 1.0, first)) == repr(moved(second, 0.0, second))
    assert repr((y, t)) == before


# extremes -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", [softmax_cross_entropy, smoothed], ids=repr)
@pytest.mark.parametrize("target", [np.array([0, 1]), np.array([[1, 0], [0.5, 0.5]])], ids=["labels", "distributions"])
def test_extreme_logits(dtype: Any, loss: Loss[Any, Any], target: Any) -> None:
    """Logits of +-1e4 give finite losses and gradients, and no warning."""
    logits = np.array([[1e4, -1e4], [1e4, -1e4]], dtype)
    value, pullback = vjp(loss, logits, target, reduce="sum")
    assert np.isfinite(value) and 1e4 <= value <= 3e4
    assert np.isfinite(pullback(1.0)[0]).all()


def test_extreme_logits_by_hand() -> None:
    """Where softmax is 1, 0 and the label says the other: the loss is the gap, the gradient (1, -1)."""
    value, pullback = vjp(softmax_cross_entropy, np.array([[1e4, -1e4]]), np.array([1]))
    assert (value, pullback(1.0)[0].tolist()) == (2e4, [[1.0, -1.0]])


# forms ----------------------------------------------------------------------------------------------------------------
@every_case
def test_float32_stays(case: tuple[Loss[Any, Any], Any, Any]) -> None:
    """The value is a Python float; cotangents have the dtype of the prediction, whatever that of the target."""
    loss, y, t = case
    single: Any = tuple(a.astype(np.float32) for a in y) if isinstance(y, tuple) else y.astype(np.float32)
    for weights in (None, rows_of(t)):
        value, pullback = vjp(loss, single, t, weights=weights)
        assert type(value) is float
        found = [a.dtype for part in pullback(np.float64(1.0)) for a in (part if isinstance(part, tuple) else (part,))]
        assert set(found) == {np.dtype(np.float32)}


def test_terms_keep_the_dtype() -> None:
    """Terms have the dtype of the prediction."""
    y = LOGITS.astype(np.float32)
    for terms in (squared_error(y, LOGITS, reduce="none"), smoothed(y, LABELS, reduce="none")):
        assert terms.dtype == np.float32


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.uint64, ">i4"])
def test_labels_of_any_integer_dtype(dtype: Any) -> None:
    """Signed, unsigned, narrow, wide, byte-swapped."""
    assert softmax_cross_entropy(LOGITS, LABELS.astype(dtype)) == softmax_cross_entropy(LOGITS, LABELS)


def test_labels_in_lists() -> None:
    """What NumPy makes an array of integers is labels."""
    labels: Any = [2, 0, 1, 2]
    assert softmax_cross_entropy(LOGITS, labels) == softmax_cross_entropy(LOGITS, LABELS)


@pytest.mark.parametrize("view", ["fortran", "reversed", "swapped"])
def test_layouts(view: str) -> None:
    """Fortran order, negative strides and foreign byte order give the same value and cotangents."""
    forms: dict[str, Callable[[Array], Array]] = {
        "fortran": np.asfortranarray,
        "reversed": lambda a: a[::-1].copy()[::-1],
        "swapped": lambda a: a.astype(a.dtype.newbyteorder()),
    }
    form = forms[view]
    for loss, y, t in (CASES["squared_error"], CASES["labels"], CASES["labels, smoothed"], CASES["distributions"]):
        expected, pulled = vjp(loss, y, t)
        value, pullback = vjp(loss, form(y), form(t))
        assert np.isclose(value, expected, rtol=1e-15)
        assert np.allclose(pullback(1.0)[0], pulled(1.0)[0], rtol=1e-14, atol=0)


# what is refused ------------------------------------------------------------------------------------------------------
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
