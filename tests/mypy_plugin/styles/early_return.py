"""Returns in the middle."""

import sys

from funcnn import Array, Dense, Key, Layer, Relu, residual, serial


def pick(kind: str, width: int) -> Layer[Array, Array]:
    if kind not in ("mlp", "res"):
        raise ValueError(kind)
    base = serial(Dense(width), Relu)
    if kind == "mlp":
        return base
    try:
        depth = int(sys.argv[1])
    except (IndexError, ValueError):
        depth = 2
    return serial(base, *[residual(Dense(width)) for _ in range(depth)])


net = pick("res", 8)
# wrong: serial(pick("mlp", 8), residual(Dense(9))).init(Key(0), (-1, 3))
serial(pick("mlp", 8), residual(Dense(8))).init(Key(0), (-1, 3))  # guilty
net.init(Key(0), (-1, 3))
