"""Metrics: values by hand, exact whichever way the data are cut, what is refused."""

from __future__ import annotations

import pickle
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from funcnn import (
    Array,
    LabelError,
    Loss,
    Metric,
    ShapeError,
    accuracy,
    average_precision,
    binary_accuracy,
    confusion_matrix,
    f1,
    joint,
    mean_absolute_error,
    mean_of,
    mean_squared_error,
    metric,
    perplexity,
    precision,
    r2,
    recall,
    roc_auc,
    root_mean_squared_error,
    softmax_cross_entropy,
    squared_error,
    sum_squared_error,
    top_k_accuracy,
)

NUMBERS = np.random.default_rng(2)
LOGITS, LABELS = NUMBERS.normal(size=(12, 3)), NUMBERS.integers(0, 3, 12)
Y = NUMBERS.normal(size=(12, 2))
T = Y + NUMBERS.normal(size=(12, 2))


def in_pieces(metric: Metric[Any, Any, Any, float], y: Any, t: Any, cuts: list[int]) -> float:
    """The metric over the batches between the cuts."""
    state = metric.init()
    for a, b in zip([0, *cuts], [*cuts, 12], strict=True):
        state = metric.update(state, cut(y, a, b), cut(t, a, b))
    return metric.compute(state)


def cut(rows: Any, a: int, b: int) -> Any:
    """Rows from `a` to `b`, of every array of a tuple."""
    return tuple(cut(v, a, b) for v in rows) if isinstance(rows, tuple) else rows[a:b]


def cuts(*, least: int) -> st.SearchStrategy[list[int]]:
    """Where twelve rows are cut, into batches of at least so many rows."""
    return st.lists(st.sampled_from(range(least, 12)), max_size=4, unique=least > 0).map(sorted)


# accuracy -------------------------------------------------------------------------------------------------------------
def test_accuracy_by_hand() -> None:
    """Two of three."""
    assert accuracy(np.array([[2.0, 1.0], [0.0, 1.0], [5.0, 1.0]]), np.array([0, 1, 1])) == 2 / 3


def test_accuracy_row_by_row() -> None:
    """An independent reference."""
    hits = [max(range(3), key=row.__getitem__) == label for row, label in zip(LOGITS.tolist(), LABELS, strict=True)]
    assert accuracy(LOGITS, LABELS) == sum(hits) / 12


def test_accuracy_of_distributions() -> None:
    """The label of a distribution is its largest entry."""
    assert accuracy(LOGITS, np.eye(3)[LABELS] * 0.7 + 0.1) == accuracy(LOGITS, LABELS)


def test_accuracy_of_sequences() -> None:
    """Every step counts."""
    assert accuracy(LOGITS.reshape(3, 4, 3), LABELS.reshape(3, 4)) == accuracy(LOGITS, LABELS)


def test_the_first_of_equals_counts() -> None:
    """Ties go to the lowest class."""
    assert accuracy(np.zeros((2, 3)), np.array([0, 1])) == 0.5


@given(cuts(least=0))
def test_accuracy_in_pieces(where: list[int]) -> None:
    """Counts are exact: batches may be cut anywhere, and may be empty."""
    assert in_pieces(accuracy, LOGITS, LABELS, where) == accuracy(LOGITS, LABELS)


def test_accuracy_checks_labels() -> None:
    """As the loss does."""
    with pytest.raises(LabelError, match="accuracy: label 3 at index 1 is outside the range 0 to 2"):
        accuracy(LOGITS[:2], np.array([0, 3]))
    with pytest.raises(LabelError, match="predictions are class numbers already, give the logits instead"):
        accuracy(np.array([0, 1, 2, 1]), np.array([0, 1, 2, 2]))
    with pytest.raises(LabelError, match=re.escape("accuracy: labels have shape (12, 1)")):
        accuracy(LOGITS, LABELS[:, None])


# r2 -------------------------------------------------------------------------------------------------------------------
def test_r2_by_hand() -> None:
    """Errors 1, 0, 1; targets 2, 0, 2 from their mean."""
    assert r2(np.array([1.0, 2.0, 5.0]), np.array([0.0, 2.0, 4.0])) == 1 - 2 / 8


def test_r2_is_the_share_of_explained_variance() -> None:
    """Its definition, averaged over two outputs."""
    shares = [1 - np.mean((T[:, i] - Y[:, i]) ** 2) / np.var(T[:, i]) for i in range(2)]
    assert np.isclose(r2(Y, T), np.mean(shares), rtol=1e-14)


