"""Predictions of what `train` gives."""

import numpy as np
from funcnn import Dense, Key, Relu, adam, predict, serial, squared_error, train

x, y = np.zeros((16, 4), np.float32), np.zeros((16, 2), np.float32)
net = serial(Dense(8), Relu, Dense(2))
done = train(squared_error, net, adam(1e-2), (x, y), epochs=1)
# wrong: predict(net.apply, done.params, np.zeros((2, 6), np.float32))
predict(net.apply, done.params, np.zeros((2, 4), np.float32))  # guilty
