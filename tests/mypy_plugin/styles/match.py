"""Specifications as dataclasses, told apart by `match`."""

from dataclasses import dataclass

from funcnn import Array, Dense, Key, Layer, Relu, residual, serial


@dataclass(frozen=True)
class Fc:
    units: int


@dataclass(frozen=True)
class Block:
    width: int


Spec = Fc | Block


def layer_of(spec: Spec) -> Layer[Array, Array]:
    match spec:
        case Fc(units=units):
            return Dense(units)
        case Block(width):
            return residual(serial(Dense(width), Relu))  # guilty


# wrong: specs: list[Spec] = [Fc(32), Block(16), Fc(3)]
specs: list[Spec] = [Fc(32), Block(32), Fc(3)]
serial(*[layer_of(s) for s in specs]).init(Key(0), (-1, 7))
