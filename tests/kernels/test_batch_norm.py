"""The arithmetic of BatchNorm by blocks, against the formulas column by column in float64."""

from __future__ import annotations

from typing import NamedTuple
from unittest import mock

import numpy as np
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


def found(case: Case, block: int, line: int) -> tuple[Array, ...]:
    """What the kernels make of it in blocks of this size."""
    x, dy, mean, a, b = case
    with mock.patch.multiple(kernel, _LONG=1, _BLOCK=block, _LINE=line, _SHORT=max(1, line // 2)):
        return (
            *kernel.moments(x),
            kernel.normalized(x, mean, a, b), kernel.normalized(x, mean, a, None),
            *kernel.column_cotangents(x, dy, mean),
            kernel.input_cotangent(x, dy, mean, a, b, mean),
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


@given(case=cases(), block=st.sampled_from([1, 16, 64, 1 << 16]), line=st.sampled_from([1, 8, 64]))
def test_blocks_of_every_size_are_the_formulas(case: Case, block: int, line: int) -> None:
    """Several rows side by side or not, one block or many, the last one shorter."""
    agree(found(case, block, line), formulas(case))


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


def test_large_means_cost_no_digits() -> None:
    """Columns of 1000 + noise in float32: variances, and what is made of them, to five digits."""
    rng = np.random.default_rng(0)
    x = (1000 + rng.normal(size=(1 << 15, 8))).astype(np.float32)
    assert x.size >= kernel._LONG
    mean, var = kernel.moments(x)
    exact = x.astype(np.float64)
    np.testing.assert_allclose(var, exact.var(0), rtol=2e-5)
    np.testing.assert_allclose(mean, exact.mean(0), rtol=1e-6)
    y = kernel.normalized(x, mean, 1 / np.sqrt(var), None)
    np.testing.assert_allclose(y, (exact - exact.mean(0)) / exact.std(0), atol=1e-3)


def test_what_comes_out_is_nobody_elses() -> None:
    """Neither the input nor its cotangent is written to, and two results share no memory."""
    x, dy = np.random.default_rng(0).normal(size=(2, 1 << 14, 16)).astype(np.float32)
    x.setflags(write=False)
    dy.setflags(write=False)
    v = np.ones(16, np.float32)
    once, again = kernel.normalized(x, v, v, v), kernel.input_cotangent(x, dy, v, v, v, v)
    assert not np.shares_memory(once, again)
    np.testing.assert_array_equal(once, kernel.normalized(x, v, v, v))
