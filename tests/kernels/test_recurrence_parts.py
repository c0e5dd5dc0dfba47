"""A recurrent cell by parts of the batch: what the whole batch gives, whoever computes it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any
from unittest import mock

import numpy as np
import pytest

from funcnn import LSTM, Key, vjp
from funcnn.kernels import recurrence, recurrence_parts, threads
from funcnn.kernels.cells import GRU, LSTM as LSTM_GATES, RNN, Gates
from funcnn.kernels.recurrence_parts import Parts

CELLS = {"RNN": RNN, "GRU": GRU, "LSTM": LSTM_GATES}
BATCH, TIME, FEATURES, UNITS = 7, 5, 3, 4


@pytest.fixture(autouse=True)
def _three_threads() -> Iterator[None]:
    """However many cores there are here, and however short the work is."""
    with (
        mock.patch.object(threads, "THREADS", 3),
        mock.patch.object(threads, "_helpers", []),
        mock.patch.object(recurrence_parts, "_REPAYS", 1),
        mock.patch.object(recurrence_parts, "_FEWEST", 2),
    ):
        yield


def _given(gates: Gates, rng: np.random.Generator) -> tuple[tuple[Any, Any, Any], Any, Any]:
    rows = gates.blocks * UNITS
    w, u, b = (rng.normal(size=size) / 2 for size in ((FEATURES, rows), (UNITS, rows), (2 * rows,)))
    states = tuple(rng.normal(size=(BATCH, UNITS)) for _ in range(gates.states))
    return (w, u, b), rng.normal(size=(BATCH, TIME, FEATURES)), states


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize("gates", CELLS.values(), ids=list(CELLS))
def test_parts_give_what_the_whole_gives(gates: Gates, begun: bool, masked: bool) -> None:
    """Outputs, final states, and every cotangent; with masks of which one sequence has nothing real."""
    rng = np.random.default_rng(0)
    p, x, states = _given(gates, rng)
    mask = np.arange(TIME) < np.array([5, 0, 3, 1, 5, 2, 4])[:, None] if masked else None
    initial = states if begun else None
    whole = recurrence.recur(gates, *p, x, mask, initial, keep=True)
    parts = recurrence_parts.recur(gates, *p, x, mask, initial, keep=True)
    assert isinstance(parts, Parts) and [s.stop - s.start for s in parts.spans] == [2, 2, 3]
    np.testing.assert_allclose(recurrence_parts.outputs(parts), recurrence.outputs(whole), rtol=1e-13, atol=1e-14)
    for a, b in zip(parts.final, whole.final, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-14)
    dy = rng.normal(size=(BATCH, TIME, UNITS))
    every = [tuple(rng.normal(size=(UNITS, BATCH)) for _ in range(gates.states)), (None,) * gates.states]
    for given, final in product((dy, None), every):
        ours = recurrence_parts.recur_pullback(parts, given, final)
        theirs = recurrence.recur_pullback(whole, given, final)
        pairs = [(getattr(ours, name), getattr(theirs, name)) for name in ("w", "u", "b")]
        pairs += zip(ours.initial, theirs.initial, strict=True)
        dx = recurrence_parts.input_cotangent(parts, ours.rows)
        pairs.append((dx, recurrence.input_cotangent(whole, theirs.rows)))
        for a, b in pairs:
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("gates", CELLS.values(), ids=list(CELLS))
def test_what_is_not_kept_is_not_needed_for_values(gates: Gates) -> None:
    """With the first final state alone, as at inference."""
    p, x, states = _given(gates, np.random.default_rng(1))
    mask = np.random.default_rng(2).random((BATCH, TIME)) < 0.6
    whole = recurrence.recur(gates, *p, x, mask, states, keep=False, ends=False)
    parts = recurrence_parts.recur(gates, *p, x, mask, states, keep=False, ends=False)
    assert isinstance(parts, Parts) and len(parts.final) == len(whole.final)
    np.testing.assert_allclose(parts.final[0], whole.final[0], rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(recurrence_parts.outputs(parts), recurrence.outputs(whole), rtol=1e-13, atol=1e-14)


def test_few_sequences_and_single_steps_are_one_pass() -> None:
    """And none at all."""
    p, x, _ = _given(RNN, np.random.default_rng(3))
    for few in (x[:3], x[:0], x[:, :1]):
        assert not isinstance(recurrence_parts.recur(RNN, *p, few, None, None, keep=True), Parts)


def test_a_pullback_is_called_again_and_by_others() -> None:
    """It changes nothing that it needs."""
    net = LSTM(UNITS, state=True)
    rng = np.random.default_rng(4)
    x, h, c = rng.normal(size=(BATCH, TIME, FEATURES)), *rng.normal(size=(2, BATCH, UNITS))
    _, params = net.init(Key(0), ((BATCH, TIME, FEATURES), ((BATCH, UNITS), (BATCH, UNITS))), dtype="float64")
    (y, final), pullback = vjp(net.apply, params, (x, (h, c)))
    once, twice = pullback((y, final)), pullback((y, final))
    for a, b in zip((once[0]["w"], once[1][0], once[1][1][1]), (twice[0]["w"], twice[1][0], twice[1][1][1]), strict=True):
        assert np.array_equal(a, b)
