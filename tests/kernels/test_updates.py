"""The arithmetic of optimizers, against float64 and against itself without blocks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from funcnn.kernels import updates as kernel
from funcnn.kernels.sweeps import BLOCK

SIZES = [0, 1, 7, BLOCK, BLOCK + 1, 2 * BLOCK + 5]
every_size = pytest.mark.parametrize("n", SIZES)


def vectors(n: int, count: int) -> list[np.ndarray[tuple[int], np.dtype[np.float32]]]:
    """Some float32 vectors."""
    return list(np.random.default_rng(n).standard_normal((count, n), np.float32))


@every_size
def test_adam(n: int) -> None:
    """Both moments and the step are those of the formula, in float64."""
    g, m, v = vectors(n, 3)
    v = v * v
    u, new_m, new_v, _ = kernel.adam(g, m, v, 0.9, 0.99, -0.5, 0.1, None)
    g64, m64 = g.astype(np.float64), 0.9 * m.astype(np.float64) + g
    v64 = 0.99 * v.astype(np.float64) + 0.01 * g64 * g64
    np.testing.assert_allclose(new_m, m64, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(new_v, v64, rtol=1e-5)
    np.testing.assert_allclose(u, -0.5 * m64 / (np.sqrt(v64) + 0.1), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("t", [1, 2, 10, 1000, 10**7])
def test_adam_scalars_are_the_bias_corrections(t: int) -> None:
    """`scale m / (sqrt(v) + eps)`, m an unscaled sum, is the paper's `-rate m_hat / (sqrt(v_hat) + eps)`."""
    b1, b2, rate, eps, m, v = 0.9, 0.999, 0.5, 1e-3, 3.0, 5.0
    scale, inner = kernel.adam_scalars(t, rate, b1, b2, eps)
    m_hat, v_hat = m * (1 - b1) / (1 - b1**t), v / (1 - b2**t)
    assert scale * m / (math.sqrt(v) + inner) == pytest.approx(-rate * m_hat / (math.sqrt(v_hat) + eps), rel=1e-12)


@every_size
def test_momentum(n: int) -> None:
    """The velocity decays and takes the gradient up; the step is a multiple of it."""
    g, velocity = vectors(n, 2)
    u, new, _ = kernel.momentum(g, velocity, 0.5, -0.25, None)
    np.testing.assert_array_equal(new, velocity * np.float32(0.5) + g)
    np.testing.assert_array_equal(u, new * np.float32(-0.25))


@every_size
def test_descended(n: int) -> None:
    """Plain arithmetic, in float32."""
    (x,) = vectors(n, 1)
    np.testing.assert_array_equal(kernel.descended(x, 0.3, None)[0], x * np.float32(0.3), strict=True)


def test_adam_decays_between_the_ends_of_every_span() -> None:
    """And nowhere else, whatever the blocks are."""
    n = 2 * BLOCK
    zeros, params = np.zeros(n), np.ones(n)
    decay = kernel.Decay(params, 2.0, ((1, 3), (10, BLOCK + 20)))
    update, *_ = kernel.adam(zeros, zeros, zeros, 0.9, 0.99, -0.5, 0.1, None, decay)
    expected = np.zeros(n)
    expected[1:3] = expected[10 : BLOCK + 20] = 2.0
    np.testing.assert_array_equal(update, expected)


