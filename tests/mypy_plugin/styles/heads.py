"""Two heads and their targets, in one order."""

import numpy as np
from funcnn import (
    Dense,
    FanOut,
    Key,
    Relu,
    joint,
    parallel,
    serial,
    softmax_cross_entropy,
    squared_error,
    value_and_grad,
)

net = serial(Dense(8), Relu, FanOut(2), parallel(Dense(3), Dense(1)))
_, params = net.init(Key(0), (-1, 4))
step = value_and_grad(joint(softmax_cross_entropy, squared_error), net.apply)
x, y, v = np.zeros((5, 4), np.float32), np.zeros(5, np.int64), np.zeros((5, 1), np.float32)
# wrong: step(params, x, (v, y))
step(params, x, (y, v))  # guilty
