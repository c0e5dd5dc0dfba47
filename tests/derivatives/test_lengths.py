"""Derivatives along directions of any length: those along 2^k d are 2^k times those along d, to the last bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from funcnn import (
    Dense, Layer, Tanh, ggn_vp, hvp, input_gradient, jvp, serial, squared_error, tangent, tree_map, value_and_grad, vjp,
)  # fmt: skip
from funcnn.nested import arrays

NET: Layer[Any, Any] = serial(Dense(5), Tanh, Dense(1))
LENGTHS = {"float32": (-120, -60, -20, 20, 60, 100, 118), "float64": (-1000, -500, 500, 1000)}


def _given(dtype: str) -> tuple[Any, Any, Any, Any]:
    """Params, a direction of them, x, and one of it; numbers whose sums are rounded."""
    rng = np.random.default_rng(0)
    _, params = NET.init(0, (-1, 3), dtype=dtype)
    d = tree_map(lambda a: rng.normal(size=a.shape).astype(dtype), params)
    return params, d, rng.normal(size=(40, 3)).astype(dtype), rng.normal(size=(40, 3)).astype(dtype)


def _pulled(dtype: str, by: float) -> Any:
    params, _, x, v = _given(dtype)
    return vjp(input_gradient(NET).apply, params, x)[1](v * np.asarray(by, dtype))


def _jvp(dtype: str, by: float) -> Any:
    params, d, x, v = _given(dtype)
    b = np.asarray(by, dtype)
    return jvp(NET.apply, (params, x), (tree_map(lambda a: a * b, d), v * b))[1]


def _product(product: Any) -> Callable[[str, float], Any]:
    def along(dtype: str, by: float) -> Any:
        params, d, x, _ = _given(dtype)
        longer = tree_map(lambda a: a * np.asarray(by, dtype), d)
        return product(value_and_grad(squared_error, NET.apply), params, longer, x, np.zeros((40, 1), dtype))

    return along


def _tangent(dtype: str, by: float) -> Any:
    params, _, x, v = _given(dtype)
    return tangent(NET).apply(params, (x, v * np.asarray(by, dtype)))[1]


WAYS: dict[str, Callable[[str, float], Any]] = {
    "jvp": _jvp,
    "hvp": _product(hvp),
    "ggn_vp": _product(ggn_vp),
    "tangent": _tangent,
    "the pullback of input_gradient": _pulled,
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("way", WAYS)
def test_a_longer_direction_changes_no_digit(way: str, dtype: str) -> None:
    """Neither does a shorter one, but for numbers that become denormal."""
    once = [np.asarray(a) for a in arrays(WAYS[way](dtype, 1.0))]
    assert all(np.isfinite(a).all() for a in once) and any(a.any() for a in once)
    least = float(np.finfo(dtype).tiny)
    for k in LENGTHS[dtype]:
        for a, b in zip(arrays(WAYS[way](dtype, 2.0**k)), once, strict=True):
            wanted = np.ldexp(b, k)
            np.testing.assert_allclose(a, wanted, rtol=0, atol=64 * least * max(1.0, 2.0**k) if k < 0 else 0)


def test_a_direction_with_what_is_no_number_moves_as_far_as_its_numbers() -> None:
    """The rows that are numbers keep their digits."""
    params, _, x, v = _given("float64")
    v = 2.0**70 * v
    _, wanted = tangent(NET).apply(params, (x, v))
    v[0] = np.inf
    with np.errstate(all="ignore"):
        _, found = tangent(NET).apply(params, (x, v))
    assert np.array_equal(found[1:], wanted[1:])
