"""The arithmetic of one step of recurrent cells, and of its pullback; features first: gates are blocks of rows.

All arrays are (features, batch). `zx` is what the input adds to the gates, `zh` what the state does, biases included.
A step writes the new states into `after`; its pullback writes the cotangents of `zx` and `zh` into `dzx` and `dzh`,
which are one array for cells that only ever add the two.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from funcnn.kernels.complex_numbers import tanh
from funcnn.types import Array

States: TypeAlias = "tuple[Array, ...]"


class Gates(NamedTuple):
    """A cell.

    blocks   how many blocks of rows its weights have
    states   how many arrays its state has; the first of them is its output
    adds     whether it only ever adds `zx` and `zh`
    step     (zx, zh, before, after) -> what the pullback needs; `zh` may be overwritten
    back     (kept, before, after, d, dzx, dzh) -> the cotangents of `before`, but for what went through `zh`; None
             where that is all
    """

    blocks: int
    states: int
    adds: bool
    step: Callable[[Array, Array, States, States], Any]
    back: Callable[[Any, States, States, States, Array, Array], tuple[Array | None, *tuple[Array, ...]]]


# the cell of Elman ----------------------------------------------------------------------------------------------------
def _rnn(zx: Array, zh: Array, before: States, after: States) -> None:
    zh += zx
    tanh(zh, after[0])


def _rnn_back(kept: None, before: States, after: States, d: States, dzx: Array, dzh: Array) -> tuple[None]:
    h = after[0]
    np.multiply(h, h, dzx)
    np.subtract(1, dzx, dzx)
    dzx *= d[0]
    return (None,)


# long short-term memory: input gate, forget gate, candidate, output gate ----------------------------------------------
@functools.lru_cache(64)
def _halves(n: int, kind: str) -> tuple[Array, Array]:
    """sigmoid(z) = tanh(z / 2) / 2 + 1 / 2, so that one tanh serves all four gates."""
    scale: Any = np.repeat(np.array([0.5, 0.5, 1.0, 0.5], kind), n)[:, None]
    offset: Any = np.repeat(np.array([0.5, 0.5, 0.0, 0.5], kind), n)[:, None]
    return scale, offset


def _lstm(zx: Array, zh: Array, before: States, after: States) -> tuple[Array, Array]:
    n = len(before[0])
    scale, offset = _halves(n, zh.real.dtype.char)
    zh += zx
    zh *= scale
    tanh(zh, zh)
    zh *= scale
    zh += offset
    i, f, g, o = zh[:n], zh[n : 2 * n], zh[2 * n : 3 * n], zh[3 * n :]
    (h, c), (_, old) = after, before
    np.multiply(f, old, c)
    np.multiply(i, g, h)  # room that is free until the output comes
    c += h
    t: Array = tanh(c)
    np.multiply(o, t, h)
    return zh, t


def _lstm_back(
    kept: tuple[Array, Array], before: States, after: States, d: States, dzx: Array, dzh: Array
) -> tuple[None, Array]:
    a, t = kept
    n = len(t)
    i, f, g, o = a[:n], a[n : 2 * n], a[2 * n : 3 * n], a[3 * n :]
    dh, dc = d
    c = t * t
    np.subtract(1, c, c)
    c *= o
    c = c * dh
    c += dc  # the cotangent of c', through h' too
    np.multiply(a, a, dzx)
    np.subtract(a, dzx, dzx)  # s' = s (1 - s), of the sigmoids
    np.multiply(g, g, dzx[2 * n : 3 * n])
    np.subtract(1, dzx[2 * n : 3 * n], dzx[2 * n : 3 * n])
    for block, factor in enumerate((g, before[1], i)):
        dzx[block * n : (block + 1) * n] *= c * factor
    dzx[3 * n :] *= dh * t
    c *= f
    return None, c


# gated recurrent unit: reset gate, update gate, candidate -------------------------------------------------------------
def _gru(zx: Array, zh: Array, before: States, after: States) -> tuple[Array, Array, Array]:
    n = len(before[0])
    gates, inner = zh[: 2 * n], zh[2 * n :]
    gates += zx[: 2 * n]
    gates *= 0.5
    tanh(gates, gates)
    gates *= 0.5
    gates += 0.5
    candidate: Array = gates[:n] * inner
    candidate += zx[2 * n :]
    tanh(candidate, candidate)
    h = after[0]
    np.subtract(before[0], candidate, h)
    h *= gates[n:]
    h += candidate
    return gates, inner, candidate


def _gru_back(
    kept: tuple[Array, Array, Array], before: States, after: States, d: States, dzx: Array, dzh: Array
) -> tuple[Array]:
    gates, inner, candidate = kept
    n = len(inner)
    r, z, dh = gates[:n], gates[n:], d[0]
    np.multiply(gates, gates, dzx[: 2 * n])
    np.subtract(gates, dzx[: 2 * n], dzx[: 2 * n])
    kept_part = dh * z
    dn = dzx[2 * n :]
    np.multiply(candidate, candidate, dn)
    np.subtract(1, dn, dn)
    dn *= dh - kept_part
    dzx[:n] *= dn * inner
    dzx[n : 2 * n] *= dh * (before[0] - candidate)
    dzh[: 2 * n] = dzx[: 2 * n]
    np.multiply(dn, r, dzh[2 * n :])
    return (kept_part,)


RNN: Final = Gates(1, 1, True, _rnn, _rnn_back)
LSTM: Final = Gates(4, 2, True, _lstm, _lstm_back)
GRU: Final = Gates(3, 1, False, _gru, _gru_back)
