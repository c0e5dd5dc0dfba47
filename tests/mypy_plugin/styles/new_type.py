"""A width with a type of its own."""

from typing import NewType
from funcnn import Array, Dense, Key, Layer, residual, serial

Width = NewType("Width", int)
HIDDEN = Width(32)


def tower(w: Width) -> Layer[Array, Array]:
    # wrong: return serial(Dense(w), residual(Dense(w * 2)))
    return serial(Dense(w), residual(Dense(w)))  # guilty


tower(HIDDEN).init(Key(0), (-1, 5))
