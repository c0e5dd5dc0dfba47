"""Recurrent cells along a sequence: complex numbers, memory, and what is kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from funcnn import Array
from funcnn.kernels.cells import GRU, LSTM, RNN, Gates
from funcnn.kernels.recurrence import input_cotangent, outputs, recur, recur_pullback

RNG = np.random.default_rng(0)
CELLS = {"RNN": RNN, "GRU": GRU, "LSTM": LSTM}
X = RNG.normal(size=(3, 6, 2))
MASK = RNG.random((3, 6)) < 0.6


def weights(gates: Gates, units: int = 4) -> tuple[Array, Array, Array, tuple[Array, ...]]:
    """w, u, b, and the initial states."""
    rows = gates.blocks * units
    sizes = ((2, rows), (units, rows), (2 * rows,))
    w, u, b = (RNG.normal(size=size) / 2 for size in sizes)
    return w, u, b, tuple(RNG.normal(size=(3, units)) for _ in range(gates.states))


@pytest.mark.parametrize("mask", [None, MASK], ids=["whole", "masked"])
@pytest.mark.parametrize("gates", CELLS.values(), ids=list(CELLS))
def test_the_pullback_is_the_derivative(gates: Gates, mask: Any) -> None:
    """By complex step, along one direction in all of the inputs, weights and states at once."""
    w, u, b, s = weights(gates)
    done = recur(gates, w, u, b, X, mask, s, keep=True)
    dy, df = RNG.normal(size=outputs(done).shape), tuple(RNG.normal(size=f.shape) for f in done.final)
    found = recur_pullback(gates, u, done, dy, df)
    claimed = (found.w, found.u, found.b, input_cotangent(w, found.zx), *(a.T for a in found.initial))
    ways = [RNG.normal(size=a.shape) for a in (w, u, b, X, *s)]
    moved: list[Any] = [a + 1e-30j * d for a, d in zip((w, u, b, X, *s), ways, strict=True)]
    there = recur(gates, moved[0], moved[1], moved[2], moved[3], mask, tuple(moved[4:]), keep=False)
    slope = (outputs(there).imag * dy).sum() + sum((f.imag * d).sum() for f, d in zip(there.final, df, strict=True))
    if mask is not None:  # what is not real is not looked at, and gives nothing
        assert not claimed[3][~mask].any()
    assert sum((c * d).sum() for c, d in zip(claimed, ways, strict=True)) == pytest.approx(slope / 1e-30, rel=1e-11)


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 6, 2)])
@pytest.mark.parametrize("gates", CELLS.values(), ids=list(CELLS))
def test_nothing_is_written_into(gates: Gates, shape: tuple[int, int, int], keep: bool) -> None:
    """Not the inputs, where the mask makes some of them 0; nor what a pullback was given."""
    x = RNG.normal(size=shape)
    mask = np.zeros(shape[:2], np.bool_)
    w, u, b, _ = weights(gates)
    w, s = w[: shape[2]], tuple(np.ones((shape[0], 4)) for _ in range(gates.states))
    before = [a.copy() for a in (x, w, u, b, *s)]
    done = recur(gates, w, u, b, x, mask, s, keep=keep)
    assert all(map(np.array_equal, (x, w, u, b, *s), before))
    if keep:
        dy, df = np.ones((*shape[:2], 4)), tuple(np.ones((4, shape[0])) for _ in s)
        first = recur_pullback(gates, u, done, dy, df)
        again = recur_pullback(gates, u, done, dy, df)
        assert dy.all()
        assert all(a.all() for a in df)
        assert all(map(np.array_equal, first[:4], again[:4]))


@pytest.mark.parametrize("gates", CELLS.values(), ids=list(CELLS))
def test_passes_that_keep_nothing_give_the_same(gates: Gates) -> None:
    """Bit for bit, in less memory."""
    w, u, b, s = weights(gates)
    long, short = (recur(gates, w, u, b, X, MASK, s, keep=keep) for keep in (True, False))
    assert np.array_equal(outputs(long), outputs(short))
    assert all(map(np.array_equal, long.final, short.final))
    assert short.kept == []
    assert sum(a.size for a in short.states[1:]) < sum(a.size for a in long.states[1:]) or gates.states == 1