def test_r2_of_the_mean_is_zero() -> None:
    """What the mean of the targets achieves is 0."""
    assert np.isclose(r2(np.broadcast_to(T.mean(0), T.shape), T), 0.0, atol=1e-15)


@given(cuts(least=0))
def test_r2_in_pieces(where: list[int]) -> None:
    """Pooled moments: batches may be cut anywhere, and may be empty."""
    assert np.isclose(in_pieces(r2, Y, T, where), r2(Y, T), rtol=1e-13)


@given(cuts(least=1))
def test_r2_far_from_zero(where: list[int]) -> None:
    """Targets around a million lose nothing: the sums are of differences."""
    assert np.isclose(in_pieces(r2, Y + 2.0**20, T + 2.0**20, where), r2(Y, T), rtol=1e-9)


def test_r2_of_float32_is_summed_in_float64() -> None:
    """Ten thousand float32 rows agree with their float64 copies."""
    t = np.random.default_rng(0).normal(size=(10_000, 1)).astype(np.float32)
    y = (t + 0.1).astype(np.float32)
    assert np.isclose(r2(y, t), r2(y.astype(np.float64), t.astype(np.float64)), rtol=1e-14)


@pytest.mark.parametrize(("y", "expected"), [([0.1, 0.1, 0.1], 1.0), ([0.1, 0.1, 0.2], 0.0)])
def test_r2_of_constant_targets(y: list[float], expected: float) -> None:
    """1 where every prediction is exact, else 0; also where the mean of the targets is off by rounding."""
    assert r2(np.array(y), np.full(3, 0.1)) == expected


def test_r2_never_broadcasts() -> None:
    """`(N,)` against `(N, 1)` is refused."""
    with pytest.raises(ShapeError, match=re.escape("write target[:, None]")):
        r2(np.ones((3, 1)), np.ones(3))


def test_r2_of_changing_outputs() -> None:
    """All batches have as many outputs."""
    state = r2.update(r2.init(), Y, T)
    with pytest.raises(ShapeError, match=re.escape("r2 has seen targets of shape (-1, 2), got (12, 1)")):
        r2.update(state, Y[:, :1], T[:, :1])


# losses ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("loss", "y", "t"),
    [
        (squared_error, Y, T),
        (squared_error.bind(reduce="batch"), Y, T),
        (softmax_cross_entropy.bind(label_smoothing=0.1), LOGITS, LABELS),
        (joint(squared_error, softmax_cross_entropy, scales=(2.0, 0.5)), (Y, LOGITS), (T, LABELS)),
        (joint(squared_error, softmax_cross_entropy).bind(reduce="batch"), (Y, LOGITS), (T, LABELS)),
        (joint(joint(squared_error, squared_error, scales=(3.0, 1.0)), squared_error), ((Y, T), Y), ((T, T), T)),
    ],
    ids=lambda case: repr(case) if isinstance(case, Loss) else "",
)
def test_mean_of_a_loss_is_the_loss_of_all_data(loss: Loss[Any, Any], y: Any, t: Any) -> None:
    """One batch of everything."""
    assert np.isclose(mean_of(loss)(y, t), loss(y, t), rtol=1e-14)


def test_mean_of_in_pieces() -> None:
    """Uneven batches count by their sizes, for joint losses too."""
    metric = mean_of(joint(squared_error, softmax_cross_entropy, scales=(2.0, 0.5)))
    assert np.isclose(in_pieces(metric, (Y, LOGITS), (T, LABELS), [1, 8]), metric((Y, LOGITS), (T, LABELS)), rtol=1e-14)


def test_mean_of_a_sum() -> None:
    """A loss that sums has the mean over rows, which does not depend on the batches."""
    assert np.isclose(mean_of(sum_squared_error)(Y, T), squared_error(Y, T, reduce="batch"), rtol=1e-14)


def test_mean_of_takes_losses() -> None:
    """A metric is no loss."""
    with pytest.raises(TypeError, match="mean_of takes a loss, got Metric"):
        mean_of(accuracy)  # type: ignore[arg-type]


def test_mean_of_joint_wants_tuples() -> None:
    """One array is no pair."""
    metric: Metric[Any, Any, Any, float] = mean_of(joint(squared_error, squared_error))
    with pytest.raises(ShapeError, match="prediction that is a tuple of 2, got one ndarray"):
        metric(Y, T)


# all ------------------------------------------------------------------------------------------------------------------
def largest_error(target: Array, prediction: Array) -> float:
    """A function of all rows."""
    return float(np.max(np.abs(target - prediction)))


