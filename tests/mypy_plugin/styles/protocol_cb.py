"""A function that is handed in, mapped over sizes."""

from collections.abc import Iterable
from typing import Protocol

from funcnn import Array, Dense, Key, Layer, Tanh, residual, serial


class MakesLayer(Protocol):
    def __call__(self, units: int) -> Layer[Array, Array]: ...


def stack(make: MakesLayer, units: Iterable[int]) -> Layer[Array, Array]:
    return serial(*map(make, units))


def act(units: int) -> Layer[Array, Array]:
    return Dense(units) >> Tanh


# wrong: serial(stack(act, (3, 6)), residual(stack(act, [4, 4]))).init(Key(0), (-1, 3))
serial(stack(act, (3, 6)), residual(stack(act, [4, 6]))).init(Key(0), (-1, 3))  # guilty
