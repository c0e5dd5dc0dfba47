"""Activations where they are nearly zero, or nearly flat: right to the last digits, relative to their own size."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, localcontext
from math import erfc, exp, pi, sqrt
from typing import Any

import numpy as np
import pytest

import funcnn
from funcnn import Array, Layer, LogSigmoid, Mish, Silu, Softmax, Softmin, gelu, vjp

TAILS = np.concatenate([np.linspace(-80, 12, 500), [-20, -17, -14, -10, 0]]).astype(np.float32).astype(np.float64)


@pytest.mark.parametrize("name", ["Sigmoid", "Softplus", "Gelu", "Elu", "Selu", "Tanh"])
def test_float32_is_right_in_the_tails(name: str) -> None:
    """Value and derivative, relative to their size, against float64 by hand; where float32 has normal numbers."""
    x = TAILS[(TAILS > -9) | (name != "Gelu")]  # behind it the cubic turns rounding into percents
    e = np.exp(x)
    inner = (2 / np.pi) ** 0.5 * (x + 0.044715 * x**3)
    gate = 1 / (1 + np.exp(np.minimum(-2 * inner, 700)))
    slope = 2 * (2 / np.pi) ** 0.5 * (1 + 3 * 0.044715 * x**2)
    alpha, scale = 1.6732632423543772, 1.0507009873554805
    minus = np.minimum(x, 0)
    value, derivative = {
        "Sigmoid": (1 / (1 + 1 / e), e / (1 + e) ** 2),
        "Softplus": (np.logaddexp(0, x), 1 / (1 + 1 / e)),
        "Gelu": (x * gate, gate + x * gate * (1 - gate) * slope),
        "Elu": (np.where(x > 0, x, np.expm1(minus)), np.where(x > 0, 1, np.exp(minus))),
        "Selu": (
            scale * np.where(x > 0, x, alpha * np.expm1(minus)), scale * np.where(x > 0, 1, alpha * np.exp(minus)),
        ),
        "Tanh": (np.tanh(x), 1 / np.cosh(x) ** 2),
    }[name]  # fmt: skip
    f: Layer[Array, Array] = getattr(funcnn, name)
    y, pullback = vjp(f.apply, {}, x.astype(np.float32))
    dx = pullback(np.ones_like(y))[1]
    assert y == pytest.approx(value, rel=3e-5 if name == "Gelu" else 1e-6)
    kept = (x < 5) if name == "Sigmoid" else np.ones(len(x), bool)  # from y, for PyTorch too: 1 - y has no more digits
    assert dx[kept] == pytest.approx(derivative[kept], rel=2e-5, abs=0 if name == "Sigmoid" else 1e-6)


# float64, with forty digits -------------------------------------------------------------------------------------------
def e(x: Decimal) -> Decimal:
    return x.exp()


def mish(x: Decimal) -> Decimal:
    w = e(x) * (e(x) + 2)
    return x * w / (w + 2)


def mish_slope(x: Decimal) -> Decimal:
    w = e(x) * (e(x) + 2)
    return w / (w + 2) + x * 4 * e(x) * (e(x) + 1) / (w + 2) ** 2


# fmt: off
EXACT: list[tuple[Layer[Array, Array], Callable[[Decimal], Decimal], Callable[[Decimal], Decimal]]] = [
    (Silu,       lambda x: x / (1 + e(-x)),   lambda x: 1 / (1 + e(-x)) * (1 + x / (1 + e(x)))),
    (Mish,       mish,                        mish_slope),
    (LogSigmoid, lambda x: -(1 + e(-x)).ln(), lambda x: 1 / (1 + e(x))),
]
# fmt: on
WIDE = np.concatenate([np.linspace(-600, 40, 161), np.linspace(-3, 3, 25) + 1e-3])


@pytest.mark.parametrize(("net", "f", "df"), EXACT, ids=[repr(net) for net, _, _ in EXACT])
@pytest.mark.parametrize("dtype", [np.dtype(np.float32), np.dtype(np.float64)], ids=str)
def test_both_tails(
    net: Layer[Array, Array],
    f: Callable[[Decimal], Decimal],
    df: Callable[[Decimal], Decimal],
    dtype: np.dtype[Any],
) -> None:
    """Value and derivative to a few units of the last digit; near its zeros a derivative is right absolutely."""
    x: Array = WIDE[WIDE > (-80 if dtype.itemsize == 4 else -700)].astype(dtype)
    y, pullback = vjp(net.apply, {}, x)
    with localcontext() as context:
        context.prec = 60
        wanted, slopes = ([float(g(Decimal(float(v)))) for v in x] for g in (f, df))
    eps = float(np.finfo(dtype).eps)
    assert y == pytest.approx(wanted, rel=4 * eps, abs=0)
    d = pullback(np.ones_like(y))[1]
    zero = np.abs(np.array(slopes)) < 0.1
    near = zero & (np.abs(x) < 5)
    assert d[~near] == pytest.approx(np.array(slopes)[~near], rel=8 * eps, abs=0)
    assert d[near] == pytest.approx(np.array(slopes)[near], rel=8 * eps, abs=2 * eps)


@pytest.mark.parametrize(("dtype", "least"), [(np.dtype(np.float32), -12), (np.dtype(np.float64), -37)])
def test_exact_gelu_in_both_tails(dtype: np.dtype[Any], least: float) -> None:
    """Against the C library's erfc; the derivative has a zero at -0.7518, about which it is right absolutely."""
    x: Array = np.concatenate([np.linspace(least, 9, 400), np.linspace(-1e-3, 1e-3, 8)]).astype(dtype)
    p = np.array([erfc(-v / sqrt(2)) / 2 for v in x.tolist()])
    bell = np.array([exp(-v * v / 2) / sqrt(2 * pi) for v in x.tolist()])
    y, pullback = vjp(gelu(exact=True).apply, {}, x)
    eps = float(np.finfo(dtype).eps)
    digits = 4 * eps if dtype.itemsize == 4 else 1500 * eps  # erfc's argument was rounded: x^2 units of the last digit
    assert y == pytest.approx(x * p, rel=digits, abs=0)
    assert pullback(np.ones_like(y))[1] == pytest.approx(p + x * bell, rel=2 * digits, abs=4 * eps)
    assert pullback(np.ones_like(y))[1][x < -2] == pytest.approx((p + x * bell)[x < -2], rel=2 * digits, abs=0)


