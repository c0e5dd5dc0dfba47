"""A decorator that keeps the signature."""

import functools
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from funcnn import Array, Dense, Key, Layer, Relu, residual, serial

P = ParamSpec("P")
R = TypeVar("R")


def timed(f: Callable[P, R]) -> Callable[P, R]:
    @functools.wraps(f)
    def inner(*args: P.args, **kwargs: P.kwargs) -> R:
        start = time.perf_counter()
        out = f(*args, **kwargs)
        print(f.__name__, time.perf_counter() - start)
        return out

    return inner


@timed
def build(width: int, *, extra: int = 0) -> Layer[Array, Array]:
    return serial(Dense(width), Relu, residual(Dense(width + extra)))  # guilty


# wrong: net = build(12, extra=1)
net = build(12)
net.init(Key(0), (-1, 4))
