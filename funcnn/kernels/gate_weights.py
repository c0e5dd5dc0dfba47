"""The weights of a recurrent cell in one matrix, for one product a step; and gradients out of such a matrix.

Its rows are what goes in, the state, 1, and the input, so that biases cost nothing; its columns the blocks of rows of
`funcnn.kernels.cells`, with their factors.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from funcnn.kernels.activations import number
from funcnn.kernels.affine import product
from funcnn.kernels.cell_parts import Gates, Product, Run
from funcnn.kernels.loop_products import in_blocks, into, turned
from funcnn.kernels.scratch import room
from funcnn.kernels.sums import contiguous
from funcnn.types import Array


class Weights(NamedTuple):
    """Those of a cell with so many units; `joined` is (units + 1 + features, rows)."""

    gates: Gates
    units: int
    joined: Any


def joined(gates: Gates, w: Array, u: Array, b: Array, like: Any, dtype: np.dtype[Any]) -> Array:
    """The weights in one matrix."""
    n, half = len(u), gates.blocks * len(u)
    q: Array = room(like, (n + 1 + len(w), gates.rows * n), dtype)
    if gates.ahead:
        q.fill(0)
    _place(gates.of_state, u, q[:n], n, 1 / gates.times)
    _place(gates.of_input, w, q[n + 1 :], n)
    if gates.of_input == gates.of_state:
        _place(gates.of_input, b[:half] + b[half:], q[n], n)
    else:
        _place(gates.of_input, b[:half], q[n], n)
        for to, first, last, times in gates.of_state:
            q[n, to * n : (to + last - first) * n] += b[half + first * n : half + last * n] * number(times, dtype)
    return q


def _place(runs: tuple[Run, ...], blocks: Any, rows: Any, n: int, factor: float = 1.0) -> None:
    """Blocks of the weights into those of the rows, along the last axis."""
    for to, first, last, times in runs:
        by = number(times * factor, rows.dtype)
        np.multiply(blocks[..., first * n : last * n], by, rows[..., to * n : (to + last - first) * n])


def _back(runs: tuple[Run, ...], rows: Any, count: int, n: int, factor: float = 1.0) -> Any:
    """The transpose of that: cotangents of the rows give those of `count` blocks."""
    blocks = np.empty_like(rows, shape=(*rows.shape[:-1], count * n), order="C")
    for to, first, last, times in runs:
        by = number(times * factor, rows.dtype)
        np.multiply(rows[..., to * n : (to + last - first) * n], by, blocks[..., first * n : last * n])
    return blocks


class Forward(NamedTuple):
    """The product of a step, that of the first step where the state is 0, and the rows that are known beforehand."""

    product: Product
    first: Product
    ahead: Any


def forward(weights: Weights, inputs: Any, like: Any, dtype: np.dtype[Any]) -> Forward:
    """Of all steps of `inputs` (steps, units + 1 + features, batch)."""
    gates, n, _ = weights
    steps, _, batch = inputs.shape
    looped = (gates.rows - gates.ahead) * n
    plain = isinstance(inputs, np.ndarray)
    p = turned(weights.joined)
    ahead: Any = room(like, (steps, gates.ahead * n, batch), dtype)
    if gates.ahead:
        np.matmul(p[looped:, n:], inputs[:, n:], ahead)
    return Forward(in_blocks(p[:looped], plain, batch), into(p[:looped, n:], False), ahead)


def backward(weights: Weights, like: Any, dtype: np.dtype[Any], batch: int) -> Product:
    """From the cotangents of the rows that the state goes into to that of the state."""
    gates, n, q = weights
    of_state = q[:n, : (gates.rows - gates.ahead) * n].astype(dtype, copy=False)
    return in_blocks(contiguous(of_state), isinstance(like, np.ndarray), batch)


def gradients(weights: Weights, inputs: Any, rows: Any) -> tuple[Array, Array, Array]:
    """Those of w, u and b; `inputs` (units + 1 + features, vectors), the cotangents of the rows (rows, vectors)."""
    gates, n, _ = weights
    count, skipped = gates.blocks, (gates.rows - gates.ahead) * n
    if gates.ahead:
        of_state, of_input = _outer(inputs[: n + 1], rows[:skipped]), _outer(inputs[n:], rows)
    else:
        both = _outer(inputs, rows)
        of_state, of_input = both[: n + 1], both[n:]
    by_state = _back(gates.of_state, of_state, count, n, 1 / gates.times)
    by_input = _back(gates.of_input, of_input, count, n)
    db = np.concatenate([by_input[0], by_state[n] * gates.times])
    return by_input[1:], by_state[:n], db


def _outer(a: Any, b: Any) -> Any:
    """`a b^T`, as BLAS multiplies faster: the one with more rows first, a tenth to a third."""
    return product(b, a.T).T if len(b) > len(a) else product(a, b.T)


def input_gradient(weights: Weights, rows: Any) -> Any:
    """That of the input, (features, vectors)."""
    _, n, q = weights
    return product(q[n + 1 :], rows)