METRICS: dict[str, tuple[Metric[Any, Any, Any, float], Array, Any]] = {
    "accuracy": (accuracy, LOGITS, LABELS),
    "r2": (r2, Y, T),
    "squared_error": (mean_of(squared_error), Y, T),
    "top_k_accuracy(2)": (top_k_accuracy(2), LOGITS, LABELS),
    "binary_accuracy": (binary_accuracy(), Y, (T > 0) * 1.0),
    "precision": (precision(), LOGITS, LABELS),
    "recall(micro)": (recall("micro"), LOGITS, LABELS),
    "f1(2)": (f1(2), LOGITS, LABELS),
    "roc_auc": (roc_auc, Y, (T > 0) * 1.0),
    "average_precision": (average_precision, Y, (T > 0) * 1.0),
    "mean_squared_error": (mean_squared_error, Y, T),
    "root_mean_squared_error": (root_mean_squared_error, Y, T),
    "mean_absolute_error": (mean_absolute_error, Y, T),
    "perplexity": (perplexity, LOGITS, LABELS),
    "largest_error": (metric(largest_error), Y, T),
}
every_metric = pytest.mark.parametrize("case", METRICS.values(), ids=METRICS)


@every_metric
def test_updates_change_nothing(case: tuple[Metric[Any, Any, Any, float], Array, Any]) -> None:
    """A state, and the data, stay what they were."""
    found, y, t = case
    state = found.update(found.init(), y, t)
    before = repr((state, y, t))
    found.update(state, y, t)
    assert repr((state, y, t)) == before


@every_metric
def test_values_are_python_floats(case: tuple[Metric[Any, Any, Any, float], Array, Any]) -> None:
    """Whatever the dtype of the data."""
    found, y, t = case
    assert type(found(y.astype(np.float32), t)) is float


@every_metric
def test_nothing_seen(case: tuple[Metric[Any, Any, Any, float], Array, Any]) -> None:
    """There is no metric of nothing."""
    found, _, _ = case
    with pytest.raises(ShapeError, match="empty batch: .* no row has been seen"):
        found.compute(found.init())


@pytest.mark.parametrize("name", METRICS)
def test_names(name: str) -> None:
    """A metric has a name, and prints it."""
    found = METRICS[name][0]
    assert (found.name, repr(found)) == (name, f"<metric {name}>")


@every_metric
def test_metrics_pickle(case: tuple[Metric[Any, Any, Any, float], Array, Any]) -> None:
    """So do their states."""
    found, y, t = case
    again, state = pickle.loads(pickle.dumps((found, found.update(found.init(), y, t))))
    assert again.compute(state) == found(y, t)


@pytest.mark.parametrize("metric", [accuracy, mean_of(softmax_cross_entropy)], ids=repr)
def test_a_broken_classifier_has_no_good_score(metric: Any) -> None:
    """NaN in, NaN out, whatever else was seen."""
    good, bad = np.eye(3, dtype=np.float32), np.full((3, 3), np.nan, np.float32)
    labels = np.arange(3)
    assert np.isnan(metric(bad, np.zeros(3, int)))
    state = metric.update(metric.update(metric.init(), bad, labels), good, labels)
    assert np.isnan(metric.compute(state))
    bad = good.copy()
    bad[1, 2] = np.nan
    assert np.isnan(metric(bad, labels))


@pytest.mark.parametrize("metric", [r2, mean_of(squared_error)], ids=repr)
@pytest.mark.parametrize("target", [[[1.0], [2.0], [4.0]], [[1.0], [1.0], [1.0]]])
def test_a_broken_regression_has_no_good_score(metric: Any, target: Any) -> None:
    """Not where the target is constant either."""
    assert np.isnan(metric(np.array([[1.0], [np.nan], [4.0]], np.float32), np.array(target)))


def test_float64_targets_keep_their_digits() -> None:
    """Around 1e7 float32 has no quarters: the error is that of the target as it is."""
    target = 1e7 + np.array([[0.0], [1.25], [2.5], [6.0]])
    prediction = np.array([[1e7], [1e7 + 1], [1e7 + 3], [1e7 + 6]], np.float32)
    error = prediction.astype(np.float64) - target
    assert mean_of(squared_error)(prediction, target) == np.mean(error**2) == 0.078125
    assert r2(prediction, target) == pytest.approx(1 - (error**2).sum() / ((target - target.mean()) ** 2).sum(), rel=1e-12)
