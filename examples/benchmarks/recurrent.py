"""Workloads along time: recurrent layers, whose last state is classified."""

from __future__ import annotations

from typing import Any

import numpy as np
from works import Work, Works, classifier

from funcnn import GRU, LSTM, Dense, Layer, adam, bidirectional, serial, softmax_cross_entropy


class Sequences(Work):
    """Sequences of several lengths, filled up to the longest: a mask comes beside them, True where a step is real."""

    def data(self) -> tuple[Any, Any]:
        """Lengths from a half to all of the steps."""
        rng = np.random.default_rng(0)
        shape: Any = self.shape[0]
        batch, time, _ = shape
        lengths = rng.integers(time // 2, time + 1, batch)
        mask = np.arange(time) < lengths[:, None]
        return (rng.random(shape).astype(self.dtype), mask), rng.integers(0, self.classes, batch)


def lstm() -> Work:
    """64 features, 256 units, 64 steps; Dense10 on the last state; batch 32, cross-entropy, Adam."""
    return classifier(_last(LSTM(256, last=True)), 32, 64, 64)


def _last(net: Layer[Any, Any]) -> Layer[Any, Any]:
    return serial(net, Dense(10))


def _both_ways(net: Layer[Any, Any], *shape: int) -> Work:
    nested: Any = (shape, shape[:2])
    return Sequences(_last(bidirectional(net)), nested, softmax_cross_entropy, adam(1e-3), 10)


FIRST: Works = {"lstm": lstm}

SECOND: Works = {
    "lstm 20-100, 33 steps, batch 7": lambda: classifier(_last(LSTM(100, last=True)), 7, 33, 20),
    "gru 20-100, 33 steps, batch 7": lambda: classifier(_last(GRU(100, last=True)), 7, 33, 20),
    "gru 5-10, 8 steps, batch 16": lambda: classifier(_last(GRU(10, last=True)), 16, 8, 5),
    "lstm 32-64 both ways, lengths": lambda: _both_ways(LSTM(64, last=True, masked=True), 16, 40, 32),
    "gru 32-64 both ways, lengths": lambda: _both_ways(GRU(64, last=True, masked=True), 16, 40, 32),
}
