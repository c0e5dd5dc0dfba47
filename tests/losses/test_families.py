"""The families of losses against closed forms of SciPy and sums written out, at ordinary and at extreme predictions."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import special, stats
from scipy.spatial import distance

from funcnn import (
    Array,
    LabelError,
    Loss,
    ShapeError,
    absolute_error,
    cosine_distance,
    elastic_net,
    focal,
    gaussian_kl,
    gaussian_nll,
    hinge,
    huber,
    joint,
    kl_divergence,
    l1,
    l2,
    log_cosh,
    mixture_nll,
    on_item,
    poisson_nll,
    sigmoid_binary_cross_entropy,
    softmax_cross_entropy,
    squared_error,
    vjp,
)

NUMBERS = np.random.default_rng(8)
Y, T = NUMBERS.normal(size=(5, 3)) * 2, NUMBERS.normal(size=(5, 3)) * 2
ZERO_ONE = (T > 0).astype(np.float64)
P = special.expit(Y)
RATES = special.softmax(T, axis=-1)
MEAN, LOG_VARIANCE = NUMBERS.normal(size=(2, 5, 3))
DEVIATION = np.exp(LOG_VARIANCE / 2)
COUNTS = NUMBERS.poisson(2.0, (5, 3)).astype(np.float64)

CASES: dict[str, tuple[Loss[Any, Any], Any, Any, Any]] = {
    "absolute_error": (absolute_error, Y, T, abs(Y - T)),
    "huber": (huber, Y, T, special.huber(1.0, Y - T)),
    "huber 0.3": (huber.bind(delta=0.3), Y, T, special.huber(0.3, Y - T)),
    "log_cosh": (log_cosh, Y, T, np.log(np.cosh(Y - T))),
    "cosine_distance": (cosine_distance, Y, T, [distance.cosine(y, t) for y, t in zip(Y, T, strict=True)]),
    "sigmoid": (sigmoid_binary_cross_entropy, Y, ZERO_ONE, -special.xlogy(ZERO_ONE, P) - special.xlogy(1 - ZERO_ONE, 1 - P)),
    "sigmoid of booleans": (
        sigmoid_binary_cross_entropy.bind(positive_weight=3.0), Y, T > 0, -3 * special.xlogy(ZERO_ONE, P) - special.xlogy(1 - ZERO_ONE, 1 - P),
    ),
    "sigmoid, smoothed": (
        sigmoid_binary_cross_entropy.bind(label_smoothing=0.2), Y, ZERO_ONE,
        -(0.8 * ZERO_ONE + 0.1) * np.log(P) - (0.9 - 0.8 * ZERO_ONE) * np.log(1 - P),
    ),
    "focal": (focal, Y, ZERO_ONE, np.where(T > 0, -((1 - P) ** 2) * np.log(P), -(P**2) * np.log(1 - P))),
    "focal, balanced": (
        focal.bind(gamma=0.5, alpha=0.25), Y, ZERO_ONE,
        np.where(T > 0, -0.25 * (1 - P) ** 0.5 * np.log(P), -0.75 * P**0.5 * np.log(1 - P)),
    ),
    "hinge": (hinge, Y, np.sign(T), np.maximum(0, 1 - np.sign(T) * Y)),
    "kl_divergence": (kl_divergence, Y, RATES, special.rel_entr(RATES, special.softmax(Y, axis=-1)).sum(-1)),
    "poisson_nll": (poisson_nll, Y, COUNTS, -stats.poisson.logpmf(COUNTS, np.exp(Y)) - special.gammaln(COUNTS + 1)),
    "gaussian_nll": (
        gaussian_nll, (MEAN, LOG_VARIANCE), T, -stats.norm.logpdf(T, MEAN, DEVIATION) - np.log(2 * np.pi) / 2,
    ),
    "gaussian_kl": (
        gaussian_kl, (MEAN, LOG_VARIANCE), None, (DEVIATION**2 + MEAN**2 - 1 - LOG_VARIANCE) / 2,
    ),
    "mixture_nll": (
        mixture_nll, (Y[:, :2], np.stack([MEAN, T], 1), np.stack([LOG_VARIANCE, Y], 1)), COUNTS,
        -np.log(
            special.softmax(Y[:, :2], axis=-1)[:, 0] * np.prod(stats.norm.pdf(COUNTS, MEAN, DEVIATION), axis=-1)
            + special.softmax(Y[:, :2], axis=-1)[:, 1] * np.prod(stats.norm.pdf(COUNTS, T, np.exp(Y / 2)), axis=-1)
        ) - 3 * np.log(2 * np.pi) / 2,
    ),
    "on_item": (on_item(1, squared_error), (MEAN, Y), T, (Y - T) ** 2),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_terms_are_the_closed_form(name: str) -> None:
    """Element by element, or row by row."""
    loss, prediction, target, expected = CASES[name]
    np.testing.assert_allclose(loss(prediction, target, reduce="none"), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", CASES)
def test_pullbacks_are_derivatives(name: str) -> None:
    """Along random directions of the prediction, by Romberg's differences; with a weight for every row."""
    loss, prediction, target, _ = CASES[name]
    weights = np.linspace(0.5, 2, 5)
    parts: tuple[Array, ...] = prediction if isinstance(prediction, tuple) else (prediction,)
    directions = [NUMBERS.normal(size=part.shape) for part in parts]

    def along(h: float) -> float:
        moved = tuple(part + h * d for part, d in zip(parts, directions, strict=True))
        return float(loss(moved if isinstance(prediction, tuple) else moved[0], target, weights=weights))

    a, b = ((along(h) - along(-h)) / (2 * h) for h in (2e-4, 1e-4))
    _, pullback = vjp(loss, prediction, target, weights=weights)
    found = pullback(1.0)[0]
    given = sum(float((g * d).sum()) for g, d in zip(found if isinstance(found, tuple) else (found,), directions, strict=True))
    assert given == pytest.approx((4 * b - a) / 3, rel=1e-8)


