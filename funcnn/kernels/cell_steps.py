"""One step of a recurrent cell, and its pullback, batch first: where there is no sequence to make anything ready for.

`zx` is what the input adds to the gates, `zh` what the state does, biases included, (batch, blocks units) each. A step
is `(zx, zh, before) -> (after, kept)`; its pullback is `(kept, before, after, d) -> (dzx, dzh, direct)`, where `direct`
are the cotangents of `before` but for what went through `zh`, None for none. The first state is the output.

A decoder's step of 16 units takes 17 us for an LSTM, where one over all steps of a sequence takes 50.
"""

from __future__ import annotations

import functools
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from funcnn.kernels.affine import product
from funcnn.kernels.complex_numbers import tanh
from funcnn.kernels.sums import column_sums
from funcnn.types import Array

States: TypeAlias = "tuple[Array, ...]"


# the cell of Elman ----------------------------------------------------------------------------------------------------
def _rnn(zx: Any, zh: Any, before: States) -> tuple[States, Any]:
    return (tanh(zx + zh),), None


def _rnn_back(kept: Any, before: States, after: States, d: States) -> tuple[Any, Any, tuple[Any, ...]]:
    h = after[0]
    dz = (1 - h * h) * d[0]
    return dz, dz, (None,)


# long short-term memory: input gate, forget gate, candidate, output gate ----------------------------------------------
@functools.lru_cache(64)
def _halves(n: int, kind: str) -> tuple[Array, Array]:
    """sigmoid(z) = tanh(z / 2) / 2 + 1 / 2, so that one tanh serves all four gates."""
    scale: Any = np.repeat(np.array([0.5, 0.5, 1.0, 0.5], kind), n)
    offset: Any = np.repeat(np.array([0.5, 0.5, 0.0, 0.5], kind), n)
    return scale, offset


def _lstm(zx: Any, zh: Any, before: States) -> tuple[States, Any]:
    n = before[1].shape[1]
    scale, offset = _halves(n, zx.real.dtype.char)
    a = zx + zh
    a *= scale
    a = tanh(a)
    a *= scale
    a += offset
    c = a[:, n : 2 * n] * before[1]
    c = c + a[:, :n] * a[:, 2 * n : 3 * n]
    t = tanh(c)
    return (a[:, 3 * n :] * t, c), (a, t)


def _lstm_back(kept: Any, before: States, after: States, d: States) -> tuple[Any, Any, tuple[Any, ...]]:
    a, t = kept
    n = t.shape[1]
    i, f, g, o = (a[:, k * n : (k + 1) * n] for k in range(4))
    dh, dc = d
    dc = dc + (1 - t * t) * o * dh  # the cotangent of c', through h' too
    slopes = a - a * a  # s' = s (1 - s), of the sigmoids
    slopes[:, 2 * n : 3 * n] = 1 - g * g
    dz = slopes * np.concatenate([dc * g, dc * before[1], dc * i, dh * t], 1)
    return dz, dz, (None, dc * f)


# gated recurrent unit: reset gate, update gate, candidate -------------------------------------------------------------
def _gru(zx: Any, zh: Any, before: States) -> tuple[States, Any]:
    n = before[0].shape[1]
    gates = zx[:, : 2 * n] + zh[:, : 2 * n]
    gates *= 0.5
    gates = tanh(gates)
    gates *= 0.5
    gates += 0.5
    inner = zh[:, 2 * n :]
    candidate = tanh(gates[:, :n] * inner + zx[:, 2 * n :])
    return (candidate + gates[:, n:] * (before[0] - candidate),), (gates, inner, candidate)


def _gru_back(kept: Any, before: States, after: States, d: States) -> tuple[Any, Any, tuple[Any, ...]]:
    gates, inner, candidate = kept
    n, dh = inner.shape[1], d[0]
    r, z = gates[:, :n], gates[:, n:]
    direct = dh * z
    dn = (1 - candidate * candidate) * (dh - direct)
    both = (gates - gates * gates) * np.concatenate([dn * inner, dh * (before[0] - candidate)], 1)
    return np.concatenate([both, dn], 1), np.concatenate([both, dn * r], 1), (direct,)


class OneStep(NamedTuple):
    """How a cell goes one step, and back."""

    forward: Any
    back: Any


RNN: Final = OneStep(_rnn, _rnn_back)
LSTM: Final = OneStep(_lstm, _lstm_back)
GRU: Final = OneStep(_gru, _gru_back)


class Single(NamedTuple):
    """What one step leaves: its weights, its input (batch, features), the states (batch, units), and what it keeps."""

    way: OneStep
    w: Array
    u: Array
    x: Any
    before: States
    after: States
    kept: Any

    @property
    def final(self) -> States:
        """(units, batch) each."""
        return tuple([a.T for a in self.after])


def step(way: OneStep, states: int, w: Array, u: Array, b: Array, x: Array, initial: States | None) -> Single:
    """One step of `x` (batch, features); states None are 0."""
    half = u.shape[1]
    zx: Any = product(x, w) + b[:half]
    if initial is None:
        before: States = (np.zeros_like(zx, shape=(len(x), len(u))),) * states
        zh: Any = b[half:] + np.zeros_like(zx)
    else:
        before = initial
        zh = product(initial[0], u) + b[half:]
    after, kept = way.forward(zx, zh, before)
    return Single(way, w, u, x, before, after, kept)


def step_pullback(done: Single, d: list[Any]) -> tuple[Array, Array, Array, Array, States]:
    """Of w, u, b, of `zx`, and of the states before, (units, batch); `d` (batch, units) of those after, None for 0."""
    zeros = np.zeros_like(done.after[0])
    dzx, dzh, direct = done.way.back(done.kept, done.before, done.after, [zeros if v is None else v for v in d])
    dh = product(dzh, done.u.T)
    initial = (dh if direct[0] is None else dh + direct[0], *direct[1:])
    one = column_sums(dzx)
    db = np.concatenate([one, one if dzh is dzx else column_sums(dzh)])
    return product(done.x.T, dzx), product(done.before[0].T, dzh), db, dzx, tuple([v.T for v in initial])
