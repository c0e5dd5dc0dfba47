"""What `itertools` makes of sizes."""

from itertools import accumulate, chain, pairwise

from funcnn import Dense, Key, Relu, residual, serial

sizes = [4, 8, 16]
totals = list(accumulate(sizes))
# wrong: serial(*(Dense(t) for t in totals), residual(Dense(27))).init(Key(0), (-1, 2))
serial(*(Dense(t) for t in totals), residual(Dense(28))).init(Key(0), (-1, 2))  # guilty
layers = list(chain.from_iterable((Dense(n), Relu) for n in sizes))
# wrong: serial(*layers, residual(Dense(8))).init(Key(0), (-1, 2))
serial(*layers, residual(Dense(16))).init(Key(0), (-1, 2))  # guilty
for a, b in pairwise(sizes):
    # wrong: serial(Dense(b), residual(Dense(a))).init(Key(0), (-1, 2))
    serial(Dense(b), residual(Dense(b))).init(Key(0), (-1, 2))  # guilty