@pytest.mark.parametrize("name", CASES)
def test_float32_stays_float32(name: str) -> None:
    """Terms and gradients, near those of float64."""
    loss, prediction, target, expected = CASES[name]
    small = tuple(p.astype(np.float32) for p in prediction) if isinstance(prediction, tuple) else prediction.astype(np.float32)
    terms, pullback = vjp(loss, small, target, reduce="none")
    found = pullback(np.ones_like(terms))[0]
    assert terms.dtype == np.float32
    assert {g.dtype for g in (found if isinstance(found, tuple) else (found,))} == {np.dtype(np.float32)}
    np.testing.assert_allclose(terms, expected, rtol=2e-4, atol=1e-5)


# far out --------------------------------------------------------------------------------------------------------------
FAR: list[tuple[Loss[Any, Any], list[float], list[Any], list[float]]] = [
    (sigmoid_binary_cross_entropy, [1e4, -1e4, 1e4, -1e4], [1, 0, 0, 1], [0, 0, 1e4, 1e4]),
    (sigmoid_binary_cross_entropy, [np.inf, -np.inf], [1, 0], [0, 0]),
    (focal, [1e4, -1e4, 1e4, -1e4], [1, 0, 0, 1], [0, 0, 1e4, 1e4]),
    (hinge, [1e4, -1e4], [1, 1], [0, 1e4 + 1]),
    (log_cosh, [1e4, -1e4, 1e-9], [0, 0, 0], [1e4 - np.log(2), 1e4 - np.log(2), 0]),
    (huber, [1e4, -1e4], [0, 0], [1e4 - 0.5, 1e4 - 0.5]),
    (absolute_error, [1e4, 0.0], [-1e4, 0], [2e4, 0]),
    (poisson_nll, [-1e4, 0.0], [0, 0], [0, 1]),
]


@pytest.mark.parametrize(("loss", "x", "t", "expected"), FAR)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_far_out_all_is_finite(loss: Any, x: Any, t: Any, expected: Any, dtype: Any) -> None:
    """Values and gradients at logits of 1e4, without a warning."""
    y = np.array(x, dtype)
    terms, pullback = vjp(loss, y, np.array(t, dtype), reduce="none")
    np.testing.assert_allclose(terms, expected, rtol=1e-6, atol=1e-12)
    assert np.isfinite(pullback(np.ones_like(terms))[0]).all()


