"""A function with overloads."""

from typing import overload

from funcnn import Array, Dense, Key, Layer, residual, serial


@overload
def head(n: int) -> Layer[Array, Array]: ...
@overload
def head(n: int, m: int) -> tuple[Layer[Array, Array], Layer[Array, Array]]: ...
def head(n: int, m: int | None = None) -> Layer[Array, Array] | tuple[Layer[Array, Array], Layer[Array, Array]]:
    if m is None:
        return Dense(n)
    return Dense(n), Dense(m)


# wrong: serial(Dense(4), residual(head(5))).init(Key(0), (-1, 2))
serial(Dense(4), residual(head(4))).init(Key(0), (-1, 2))  # guilty
a, b = head(4, 6)
# wrong: serial(a, residual(a), b, residual(a)).init(Key(0), (-1, 2))
serial(a, residual(a), b, residual(b)).init(Key(0), (-1, 2))  # guilty
