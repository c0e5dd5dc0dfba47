"""Layers collected in a context."""

from collections.abc import Iterator
from contextlib import contextmanager

from funcnn import Array, Dense, Key, Layer, Relu, residual, serial


class Scope:
    def __init__(self) -> None:
        self.layers: list[Layer[Array, Array]] = []

    def __enter__(self) -> "Scope":
        return self

    def __exit__(self, *exc: object) -> None:
        return None

    def add(self, layer: Layer[Array, Array]) -> None:
        self.layers.append(layer)


@contextmanager
def scope(width: int) -> Iterator[Layer[Array, Array]]:
    yield serial(Dense(width), Relu)


with Scope() as s:
    s.add(Dense(5))
    # wrong: s.add(residual(Dense(6)))
    s.add(residual(Dense(5)))  # guilty
    serial(*s.layers).init(Key(0), (-1, 3))
with scope(7) as body:
    # wrong: serial(body, residual(Dense(8))).init(Key(0), (-1, 3))
    serial(body, residual(Dense(7))).init(Key(0), (-1, 3))  # guilty
