"""Sizes as variables of classes."""

from typing import ClassVar

from funcnn import Array, Dense, Key, Layer, Relu, residual, serial


class Net:
    WIDTHS: ClassVar[tuple[int, ...]] = (8, 4)
    DEPTH: ClassVar = 2

    @classmethod
    def build(cls, *, skip: bool = True) -> Layer[Array, Array]:
        parts = [serial(Dense(w), Relu) for w in cls.WIDTHS for _ in range(cls.DEPTH)]
        if skip:
            parts.append(residual(Dense(cls.WIDTHS[-1])))
        return serial(*parts)


class Wide(Net):
    WIDTHS = (16,)


Net.build().init(Key(0), (-1, 2))
# wrong: serial(Wide.build(), residual(Dense(4))).init(Key(0), (-1, 2))
serial(Wide.build(), residual(Dense(16))).init(Key(0), (-1, 2))  # guilty