# P(x) with forty digits, from the continued fraction DLMF 7.9.1 with 2000 terms.
@pytest.mark.parametrize("x", [-6.0, -10.5, -20.25, -36.125])
def test_the_normal_distribution_function_is_right_to_the_last_digits(x: float) -> None:
    """Far in the tail, where `x^2 / 2` rounded once would cost two digits."""
    with localcontext() as context:
        context.prec = 60
        t = -Decimal(x) / Decimal(2).sqrt()
        fraction = Decimal(0)
        for k in range(2000, 0, -1):
            fraction = (Decimal(k) / 2) / (t + fraction)
        root = Decimal("1.7724538509055160272981674833411451827975494561223871282138")  # of pi
        wanted = (-t * t).exp() / root / (t + fraction) / 2
    y = gelu(exact=True).apply({}, np.array([x]))
    assert float(y[0]) == pytest.approx(float(Decimal(x) * wanted), rel=8e-16, abs=0)


def test_softmin_is_the_softmax_of_the_negative() -> None:
    """Bit for bit, and its cotangent is the negative one."""
    x, dy = np.random.default_rng(0).normal(size=(2, 5, 4))
    y, pullback = vjp(Softmin.apply, {}, x)
    z, pull = vjp(Softmax.apply, {}, -x)
    assert (y == z).all() and (pullback(dy)[1] == -pull(dy)[1]).all()
