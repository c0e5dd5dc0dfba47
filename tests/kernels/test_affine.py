"""Matrix products, on one thread and on several, against float64."""

from __future__ import annotations

from typing import Any
from unittest import mock

import numpy as np
import pytest

from funcnn import Array
from funcnn.kernels import affine as kernel
from funcnn.kernels import threads

SHORT = [(1, 1, 1), (3, 5, 2), (64, 33, 40), (200, 120, 90)]
LONG = [(1, 3000, 800), (300, 70, 400), (1030, 90, 100), (90, 70, 1500)]


@pytest.fixture(autouse=True, params=[1, 3])
def _some_threads(request: pytest.FixtureRequest) -> object:
    """However many cores there are here."""
    with mock.patch.object(threads, "THREADS", request.param), mock.patch.object(threads, "_helpers", []):
        yield


def drawn(*shape: int) -> Array:
    """Numbers of order one."""
    return np.random.default_rng(sum(shape)).standard_normal(shape, np.float32)


@pytest.mark.parametrize("shape", SHORT + LONG, ids=str)
@pytest.mark.parametrize("layout", ["rows", "columns"])
def test_products(shape: tuple[int, int, int], layout: str) -> None:
    """Short and long, split by rows, by columns, or not; of factors in either order in memory."""
    m, k, n = shape
    a, b = (drawn(m, k), drawn(k, n)) if layout == "rows" else (drawn(k, m).T, drawn(n, k).T)
    found = kernel.product(a, b)
    np.testing.assert_allclose(found, a.astype(np.float64) @ b.astype(np.float64), rtol=1e-4, atol=1e-3)
    assert found.dtype == np.float32 and found.flags.c_contiguous


@pytest.mark.parametrize("batch", [(), (7,), (3, 5), (40, 30), (2, 300, 4)])
def test_products_over_the_last_axis(batch: tuple[int, ...]) -> None:
    """Whatever comes before it is a batch."""
    x, w = drawn(*batch, 64), drawn(64, 128)
    wanted = x.astype(np.float64) @ w.astype(np.float64)
    np.testing.assert_allclose(kernel.product(x, w), wanted, rtol=1e-4, atol=1e-3)


def test_products_of_other_kinds() -> None:
    """Complex numbers, which derivatives by complex step bring, and mixed precision."""
    a, b = drawn(60, 50), drawn(50, 70)
    wanted = a.astype(np.float64) @ b.astype(np.float64)
    for first, second, dtype in (("c16", "c16", "c16"), ("c16", "f8", "c16"), ("f4", "f8", "f8")):
        x: Any = a.astype(first)
        y: Any = b.astype(second)
        found = kernel.product(x, y)
        np.testing.assert_allclose(found, wanted, rtol=1e-12)
        assert found.dtype == dtype


@pytest.mark.parametrize("shape", [*SHORT, *LONG, (4000, 300, 300), (300, 4000, 300)], ids=str)
def test_the_affine_map_and_its_pullbacks(shape: tuple[int, int, int]) -> None:
    """Biases and their cotangents, which the threads of the products add up."""
    m, k, n = shape
    x, w, b, dy = drawn(m, k), drawn(k, n), drawn(n), drawn(m, n)
    exact_x, exact_w, exact_dy = (a.astype(np.float64) for a in (x, w, dy))
    np.testing.assert_allclose(kernel.affine(x, w, b), exact_x @ exact_w + b, rtol=1e-4, atol=2e-3)
    dw, db = kernel.affine_params(x, dy)
    np.testing.assert_allclose(dw, exact_x.T @ exact_dy, rtol=1e-4, atol=2e-3)
    np.testing.assert_allclose(db, exact_dy.sum(0), rtol=1e-4, atol=1e-3)
    assert db.shape == (n,) and db.dtype == dw.dtype == np.float32
