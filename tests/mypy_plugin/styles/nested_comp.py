"""Comprehensions in comprehensions."""

from funcnn import Dense, Key, residual, serial

table = [[Dense(n * m) for m in (1, 2)] for n in (3, 4)]
flat = [layer for row in table for layer in row]
# wrong: serial(*flat, residual(Dense(7))).init(Key(0), (-1, 2))
serial(*flat, residual(Dense(8))).init(Key(0), (-1, 2))  # guilty
named = {f"{n}x{m}": serial(Dense(n), residual(Dense(m))) for n in (3, 4) for m in (3, 4) if n == m}
named["3x3"].init(Key(0), (-1, 2))
# wrong: serial(named["4x4"], residual(Dense(3))).init(Key(0), (-1, 2))
serial(named["4x4"], residual(Dense(4))).init(Key(0), (-1, 2))  # guilty
