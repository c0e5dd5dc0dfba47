"""Losses: values worked by hand, gradients against differences, extreme logits, dtypes and layouts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.differences import drawn_like, inner, moved, slope

from funcnn import (
    Array,
    Loss,
    Reduce,
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
    value, _ = loss.rule(moved(y, 1e-30j, d), t)
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


@pytest.mark.parametrize("labels", [np.array([1]), np.array([[0.0, 1.0, 0.0]])], ids=["class", "distribution"])
def test_a_class_that_is_ruled_out_costs_nothing(labels: Any) -> None:
    """A logit of -inf, where the label does not want it: log(1 + e), and no gradient there."""
    logits = np.array([[-np.inf, 0.0, 1.0]])
    value, pullback = vjp(softmax_cross_entropy, logits, labels)
    assert value == pytest.approx(np.log(1 + np.e), rel=1e-15)
    share = 1 / (1 + np.e)
    assert pullback(1.0)[0] == pytest.approx(np.array([[0.0, share - 1, 1 - share]]), rel=1e-15)


def test_a_class_that_is_ruled_out_and_wanted_costs_infinity() -> None:
    """For either form of the labels."""
    logits = np.array([[-np.inf, 0.0, 1.0]])
    for labels in (np.array([0]), np.array([[1.0, 0.0, 0.0]])):
        assert softmax_cross_entropy(logits, labels) == np.inf
