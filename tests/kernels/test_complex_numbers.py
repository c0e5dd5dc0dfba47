"""tanh and exp of complex numbers, beside NumPy's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from funcnn.kernels import complex_numbers


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
@pytest.mark.parametrize("name", ["tanh", "exp"])
def test_they_are_numpys(name: str, dtype: Any) -> None:
    """To a few roundings, both parts, for small and large imaginary parts, in memory of its own or given."""
    numbers = np.random.default_rng(0)
    x = (numbers.normal(size=(7, 30)) * 3 + 1j * numbers.uniform(-1.2, 1.2, (7, 30))).astype(dtype)
    x[0].imag *= 1e-12
    found, wanted = getattr(complex_numbers, name)(x), getattr(np, name)(x)
    assert found.dtype == dtype
    eps = float(np.finfo(dtype).eps)
    np.testing.assert_allclose(found.real, wanted.real, rtol=64 * eps, atol=8 * eps)
    np.testing.assert_allclose(found.imag[0], wanted.imag[0], rtol=8 * eps, atol=8e-12 * eps)  # a slope is 1 - tanh^2
    np.testing.assert_allclose(found.imag[1:], wanted.imag[1:], rtol=64 * eps, atol=16 * eps * abs(wanted).max())
    again = x.copy()
    assert getattr(complex_numbers, name)(again, again) is again
    np.testing.assert_array_equal(again, found)


def test_far_out() -> None:
    """tanh is 1 with a derivative of 0, exp carries infinity, and NaN stays what it is; real numbers are NumPy's."""
    x = np.full(100, 1e4 + 1e-20j)
    np.testing.assert_array_equal(complex_numbers.tanh(x), np.full(100, 1 + 0j))
    x = np.full(100, np.nan + 0j)
    assert np.isnan(complex_numbers.tanh(x).real).all() and np.isnan(complex_numbers.exp(x.astype("F")).real).all()
    real = np.linspace(-3, 3, 200)
    np.testing.assert_array_equal(complex_numbers.tanh(real), np.tanh(real))
    np.testing.assert_array_equal(complex_numbers.exp(real), np.exp(real))
