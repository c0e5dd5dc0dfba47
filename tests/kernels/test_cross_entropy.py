"""Cross-entropy against their definitions in float64."""

from __future__ import annotations

from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from funcnn import Array
from funcnn.kernels import cross_entropy as kernel
from funcnn.kernels import threads

SIZES = st.tuples(st.integers(1, 40), st.integers(1, 150))


def drawn(rows: int, classes: int, dtype: Any) -> tuple[Array, Any, Array]:
    """Logits, labels, distributions."""
    numbers = np.random.default_rng([rows, classes])
    logits = (5 * numbers.normal(size=(rows, classes))).astype(dtype)
    return logits, numbers.integers(0, classes, rows), numbers.dirichlet(np.ones(classes), rows).astype(dtype)


def softmax(logits: Array) -> Array:
    """By definition, in float64."""
    exps = np.exp(logits.astype(np.float64))
    result: Array = exps / exps.sum(1, keepdims=True)
    return result


@pytest.mark.parametrize(("dtype", "error"), [(np.float32, 3e-6), (np.float64, 1e-13)])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@given(sizes=SIZES)
def test_labels(sizes: tuple[int, int], smoothing: float, dtype: Any, error: float) -> None:
    """Terms and pullback, for one cotangent and for one each."""
    x, labels, _ = drawn(*sizes, dtype)
    p, t = softmax(x), (1 - smoothing) * np.eye(sizes[1])[labels] + smoothing / sizes[1]
    terms, exps, sums, places = kernel.of_labels(x, labels, smoothing)
    assert terms.dtype == dtype and np.allclose(terms, -(t * np.log(p)).sum(1), rtol=error, atol=10 * error)
    for d in (0.5, np.linspace(-1, 1, len(x)).astype(dtype)):
        dx = kernel.of_labels_pullback(exps, sums, places, smoothing, d)
        assert dx.dtype == dtype and np.allclose(dx, (p - t) * kernel.column(d), rtol=error, atol=error)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@given(sizes=SIZES, block=st.integers(1, 500), cores=st.integers(1, 3))
def test_labels_by_blocks(sizes: tuple[int, int], block: int, cores: int, smoothing: float) -> None:
    """What they are at once, on any number of cores; NaN stays in its row."""
    x, labels, _ = drawn(*sizes, np.float32)
    x[-1, 0] = np.nan
    terms, exps, sums, places = kernel.of_labels(x, labels, smoothing)
    d = np.linspace(-1, 1, len(x)).astype(np.float32)
    wanted = kernel.of_labels_pullback(exps, sums, places, smoothing, d)
    with mock.patch.multiple(kernel, _MANY=1, _BLOCK=block, _WORTHWHILE=1), mock.patch.object(threads, "THREADS", cores):
        again, exps, sums, places = kernel.of_labels(x, labels, smoothing)
        dx = kernel.of_labels_pullback(exps, sums, places, smoothing, d)
    np.testing.assert_allclose(again, terms, rtol=3e-6, atol=1e-6)
    np.testing.assert_allclose(dx, wanted, rtol=3e-6, atol=1e-6)
    assert np.isnan(again).sum() == np.isnan(dx).any(1).sum() == 1


@pytest.mark.parametrize(("dtype", "error"), [(np.float32, 3e-6), (np.float64, 1e-13)])
@given(sizes=SIZES)
def test_distributions(sizes: tuple[int, int], dtype: Any, error: float) -> None:
    """Terms and pullback, for one cotangent and for one each."""
    x, _, t = drawn(*sizes, dtype)
    p = softmax(x)
    terms, exps, sums, logs = kernel.of_distributions(x, t)
    assert terms.dtype == dtype and np.allclose(terms, -(t * np.log(p)).sum(1), rtol=error, atol=10 * error)
    assert np.allclose(logs, np.log(p), rtol=error, atol=10 * error)
    for d in (0.5, np.linspace(-1, 1, len(x)).astype(dtype)):
        dx = kernel.of_distributions_pullback(exps, sums, t, d)
        assert dx.dtype == dtype and np.allclose(dx, (p - t) * kernel.column(d), rtol=error, atol=error)
