"""A loop that halves a size."""

from funcnn import Array, Dense, Key, Layer, Relu, residual, serial

layers: list[Layer[Array, Array]] = []
n = 64
while n > 4:
    layers += [Dense(n), Relu]
    n //= 2
# wrong: serial(*layers, residual(Dense(4))).init(Key(0), (-1, 3))
serial(*layers, residual(Dense(8))).init(Key(0), (-1, 3))  # guilty
