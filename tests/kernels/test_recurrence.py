"""Recurrent cells along a sequence: complex numbers, memory, and what is kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from funcnn import Array
from funcnn.kernels import loop_products, recurrence
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


def one_by_one(gates: Gates, p: tuple[Any, ...], x: Any, mask: Any, states: tuple[Any, ...]) -> tuple[Any, Any]:
    """Every sequence alone, step by step, as the definitions in the docstrings of the cells read."""
    (w, u, b), n, half = p, len(p[1]), len(p[2]) // 2
    y, final = np.zeros((*x.shape[:2], n), x.dtype), [s.copy() for s in states]
    for i, t in np.ndindex(*x.shape[:2]):
        if mask is not None and not mask[i, t]:
            continue
        h = final[0][i]
        zx, zh = np.split(x[i, t] @ w + b[:half], gates.blocks), np.split(h @ u + b[half:], gates.blocks)
        if gates is RNN:
            new = np.tanh(zx[0] + zh[0])
        elif gates is GRU:
            r, z = (1 / (1 + np.exp(-zx[k] - zh[k])) for k in range(2))
            new = (1 - z) * np.tanh(zx[2] + r * zh[2]) + z * h
        else:
            into, forget, out = (1 / (1 + np.exp(-zx[k] - zh[k])) for k in (0, 1, 3))
            final[1][i] = forget * final[1][i] + into * np.tanh(zx[2] + zh[2])
            new = out * np.tanh(final[1][i])
        y[i, t] = final[0][i] = new
    return y, final


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("mask", ["whole", "lengths", "holes", "nothing"])
@pytest.mark.parametrize("size", [(1, 1, 3, 2), (3, 7, 4, 3), (5, 6, 2, 17), (40, 3, 180, 8)], ids=str)
@pytest.mark.parametrize("gates", CELLS.values(), ids=list(CELLS))
def test_all_steps_are_those_of_every_sequence_alone(
    gates: Gates, size: tuple[int, int, int, int], mask: str, keep: bool
) -> None:
    """One step and many, small weights and large, in float64 and float32, from 0 and from states."""
    batch, time, units, features = size
    rows = gates.blocks * units
    rng = np.random.default_rng(1)
    p = tuple(rng.normal(size=shape) / 4 for shape in ((features, rows), (units, rows), (2 * rows,)))
    x, states = rng.normal(size=(batch, time, features)), tuple(rng.normal(size=(2, batch, units)))[: gates.states]
    masks: dict[str, Any] = {
        "whole": None,
        "lengths": np.arange(time) < rng.integers(0, time + 1, batch)[:, None],
        "holes": rng.random((batch, time)) < 0.5,
        "nothing": np.zeros((batch, time), np.bool_),
    }
    for start in (None, states):
        given = tuple(np.zeros((batch, units)) for _ in states) if start is None else start
        y, final = one_by_one(gates, p, x, masks[mask], given)
        kinds: Any = ((np.float64, 1e-12), (np.float32, 2e-5))
        for dtype, close in kinds:
            w, u, b, xs = [a.astype(dtype) for a in (*p, x)]
            first: Any = None if start is None else tuple(s.astype(dtype) for s in start)
            done = recur(gates, w, u, b, xs, masks[mask], first, keep=keep)
            np.testing.assert_allclose(outputs(done), y, rtol=0, atol=close)
            for found, wanted in zip(done.final, final, strict=True):
                np.testing.assert_allclose(found.T, wanted, rtol=0, atol=close)
                assert found.dtype == dtype


@pytest.mark.parametrize("gates", CELLS.values(), ids=list(CELLS))
def test_what_is_not_real_is_not_looked_at(gates: Gates) -> None:
    """Neither NaN in the inputs nor in the cotangents of outputs."""
    w, u, b, s = weights(gates)
    for mask in (MASK, np.sort(MASK, axis=1)[:, ::-1]):
        x, dy = X.copy(), np.ones((3, 6, 4))
        plain = recur_pullback(recur(gates, w, u, b, x, mask, s, keep=True), dy, (None,) * gates.states)
        x[~mask], dy[~mask] = np.nan, np.nan
        done = recur(gates, w, u, b, x, mask, s, keep=True)
        found = recur_pullback(done, dy, (None,) * gates.states)
        assert not outputs(done)[~mask].any()
        assert all(map(np.array_equal, (*found[:3], *found.initial), (*plain[:3], *plain.initial)))


@pytest.mark.parametrize("repays", [0, 1 << 30])
@pytest.mark.parametrize("time", [1, 2, 6])
@pytest.mark.parametrize("gates", CELLS.values(), ids=list(CELLS))
def test_gradients_from_no_state_are_those_from_zeros(
    gates: Gates, time: int, repays: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it is long, the product of the first step leaves the state out, and its pullback too."""
    monkeypatch.setattr(recurrence, "_REPAYS", repays)
    w, u, b, _ = weights(gates)
    zeros = tuple(np.zeros((3, 4)) for _ in range(gates.states))
    dy = RNG.normal(size=(3, time, 4))
    none, some = (recur(gates, w, u, b, X[:, :time], None, s, keep=True) for s in (None, zeros))
    found, wanted = (recur_pullback(d, dy, (None,) * gates.states) for d in (none, some))
    for a, e in zip((*found[:3], input_cotangent(none, found.rows)), (*wanted[:3], input_cotangent(some, wanted.rows)),
                    strict=True):  # fmt: skip
        np.testing.assert_allclose(a, e, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("mask", [None, MASK, np.sort(MASK, axis=1)[:, ::-1]], ids=["whole", "masked", "lengths"])
@pytest.mark.parametrize("gates", CELLS.values(), ids=list(CELLS))
def test_the_pullback_is_the_derivative(gates: Gates, mask: Any) -> None:
    """By complex step, along one direction in all of the inputs, weights and states at once."""
    is_the_derivative(gates, X, mask)


@pytest.mark.parametrize("gates", CELLS.values(), ids=list(CELLS))
def test_the_pullback_of_one_step_is_the_derivative(gates: Gates) -> None:
    """Which goes another way."""
    is_the_derivative(gates, X[:, :1], None)


def is_the_derivative(gates: Gates, x: Any, mask: Any) -> None:
    """By complex step."""
    w, u, b, s = weights(gates)
    done = recur(gates, w, u, b, x, mask, s, keep=True)
    dy, df = RNG.normal(size=outputs(done).shape), tuple(RNG.normal(size=f.shape) for f in done.final)
    found = recur_pullback(done, dy, df)
    claimed = (found.w, found.u, found.b, input_cotangent(done, found.rows), *(a.T for a in found.initial))
    ways = [RNG.normal(size=a.shape) for a in (w, u, b, x, *s)]
    moved: list[Any] = [a + 1e-30j * d for a, d in zip((w, u, b, x, *s), ways, strict=True)]
    there = recur(gates, moved[0], moved[1], moved[2], moved[3], mask, tuple(moved[4:]), keep=False)
    slope = (outputs(there).imag * dy).sum() + sum((f.imag * d).sum() for f, d in zip(there.final, df, strict=True))
    if mask is not None:  # what is not real is not looked at, and gives nothing
        assert not claimed[3][~mask].any()
    assert sum((c * d).sum() for c, d in zip(claimed, ways, strict=True)) == pytest.approx(slope / 1e-30, rel=1e-11)


@pytest.mark.parametrize("block", [1, 9, 24])
@pytest.mark.parametrize("gates", CELLS.values(), ids=list(CELLS))
def test_slopes_of_some_steps_at_a_time(gates: Gates, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one step, of two, and of two with none left over: the pullback is the same."""
    w, u, b, s = weights(gates)
    done, dy = recur(gates, w, u, b, X, MASK, s, keep=True), RNG.normal(size=(3, 6, 4))
    final = tuple(RNG.normal(size=(4, 3)) for _ in s)
    whole = recur_pullback(done, dy, final)
    monkeypatch.setattr(recurrence, "_BLOCK", block)
    parts = recur_pullback(done, dy, final)
    assert all(map(np.array_equal, (*whole[:4], *whole.initial), (*parts[:4], *parts.initial)))


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
        first = recur_pullback(done, dy, df)
        again = recur_pullback(done, dy, df)
        assert dy.all()
        assert all(a.all() for a in df)
        assert all(map(np.array_equal, first[:4], again[:4]))


@pytest.mark.parametrize("mask", [None, MASK], ids=["whole", "masked"])
@pytest.mark.parametrize("gates", CELLS.values(), ids=list(CELLS))
def test_passes_that_keep_nothing_give_the_same(gates: Gates, mask: Any) -> None:
    """Bit for bit, in less memory."""
    w, u, b, s = weights(gates)
    long, short = (recur(gates, w, u, b, X, mask, s, keep=keep) for keep in (True, False))
    assert np.array_equal(outputs(long), outputs(short))
    assert all(map(np.array_equal, long.final, short.final))
    assert mask is not None or gates is RNN or short.kept.size < long.kept.size / 3


@pytest.mark.parametrize("mask", [None, MASK], ids=["whole", "masked"])
@pytest.mark.parametrize("gates", CELLS.values(), ids=list(CELLS))
def test_the_first_final_state_alone_takes_less_memory(gates: Gates, mask: Any) -> None:
    """Bit for bit the one that comes with the others, which have to be kept at every step where a mask is."""
    w, u, b, s = weights(gates)
    every, first = (recur(gates, w, u, b, X, mask, s, keep=False, ends=ends) for ends in (True, False))
    assert np.array_equal(every.final[0], first.final[0])
    assert np.array_equal(outputs(every), outputs(first))
    assert isinstance(first, recurrence.Pass)
    assert first.kept.shape[0] == 2


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.complex128])
@pytest.mark.parametrize("mask", [False, True])
@pytest.mark.parametrize("batch", [4, 5, 7, 14])
@pytest.mark.parametrize("gates", CELLS.values(), ids=list(CELLS))
def test_more_columns_and_blocks_of_rows_change_no_result(
    gates: Gates, batch: int, mask: bool, kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where BLAS is faster so, products have some more columns than there are sequences, and go by blocks of rows."""
    rng = np.random.default_rng(2)
    n, time, features, rows = 4, 5, 3, 4 * gates.blocks
    shapes = ((features, rows), (n, rows), (2 * rows,), (batch, time, features), *[(batch, n)] * gates.states)
    w, u, b, x, *s = (rng.normal(size=shape).astype(kind) for shape in shapes)
    dy, df = rng.normal(size=(batch, time, n)).astype(kind), [rng.normal(size=(n, batch)).astype(kind) for _ in s]
    real = rng.random((batch, time)) < 0.6 if mask else None

    def found() -> tuple[Any, list[Any]]:
        done = recur(gates, w, u, b, x, real, tuple(s), keep=True)
        d = recur_pullback(done, dy, tuple(df))
        return done, [outputs(done), *done.final, d.w, d.u, d.b, input_cotangent(done, d.rows), *d.initial]

    plain, wanted = found()
    columns = batch if batch % 8 < 5 else 8 * -(-batch // 8)
    for name, value in (("_SHORT", 0), ("_LARGE", 0), ("_SMALL", 32 * columns), ("_BLOCK", 2)):
        monkeypatch.setattr(loop_products, name, value)
    monkeypatch.setattr(loop_products, "small_is_fast", lambda: True)
    other, got = found()
    assert plain.inputs.shape[2] == batch
    assert other.inputs.shape[2] == columns
    close = 1e-5 if kind is np.float32 else 1e-13
    for a, e in zip(got, wanted, strict=True):
        assert a.dtype == e.dtype
        np.testing.assert_allclose(a, e, rtol=close, atol=close)


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("rows", [64, 96, 61])
def test_products_by_blocks_write_where_they_are_told(rows: int, fast: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that no number divides go at once, and all where small products are not fast."""
    monkeypatch.setattr(loop_products, "_SMALL", 4000)
    monkeypatch.setattr(loop_products, "small_is_fast", lambda: fast)
    a, x, out = RNG.normal(size=(rows, 10)), RNG.normal(size=(10, 8)), np.zeros((rows + 1, 8))
    product = loop_products.in_blocks(a, True, 8)
    assert (getattr(product, "__self__", None) is a) == (rows == 61 or not fast)
    product(x, out[:rows])
    np.testing.assert_allclose(out[:rows], a @ x, rtol=1e-13)
    assert not out[rows].any()