@pytest.mark.parametrize("loss", [kl_divergence, softmax_cross_entropy])
def test_classes_that_are_ruled_out(loss: Any) -> None:
    """A logit of -inf costs nothing where the target allows it; gradients are finite."""
    x, t = np.array([[-np.inf, 0.0, 1.0]]), np.array([[0.0, 0.4, 0.6]])
    value, pullback = vjp(loss, x, t)
    p = special.softmax(x[0, 1:])
    entropy = 0 if loss is softmax_cross_entropy else -(0.4 * np.log(0.4) + 0.6 * np.log(0.6))
    assert value == pytest.approx(-(0.4 * np.log(p[0]) + 0.6 * np.log(p[1])) - entropy, rel=1e-12)
    np.testing.assert_allclose(pullback(1.0)[0], [[0, p[0] - 0.4, p[1] - 0.6]], atol=1e-15)


def test_zero_rows_have_distance_one() -> None:
    """No direction is at a right angle to every other, and moves nothing to infinity."""
    terms, pullback = vjp(cosine_distance, np.zeros((1, 2)), np.ones((1, 2)), reduce="none")
    assert terms[0] == 1.0 and np.isfinite(pullback(np.ones(1))[0]).all()


# labels: what counts --------------------------------------------------------------------------------------------------
LABELS = np.array([[0, 2, -1], [1, -1, -1]])
LOGITS = NUMBERS.normal(size=(2, 3, 3))


def test_padding_is_ignored() -> None:
    """The mean is over what is left; gradients of padding are zero."""
    value, pullback = vjp(softmax_cross_entropy, LOGITS, LABELS, ignore=-1)
    kept = LABELS >= 0
    assert value == pytest.approx(softmax_cross_entropy(LOGITS[kept], LABELS[kept]), rel=1e-14)
    dx = pullback(1.0)[0]
    assert not dx[~kept].any()
    np.testing.assert_allclose(dx[kept], vjp(softmax_cross_entropy, LOGITS[kept], LABELS[kept])[1](1.0)[0], rtol=1e-13)


def test_weights_of_classes() -> None:
    """Each row counts by its label's weight, and the mean divides by their sum; with weights of rows and padding too."""
    each, rows = np.array([1.0, 2.0, 0.5]), np.array([1.0, 3.0])
    terms = -special.log_softmax(LOGITS, axis=-1)
    total = rows[0] * (each[0] * terms[0, 0, 0] + each[2] * terms[0, 1, 2]) + rows[1] * each[1] * terms[1, 0, 1]
    n = rows[0] * (each[0] + each[2]) + rows[1] * each[1]
    bound = softmax_cross_entropy.bind(class_weights=each, ignore=-1)
    assert bound(LOGITS, LABELS, weights=rows) == pytest.approx(total / n, rel=1e-14)
    assert bound == softmax_cross_entropy.bind(class_weights=(1.0, 2.0, 0.5), ignore=-1)
    assert repr(bound) == "softmax_cross_entropy.bind(class_weights=(1.0, 2.0, 0.5), ignore=-1)"
    assert hash(bound) == hash(eval(repr(bound), {"softmax_cross_entropy": softmax_cross_entropy}))


def test_nothing_left_is_an_empty_batch() -> None:
    """There is no mean of padding alone."""
    with pytest.raises(ShapeError, match="empty batch: the weights sum to 0"):
        softmax_cross_entropy(LOGITS, np.full((2, 3), -1), ignore=-1)


# joining --------------------------------------------------------------------------------------------------------------
def test_losses_of_items_join() -> None:
    """A variational autoencoder's: a reconstruction of one item, and a divergence of two others, without a target."""
    prediction = (Y, (MEAN, LOG_VARIANCE))
    whole = joint(on_item(0, squared_error), on_item(1, gaussian_kl), scales=(1.0, 0.1))
    value, pullback = vjp(whole, (prediction, prediction), (T, None))
    assert value == pytest.approx(squared_error(Y, T) + 0.1 * gaussian_kl((MEAN, LOG_VARIANCE), None), rel=1e-14)
    (first, _), _ = pullback(1.0)
    assert not first[1][0].any() and first[0].any()
    assert repr(on_item(0, squared_error)) == "on_item(0, squared_error)"
    assert on_item(1, squared_error) == on_item(1, squared_error) != on_item(0, squared_error)


