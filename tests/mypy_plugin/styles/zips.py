"""Sizes zipped."""

from funcnn import Dense, Key, Relu, residual, serial

ins, outs = [8, 16, 32], [16, 32, 8]
blocks = [serial(residual(Dense(a)), Dense(b), Relu) for a, b in zip(ins, outs, strict=True)]
serial(Dense(8), *blocks).init(Key(0), (-1, 3))
pairs = list(zip(ins[:-1], ins[1:]))
for a, b in pairs:
    # wrong: serial(Dense(a), residual(Dense(b))).init(Key(0), (-1, 3))
    serial(Dense(a), residual(Dense(a))).init(Key(0), (-1, 3))  # guilty
