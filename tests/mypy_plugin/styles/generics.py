"""A generic dataclass around a network."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from funcnn import Dense, Key, Layer, Relu, residual, serial

X = TypeVar("X")
Y = TypeVar("Y")


@dataclass(frozen=True)
class Stage(Generic[X, Y]):
    net: Layer[X, Y]
    name: str = "stage"

    def then(self, other: Layer[Y, Y]) -> "Stage[X, Y]":
        return Stage(serial(self.net, other), self.name)


# wrong: stage = Stage(Dense(8)).then(Relu).then(residual(Dense(9)))
stage = Stage(Dense(8)).then(Relu).then(residual(Dense(8)))  # guilty
stage.net.init(Key(0), (-1, 3))