def test_the_elastic_net_is_both() -> None:
    """Values and gradients of l1 and l2, in scikit-learn's proportions."""
    params = {"a": {"w": Y, "b": MEAN[0]}}
    value, pullback = vjp(elastic_net(0.3, 0.25, where="**"), params)
    one, other = vjp(l1(0.3 * 0.25, where="**"), params), vjp(l2(0.3 * 0.75 / 2, where="**"), params)
    assert value == pytest.approx(one[0] + other[0], rel=1e-14)
    found: Any = pullback(1.0)[0]
    a: Any = one[1](1.0)[0]
    b: Any = other[1](1.0)[0]
    np.testing.assert_allclose(found["a"]["w"], a["a"]["w"] + b["a"]["w"], rtol=1e-14)
    assert repr(elastic_net(0.3)) == "elastic_net(0.3)"


# what is refused ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: huber(Y, T, delta=0), ValueError, "huber: delta must be a positive finite number, got 0"),
        (lambda: absolute_error(Y, T[:, :1]), ShapeError, "absolute_error takes a target of the shape of the prediction"),
        (lambda: sigmoid_binary_cross_entropy(Y, T), LabelError, "sigmoid_binary_cross_entropy takes targets from 0 to 1"),
        (lambda: focal(Y, ZERO_ONE / 2), LabelError, "focal takes targets of 0 and 1, got 0.5 at index"),
        (lambda: focal(Y, ZERO_ONE, gamma=-1), ValueError, "focal: gamma must be a finite number of at least 0, got -1"),
        (lambda: hinge(Y, ZERO_ONE), LabelError, "; write 2 * target - 1"),
        (lambda: poisson_nll(Y, -COUNTS - 1), LabelError, "poisson_nll takes counts, which are not negative; the smallest is"),
        (lambda: gaussian_nll(Y, T), ShapeError, "gaussian_nll takes a prediction (mean, log_variance), got one ndarray"),  # type: ignore[call-overload]
        (lambda: gaussian_nll((Y, T[:2]), T), ShapeError, "a mean and a log_variance of one shape, got (5, 3) and (2, 3)"),
        (lambda: gaussian_kl((Y, T), T), TypeError, "gaussian_kl has no target, give None; got ndarray"),  # type: ignore[call-overload]
        (lambda: mixture_nll((Y, Y, Y), T), ShapeError, "mixture_nll takes logits (..., k), means and log_variances (..., k, n)"),
        (lambda: kl_divergence(Y, LABELS[:, 0]), ShapeError, "for class numbers it is softmax_cross_entropy"),
        (lambda: softmax_cross_entropy(Y, RATES, ignore=0), LabelError, "ignore and class_weights are for class numbers"),
        (lambda: softmax_cross_entropy(LOGITS, LABELS, ignore="pad"), TypeError, "ignore must be a label, an integer, got 'pad'"),
        (lambda: softmax_cross_entropy(LOGITS, abs(LABELS), class_weights=(1.0,)), ShapeError, "class_weights must be 3 numbers, one for every class, got (1,)"),
        (lambda: softmax_cross_entropy(LOGITS, LABELS, class_weights=np.ones(3)), LabelError, "label -1 at index 0, 2"),
        (lambda: on_item(2, squared_error)((Y, Y), T), ShapeError, "takes a prediction that is a tuple with such an item, got a tuple of 2"),
        (lambda: on_item(0, l2(1.0)), TypeError, "on_item takes a loss, got Differentiable"),  # type: ignore[arg-type]
        (lambda: elastic_net(0.1, 2.0), ValueError, "elastic_net: l1_ratio must be in [0, 1], got 2.0"),
    ],
)  # fmt: skip
def test_a_word_for_it(call: Callable[[], object], error: type[Exception], message: str) -> None:
    """By name: what was got, what is taken, what to do."""
    with pytest.raises(error, match=re.escape(message)):
        call()
