"""Products with one matrix again and again, step after step: how they are called, and in what shape BLAS is fastest."""

from __future__ import annotations

import functools
from math import prod
from typing import Any, Final

import numpy as np

from funcnn.kernels.blas import small_is_fast
from funcnn.kernels.cell_parts import Product
from funcnn.types import Array

_LARGE: Final = 1 << 17  # elements from which on a transposed copy makes products faster, by a fifth to a half
_COPIED: Final = 1 << 15  # elements up to which a copy in one piece repays itself within a few products
_LINE: Final = 8  # rows that are transposed at a time: 0.12 ms for 256 x 1024 where all at once take 0.54
_WIDE: Final = 8  # columns that kernels for AVX2 multiply at once
_LEFT: Final = 5  # columns behind whole ones from which on more are faster
_SHORT: Final = 1 << 15  # multiplications; fewer are a call and little else
_SMALL: Final = 1_000_000  # multiplications; OpenBLAS copies neither matrix for fewer, with kernels for AVX-512
_BLOCK: Final = 16  # rows of a block, at least


def into(a: Any, plain: bool) -> Product:
    """The product with `a` at the least cost: `dot` is cheap to call, but copies what is no single piece of memory.

    So a short one is copied once, in its own order: 192 x 97 takes 2.3 us, and products by 16 columns 5.5 instead of
    6.1; those of 30 x 16 take 0.4 instead of 1.
    """
    if plain and isinstance(a, np.ndarray):
        if a.flags.c_contiguous or a.flags.f_contiguous:
            return a.dot
        if a.size < _COPIED:
            return a.copy(order="K").dot
    return functools.partial(np.matmul, a)


def in_blocks(a: Any, plain: bool, batch: int) -> Product:
    """The product with `a`, by blocks of its rows that are small for OpenBLAS; what it writes must be in one piece.

    1024 x 321 by 32 columns take 245 us, with kernels for AVX-512; by blocks of 64 rows, which are not copied into
    another order first, 157; 256 x 1024 by 32 columns 184, by blocks of 16 rows 158, and by 16 columns 104 and 79. With
    those for AVX2 it is 278 us either way, and 102 and 112 by 16 columns, so that there are no blocks.
    """
    rows, size = a.shape
    count = max(1, -(-prod((rows, size, batch)) // _SMALL))
    while count < rows and rows % count:
        count += 1
    fits = plain and type(a) is np.ndarray and a.flags.c_contiguous and a.dtype.char in "fd"
    if count < 2 or rows < count * _BLOCK or not fits or not small_is_fast():
        return into(a, plain)
    blocks = a.reshape(count, rows // count, size)
    shape = (count, rows // count, batch)

    def product(vectors: Array, out: Array) -> object:
        return np.matmul(blocks, vectors, out.reshape(shape))

    return product


def turned(q: Any) -> Any:
    """The transpose, copied where that is worth it."""
    if q.size < _LARGE or type(q) is not np.ndarray:
        return q.T
    out: Array = np.empty(q.shape[::-1], q.dtype)
    for i in range(0, len(q), _LINE):
        out[:, i : i + _LINE] = q[i : i + _LINE].T
    return out


def columns_for(a: Any, batch: int) -> int:
    """How many columns products have that are made with as many numbers as `a` has: some more than the batch where
    that is faster.

    400 x 121 by 7 columns take 22 us with kernels for AVX2, by 8 columns 13; with those for AVX-512 8.2 and 7.0. By 4
    and 12 columns it is 12 and 16, so that fewer columns behind whole eights are left alone.
    """
    if type(a) is not np.ndarray or a.size * batch < _SHORT or batch % _WIDE < _LEFT:
        return batch
    return -(-batch // _WIDE) * _WIDE


def put(out: Any, a: Any, batch: int) -> None:
    """`a` into the columns of the batch, 0 into the others."""
    out[..., :batch] = a
    if out.shape[-1] > batch:
        out[..., batch:] = 0