def in_pieces(g: np.ndarray[tuple[int], np.dtype[np.float32]]) -> list[np.ndarray[tuple[int], np.dtype[np.float32]]]:
    """The same numbers in three vectors of different lengths."""
    return np.array_split(g, [len(g) // 3, len(g) // 3 + 1])


@every_size
def test_updates_applied_at_once_are_those_applied_later(n: int) -> None:
    """Bit for bit, for gradients that lie in a row and for those that do not."""
    g, m, v, p = vectors(n, 4)
    v = v * v
    decay = kernel.Decay(p, -0.01, ((n // 4, n // 2),))

    def runs(g: Any, onto: Any) -> list[tuple[Any, ...]]:
        return [
            kernel.descended(g, -0.1, onto),
            kernel.momentum(g, m, 0.9, -0.1, onto),
            kernel.adam(g, m, v, 0.9, 0.99, -0.5, 0.1, onto, decay),
        ]

    for gradient in (g, in_pieces(g)):
        later, at_once = runs(gradient, None), runs(gradient, p)
        for (update, *state, known), (moved, *after, finite) in zip(later, at_once, strict=True):
            np.testing.assert_array_equal(moved, p + update, strict=True)
            np.testing.assert_array_equal(after, state)
            assert (known, finite) == (True, True)


@pytest.mark.parametrize("n", [7, 2 * BLOCK + 5])
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_told(n: int, wrong: float) -> None:
    """Wherever it is: a gradient that is not finite makes params that are not."""
    g, m, v, p = vectors(n, 4)
    g[n - 2] = wrong
    with np.errstate(all="ignore"):
        finite = [
            kernel.descended(g, -0.1, p)[-1],
            kernel.descended(g, 0.0, p)[-1],
            kernel.momentum(g, m, 0.9, -0.1, p)[-1],
            kernel.adam(g, m, v * v, 0.9, 0.99, -0.5, 0.1, p)[-1],
        ]
    assert finite == [False] * 4


@pytest.mark.parametrize("n", [7, 2 * BLOCK + 5])
@pytest.mark.parametrize("onto", [False, True])
def test_an_infinite_second_moment_is_told(n: int, onto: bool) -> None:
    """It makes updates of zero, so that it does not show in them, nor in the params."""
    g, m, v, p = vectors(n, 4)
    v = v * v
    g[n - 2] = 6e20
    with np.errstate(all="ignore"):
        moved, _, after, finite = kernel.adam(g, m, v, 0.9, 0.999, -0.5, 0.1, p if onto else None)
    assert moved[n - 2] == (p[n - 2] if onto else 0) and np.isfinite(moved).all()
    assert after[n - 2] == np.inf and not finite
    g[n - 2] = 5.7e20
    moved, _, after, finite = kernel.adam(g, m, v, 0.9, 0.999, -0.5, 0.1, p if onto else None)
    assert np.isfinite(after).all() and finite


@pytest.mark.parametrize("factor", [0.51, 0.9, 0.99])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_decaying_moments_never_become_denormal(factor: float, dtype: type[np.floating[Any]]) -> None:
    """Left alone they would, and stay so: the smallest numbers times 0.9 are rounded to themselves."""
    start, zeros = np.array([1.0, 1e-20, -1e-30, 0.0], dtype), np.zeros(4, dtype)
    interval, tiny = kernel.flush_interval(factor, 0.999), np.finfo(dtype).tiny
    (u, v), w = (start, start), start
    for t in range(1, 20 * interval + 1):
        _, u, v, _ = kernel.adam(zeros, u, np.abs(v), factor, factor, -0.1, 1e-8, None, None, t % interval == 0)
        _, w, _ = kernel.momentum(zeros, w, factor, -0.1, None, t % interval == 0)
        for moments in (u, v, w):
            assert not ((0 < np.abs(moments)) & (np.abs(moments) < tiny)).any()
    assert not (u.any() or v.any() or w.any()) or dtype is np.float64


def test_only_what_is_near_denormal_is_flushed() -> None:
    """A million times the smallest normal number stays."""
    v = np.array([1.3e-32, 1.1e-32, -1.3e-32, -1.1e-32, 1.0], np.float32)
    _, after, _ = kernel.momentum(np.zeros_like(v), v, 0.99999994, 1.0, None, True)
    assert (after != 0).tolist() == [True, False, True, False, True]


def test_squares_stay_while_the_moment_lives() -> None:
    """Tiny gradients have tinier squares: without these the next step would be too long."""
    m, v = np.array([1e-16, 0.0], np.float32), np.array([1e-32, 1e-32], np.float32)
    _, m, v, _ = kernel.adam(np.zeros_like(m), m, v, 0.9, 0.999, -0.1, 1e-20, None, None, True)
    assert (v != 0).tolist() == [True, False]


def test_small_factors_need_no_flush() -> None:
    """They reach zero on their own: the interval is longer than any training."""
    assert kernel.flush_interval(0.0, 0.5) > 10**15
    assert kernel.flush_interval(0.9, 0.999) == kernel.flush_interval(0.9) == 131


@every_size
def test_norm(n: int) -> None:
    """The Euclidean norm."""
    (x,) = vectors(n, 1)
    assert kernel.norm(x) == pytest.approx(math.sqrt(math.fsum(float(a) ** 2 for a in x)), rel=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("power", [-37, -30, 0, 30, 37])
def test_norm_of_extreme_numbers(power: int, dtype: type[np.floating[Any]]) -> None:
    """Squares out of the range of float32 do not matter."""
    x = np.array([3 * 10.0**power, 4 * 10.0**power], dtype)
    assert kernel.norm(x) == pytest.approx(5 * 10.0**power, rel=1e-6)


@pytest.mark.parametrize("power", [-300, -160, 160, 300])
def test_norm_of_extreme_float64(power: int) -> None:
    """Nor do squares out of the range of float64."""
    assert kernel.norm(np.array([3 * 10.0**power, 4 * 10.0**power])) == pytest.approx(5 * 10.0**power, rel=1e-12)


def test_norm_of_what_is_not_finite() -> None:
    """Infinity has the norm infinity, NaN the norm NaN, nothing the norm zero."""
    norms = [kernel.norm(np.array(x, np.float32)) for x in ([np.inf, 1.0], [np.nan, 1.0], [0.0, 0.0], [])]
    assert norms == pytest.approx([np.inf, np.nan, 0.0, 0.0], nan_ok=True)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_norm_of_what_is_not_finite_in_a_later_piece(wrong: float) -> None:
    """It counts wherever it lies."""
    pieces = [np.array([5.0]), np.array([wrong, 1.0])]
    assert kernel.norm(pieces) == pytest.approx(wrong, nan_ok=True)
