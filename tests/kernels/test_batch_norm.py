"""The arithmetic of BatchNorm by blocks, against the formulas column by column in float64."""

from __future__ import annotations

from typing import NamedTuple
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from funcnn import Array
from funcnn.kernels import batch_norm as kernel
from funcnn.kernels import threads


class Case(NamedTuple):
    """Rows, their cotangents, and numbers for every column."""

    x: Array
    dy: Array
    mean: Array
    a: Array
    b: Array


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Any number of rows, odd ones too, and of columns."""
    rows, columns = draw(st.integers(1, 80)), draw(st.integers(1, 9))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    x, dy = rng.normal(size=(2, rows, columns))
    return Case(x, dy, *rng.normal(size=(3, columns)))


def found(case: Case, block: int, line: int, away: bool = False) -> tuple[Array, ...]:
    """What the kernels make of it in blocks of this size, by d where means are away from zero, by x where not."""
    x, dy, mean, a, b = case
    with mock.patch.multiple(kernel, _LONG=1, _BLOCK=block, _LINE=line, _SHORT=max(1, line // 2)):
        return (
            *kernel.moments(x),
            kernel.normalized(x, mean, a, b, away), kernel.normalized(x, mean, a, None, away),
            *kernel.column_cotangents(x, dy, mean, away),
            kernel.input_cotangent(x, dy, mean, a, b, mean, away),
        )  # fmt: skip


def formulas(case: Case) -> tuple[Array, ...]:
    """The same, number by number."""
    x, dy, mean, a, b = case
    y, plain, dx = np.empty_like(x), np.empty_like(x), np.empty_like(x)
    for i, j in np.ndindex(x.shape):
        d = x[i, j] - mean[j]
        plain[i, j] = d * a[j]
        y[i, j] = d * a[j] + b[j]
        dx[i, j] = (dy[i, j] - d * b[j] - mean[j]) * a[j]
    n, means = len(x), [sum(column) / len(x) for column in x.T]
    variances = [sum((v - m) ** 2 for v in column) / n for column, m in zip(x.T, means, strict=True)]
    first = [sum(column) for column in dy.T]
    second = [sum(d * (v - m) for d, v in zip(*pair, strict=True)) for *pair, m in zip(dy.T, x.T, mean, strict=True)]
    return np.array(means), np.array(variances), y, plain, np.array(first), np.array(second), dx


def agree(these: tuple[Array, ...], those: tuple[Array, ...]) -> None:
    """To rounding."""
    for a, b in zip(these, those, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


@given(
    case=cases(), block=st.sampled_from([1, 16, 64, 1 << 16]), line=st.sampled_from([1, 8, 64]), away=st.booleans()
)
def test_blocks_of_every_size_are_the_formulas(case: Case, block: int, line: int, away: bool) -> None:
    """Several rows side by side or not, one block or many, the last one shorter."""
    agree(found(case, block, line, away), formulas(case))


@given(case=cases())
def test_several_threads_give_the_same(case: Case) -> None:
    """Blocks are shared out; what is added up over them is added in one order."""
    expected = found(case, 16, 8)
    with mock.patch.object(threads, "THREADS", 3), mock.patch.object(kernel, "_WORTHWHILE", 1):
        agree(found(case, 4, 8), expected)


@given(case=cases())
def test_complex_numbers_flow_through(case: Case) -> None:
    """All are linear in the cotangents, and those of the value in the scale, over the complex numbers too."""
    factor, (x, dy, mean, a, b) = np.array(1 + 2j), case
    values = found(case, 16, 8)
    turned = found(Case(x * factor, dy * factor, mean * factor, a, b * factor), 16, 8)
    assert all(each.dtype == np.complex128 for each in turned)
    agree((turned[0], turned[2], turned[4], turned[5]), tuple(factor * v for v in (values[0], values[2], values[4])) + (
        factor**2 * values[5],
    ))  # fmt: skip


MEANS: dict[float, bool] = {0.0: False, 1.5: False, -7.5: False, 9.0: True, 1000.0: True}


@pytest.mark.parametrize(("middle", "away"), MEANS.items(), ids=map(str, MEANS))
def test_means_cost_no_digits(middle: float, away: bool) -> None:
    """A column of some mean + noise in float32 among others: moments, and what is made of them, are those of float64 up
    to what a number of that size is rounded by."""
    rng = np.random.default_rng(0)
    x, dy = rng.normal(size=(2, 1 << 14, 8)).astype(np.float32)
    x[:, 3] += middle
    assert x.size >= kernel._LONG
    exact, g = x.astype(np.float64), dy.astype(np.float64)
    mean, var = exact.mean(0), exact.var(0)
    got = kernel.moments(x)
    rounding = 1e-6 * max(1, abs(middle)) * np.ones(8)
    np.testing.assert_allclose(got[0], mean, atol=1e-6, rtol=1e-6)
    np.testing.assert_allclose(got[1], var, atol=1e-6, rtol=5e-6)
    s = 1 / np.sqrt(var)
    m, a = mean.astype(np.float32), s.astype(np.float32)
    assert kernel.far(x, m, a) is away
    h = (exact - m) * a
    np.testing.assert_allclose(kernel.normalized(x, m, a, a, away), h + a, atol=rounding[0])
    first, second = kernel.column_cotangents(x, dy, m, away)
    np.testing.assert_allclose(first, g.sum(0), atol=1e-2)
    np.testing.assert_allclose(second, (g * (exact - m)).sum(0), atol=2e-2 * max(1, abs(middle) / 10))
    dx = kernel.input_cotangent(x, dy, m, a, a, a, away)
    np.testing.assert_allclose(dx, (g - h - a) * a, atol=2 * rounding[0])


def test_a_column_that_is_not_finite_spoils_no_other() -> None:
    """Its own moments are not finite, nor is its value."""
    x = np.random.default_rng(0).normal(size=(1 << 14, 8)).astype(np.float32)
    with np.errstate(invalid="ignore"):
        for value in (np.nan, np.inf):
            x[77, 2] = value
            mean, var = kernel.moments(x)
            assert not np.isfinite(var[2]) and np.isfinite(np.delete(var, 2)).all()
            assert kernel.far(x, mean, 1 / np.sqrt(var))
            y = kernel.normalized(x, mean, 1 / np.sqrt(var), None, True)
            assert np.isnan(y[77, 2]) and np.isfinite(np.delete(y, 2, 1)).all()


def test_squares_that_leave_the_range() -> None:
    """Of a column of 1e20 variances are finite all the same, and nobody is told of an overflow."""
    x = np.full((1 << 14, 8), 1e20, np.float32)
    with np.errstate(all="raise"):
        mean, var = kernel.moments(x)
    np.testing.assert_allclose(mean, 1e20, rtol=1e-6)
    assert (np.sqrt(var) < 1e15).all()


def test_what_comes_out_is_nobody_elses() -> None:
    """Neither the input nor its cotangent is written to, and two results share no memory."""
    x, dy = np.random.default_rng(0).normal(size=(2, 1 << 14, 16)).astype(np.float32)
    x.setflags(write=False)
    dy.setflags(write=False)
    v = np.ones(16, np.float32)
    once, again = kernel.normalized(x, v, v, v, False), kernel.input_cotangent(x, dy, v, v, v, v, False)
    assert not np.shares_memory(once, again)
    np.testing.assert_array_equal(once, kernel.normalized(x, v, v, v, False))
