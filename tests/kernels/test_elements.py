"""Functions of each number alone, block by block: what they give in one go."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from funcnn import Array, Elu, Gelu, HardSwish, Layer, Mish, Relu, Sigmoid, Silu, Softplus, gelu, vjp
from funcnn.kernels.elements import LENGTH, at_least, at_most, both, each, product, total

LONG = [LENGTH - 1, LENGTH, LENGTH + 1, 3 * LENGTH + 7]


def drawn(n: int, dtype: Any = np.float32) -> Array:
    """Numbers of both signs, and what is no number."""
    x: Array = np.random.default_rng(n).normal(size=n).astype(dtype)
    x[[0, n // 2, -1]] = np.nan, -50, 50
    return x


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
@pytest.mark.parametrize("n", LONG)
def test_blocks_cover_every_place_once(n: int, dtype: Any) -> None:
    """Of one array, of several, with one result and with two."""
    x, y = drawn(n, dtype), drawn(n, dtype)[::-1].copy()
    assert np.array_equal(each(lambda a, b: a * b + a, x, y), x * y + x, equal_nan=True)
    first, second = both(lambda a: (a + a, a * a), x)
    assert np.array_equal(first, x + x, equal_nan=True)
    assert np.array_equal(second, x * x, equal_nan=True)
    assert np.array_equal(product(x, y), x * y, equal_nan=True)
    assert np.array_equal(total(x, y), x + y, equal_nan=True)


def test_arrays_that_are_laid_out_otherwise_go_in_one_piece() -> None:
    """Transposed, of another dtype, or broadcast."""
    x, y = drawn(1 << 16).reshape(256, 256), drawn(1 << 16).reshape(256, 256)
    assert np.array_equal(each(np.add, x.T, y), x.T + y, equal_nan=True)
    assert product(x, y.astype(np.float64)).dtype == total(x, y.astype(np.float64)).dtype == np.float64
    assert np.array_equal(product(x, y[:1]), x * y[:1], equal_nan=True)
    assert np.array_equal(both(lambda a: (a, -a), x.T)[1], -x.T, equal_nan=True)


@pytest.mark.parametrize("n", [5, 1 << 10, 1 << 15, 1 << 19])
def test_bounds_keep_nan(n: int) -> None:
    """At every length, in both directions, and of arrays with gaps."""
    x = drawn(n)
    for a in (x, np.repeat(x, 2)[::2]):
        assert np.array_equal(at_most(a, 0.5), np.where(a > 0.5, np.float32(0.5), a), equal_nan=True)
        assert np.array_equal(at_least(a, 0.5), np.where(a < 0.5, np.float32(0.5), a), equal_nan=True)
    assert at_most(x.reshape(-1, 1), 0.0).shape == (n, 1)


@pytest.mark.parametrize("net", [Gelu, gelu(exact=True), Silu, Mish, Elu, Relu, Sigmoid, Softplus, HardSwish], ids=repr)
def test_long_activations_are_short_ones(net: Layer[Array, Array]) -> None:
    """Value and pullback, number by number, and the same as the value alone; twice the same."""
    rng = np.random.default_rng(0)
    x, dy = rng.normal(size=(2, 300, 400)).astype(np.float32) * np.float32(9)
    y, pullback = vjp(net.apply, {}, x)
    dx = pullback(dy)[1]
    assert np.array_equal(net.apply({}, x), y)
    assert np.array_equal(pullback(dy)[1], dx)
    for i in range(0, 300, 50):
        part, back = vjp(net.apply, {}, x[i : i + 50])
        np.testing.assert_allclose(y[i : i + 50], part, rtol=3e-7, atol=0)
        np.testing.assert_allclose(dx[i : i + 50], back(dy[i : i + 50])[1], rtol=3e-7, atol=1e-12)
