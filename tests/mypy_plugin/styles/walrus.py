"""Assignment expressions, in a comprehension too."""

from funcnn import Dense, Key, Relu, residual, serial

if (width := 48) > 32:
    # wrong: net = serial(Dense(width), Relu, residual(Dense(width // 2)))
    net = serial(Dense(width), Relu, residual(Dense(width)))  # guilty
    net.init(Key(0), (-1, 9))
layers = [Dense(w := w_) for w_ in (8, 16, 32)]
# wrong: serial(*layers, residual(Dense(w + 1))).init(Key(0), (-1, 9))
serial(*layers, residual(Dense(w))).init(Key(0), (-1, 9))  # guilty
