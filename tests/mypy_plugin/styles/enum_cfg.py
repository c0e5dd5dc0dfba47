"""Enumerations as a configuration."""

from enum import Enum

from funcnn import Array, Dense, Key, Layer, Relu, Tanh, residual, serial


class Size(Enum):
    SMALL = 8
    LARGE = 64


class Act(Enum):
    RELU = "relu"
    TANH = "tanh"


ACTS: dict[Act, Layer[Array, Array]] = {Act.RELU: Relu, Act.TANH: Tanh}


def make(size: Size, act: Act) -> Layer[Array, Array]:
    n: int = size.value
    # wrong: return serial(Dense(n), ACTS[act], residual(Dense(Size.SMALL.value)))
    return serial(Dense(n), ACTS[act], residual(Dense(n)))  # guilty


for s in Size:
    for a in Act:
        make(s, a).init(Key(0), (-1, 3))
