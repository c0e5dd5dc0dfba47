"""Long products in parts that OpenBLAS multiplies as they are, all in one call.

For fewer than a million multiplications, and with kernels for AVX-512, it copies neither matrix into an order of its
own, and where one of three sizes is small, that is most of the work. 25,088 x 16 by 16 x 64 take 0.79 ms, in 28 parts
0.57; the transpose of the former by 25,088 x 64 takes 1.15, so 0.63; 6 x 6 by 6 x 98,304 takes 0.23, in four 0.08.
Kernels for AVX2 know no such way, and take up to a tenth more for parts: they get one product.
"""

from __future__ import annotations

import functools
from typing import Final

import numpy as np

from funcnn.kernels.blas import small_is_fast
from funcnn.types import Array

_SMALL: Final = 1_000_000  # multiplications
_FEWEST: Final = 48  # rows or columns of a part


def parts(length: int, each: int) -> int:
    """In how many equal parts so many rows or columns are best multiplied, if each takes so many multiplications."""
    count = -(-length * each // _SMALL)
    if count < 2 or length < count * _FEWEST or not small_is_fast():
        return 1
    count = _divisor(length, count)
    return count if length >= count * _FEWEST else 1


@functools.lru_cache(1 << 10)
def _divisor(length: int, least: int) -> int:
    """The smallest that is not below `least`: of a prime, itself, which takes a while to find."""
    return next(n for n in range(least, length + 1) if not length % n)


def by_rows(a: Array, b: Array, out: Array) -> None:
    """`a b` into `out`, by parts of the rows of `a`; any axes before these."""
    count = parts(a.shape[-2], b.shape[-2] * b.shape[-1])
    if count > 1:
        a, b, out = _rows(a, count), b[..., None, :, :], _rows(out, count)
    np.matmul(a, b, out=out)


def by_columns(a: Array, b: Array, out: Array) -> None:
    """`a b` into `out`, by parts of the columns of `b`, a matrix or several; `a` is one."""
    count = parts(b.shape[-1], a.size)
    if count > 1:
        b, out = _columns(b, count), _columns(out, count)
    np.matmul(a, b, out=out)


def over_rows(a: Array, b: Array, out: Array) -> None:
    """`a^T b` into `out`, added up over parts of the rows of both; any axes before these."""
    count = parts(a.shape[-2], a.shape[-1] * b.shape[-1])
    if count > 1:
        np.add.reduce(np.matmul(_rows(a, count).swapaxes(-1, -2), _rows(b, count)), -3, out=out)
    else:
        np.matmul(a.swapaxes(-1, -2), b, out=out)


def _rows(a: Array, count: int) -> Array:
    return a.reshape(*a.shape[:-2], count, a.shape[-2] // count, a.shape[-1])


def _columns(a: Array, count: int) -> Array:
    return a.reshape(*a.shape[:-1], count, a.shape[-1] // count).swapaxes(-3, -2)
