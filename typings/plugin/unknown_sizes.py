"""Sizes that nobody knows, but which are the same, or another, whatever they are."""

import argparse

from funcnn import Array, Dense, FanInSum, FanOut, Key, Layer, Relu, parallel, residual, serial

key = Key(0)


def grown(n: int) -> Layer[Array, Array]:
    """By one."""
    net = serial(Dense(n), residual(Dense(n + 1)))  # E[funcnn-shape]: got (?, n + 1) and (?, n)
    net.init(key, (-1, 5))
    return net


def alike(n: int) -> None:
    """Equal sums are equal, however they are written."""
    serial(Dense(n), residual(Dense(n))).init(key, (-1, 5))
    serial(Dense(2 * n + 1), residual(Dense(n + 1 + n))).init(key, (-1, 5))
    serial(Dense(n // 2), residual(Dense(n // 2))).init(key, (-1, 5))


def doubled(n: int) -> None:
    """Two sums of one name, whose difference is known."""
    m = 2 * n
    serial(FanOut(2), parallel(Dense(m + 3), Dense(n + n)), FanInSum).init(key, (-1, 5))  # E[funcnn-shape]: 2 * n + 3) and (?, 2 * n)
    serial(Dense(n // 2), residual(Dense(n // 2 + 1))).init(key, (-1, 5))  # E[funcnn-shape]: residual adds


def undecided(n: int, m: int) -> None:
    """They may be equal: 2 n is n where n is 0, and n is m where it is."""
    serial(Dense(n), residual(Dense(m))).init(key, (-1, 5))
    serial(Dense(n), residual(Dense(2 * n))).init(key, (-1, 5))
    serial(Dense(n), residual(Dense(n**1))).init(key, (-1, 5))
    serial(Dense(n), residual(Dense(7))).init(key, (-1, 5))


def bound_again(n: int) -> None:
    """A name stands for another value once it is bound again."""
    first = Dense(n)
    n = len(input())
    serial(first, residual(Dense(n + 1))).init(key, (-1, 5))
    n += 1
    second = Dense(n)
    n += 1
    serial(second, residual(Dense(n))).init(key, (-1, 5))  # E[funcnn-shape]: n + 2) and (?, n + 1)


def looped(sizes: list[int]) -> None:
    """In every round another."""
    before = 3
    for n in sizes:
        serial(Dense(before), residual(Dense(n + 1))).init(key, (-1, 5))
        serial(Dense(n), residual(Dense(n + 1))).init(key, (-1, 5))  # E[funcnn-shape]: residual adds
        before = n


total = 3


def counting(n: int) -> None:
    """A function may bind it meanwhile."""
    global total
    first = Dense(total)
    alike(n)
    serial(first, residual(Dense(total + 1))).init(key, (-1, 5))
    total += n


parser = argparse.ArgumentParser()
parser.add_argument("--width", type=int)
args = parser.parse_args()
serial(Dense(args.width), Relu, residual(Dense(args.width))).init(key, (-1, 5))
serial(Dense(args.width), residual(Dense(args.width + 1))).init(key, (-1, 5))  # E[funcnn-shape]: args.width + 1
width = args.width
serial(Dense(width), residual(Dense(width - 2))).init(key, (-1, 5))  # E[funcnn-shape]: residual adds


class Settings:
    """Its sizes may change."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.m = n

    def grow(self) -> None:
        """The next network is larger."""
        first = Dense(self.m)
        self.m += 1
        serial(first, residual(Dense(self.m))).init(key, (-1, 5))

    def net(self) -> None:
        """What `__init__` binds alone stays."""
        serial(Dense(self.n), residual(Dense(self.n + 1))).init(key, (-1, 5))  # E[funcnn-shape]: residual adds
