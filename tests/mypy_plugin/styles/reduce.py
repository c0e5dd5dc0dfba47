"""Layers folded with `reduce`."""

import functools
import operator

from funcnn import Dense, Key, Relu, residual, serial

widths = (16, 32, 64)
net = functools.reduce(lambda acc, w: acc >> Dense(w) >> Relu, widths, serial(Dense(8)))
# wrong: (net >> residual(Dense(widths[-1] // 2))).init(Key(0), (-1, 3))
(net >> residual(Dense(widths[-1]))).init(Key(0), (-1, 3))  # guilty
chain = functools.reduce(operator.rshift, [Dense(w) for w in widths])
# wrong: (chain >> residual(Dense(32))).init(Key(0), (-1, 3))
(chain >> residual(Dense(64))).init(Key(0), (-1, 3))  # guilty
