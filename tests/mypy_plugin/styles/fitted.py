"""The params of the last state of a loop."""

import numpy as np
from funcnn import Dense, Key, Relu, adam, fit, serial, squared_error

net = serial(Dense(8), Relu, Dense(1))
_, params = net.init(Key(0), (-1, 3))
x, y = np.zeros((8, 3), np.float32), np.zeros((8, 1), np.float32)
for state, metrics in fit(squared_error, net.apply, adam(1e-3), params, (x, y), epochs=2):
    if metrics.step % 2 == 0:
        net.apply(state.params, x)
# wrong: net.apply(state.params, x[:, :2])
net.apply(state.params, x[:, : 1 + 2])  # guilty
