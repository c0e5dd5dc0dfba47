"""Constructors that refuse their arguments."""

from funcnn import (
    Array, Conv, Dense, Dropout, FanOut, Flatten, Key, Layer, MaxPool, Relu, parallel, select, serial,
)  # fmt: skip

Dropout(1.5)  # E[funcnn-value]: Dropout: drop must be in [0, 1), got 1.5
Dense(0)  # E[funcnn-value]: Dense: units must be an integer of at least 1, got 0
Dense(4 - 4)  # E[funcnn-value]: units
width = -3
Dense(width)  # E[funcnn-value]: got -3
net = serial(
    Dense(3),
    Dropout(-0.1),  # E[funcnn-value]: drop must be in [0, 1)
    Dense(3),
)
net.init(Key(0), (-1, 3))
Conv(3, (2, 0))  # E[funcnn-value]: Conv
MaxPool((0, 1))  # E[funcnn-value]: MaxPool
FanOut(0)  # E[funcnn-value]: FanOut: n must be
select(-1)  # E[funcnn-value]: select takes the indices of items, from 0 on, got (-1,)
serial(Dense(3).named("a"), Dense(4).named("a"))  # E[funcnn-value]: two children are named 'a'
Dense(3).named("")  # E[funcnn-value]: a name is a non-empty string without '/', got ''
parallel(Dense(3), Dense(4).named("dense_0"))  # E[funcnn-value]: two children are named 'dense_0'


def unknown(drop: float, n: int) -> None:
    """Nobody knows."""
    Dropout(drop)
    Dense(n)
    Dense(n - n)  # E[funcnn-value]: Dense: units must be
    serial(Dense(n).named("a"), Flatten)


def noisy(drop: float) -> Layer[Array, Array]:
    """Followed with the arguments of its calls."""
    return serial(Dense(3), Dropout(drop))  # E[funcnn-value]: Dropout: drop must be in [0, 1), got 1.5


def either(drop: float) -> Layer[Array, Array]:
    """What is decided by a known number is not asked."""
    return Dropout(drop) if drop < 1 else Relu


noisy(0.5)
noisy(1.5)
either(1.5)
