"""Rows for training, by a slice that has a name."""

import numpy as np

from funcnn import Dense, Key, Relu, adam, fit, serial, softmax_cross_entropy

rng = np.random.default_rng(0)
x = rng.normal(size=(64, 10)).astype(np.float32)
y = rng.integers(0, 3, size=64)
train, test = slice(0, 48), slice(48, None)
net = serial(Dense(16), Relu, Dense(3))
_, params = net.init(Key(0), (-1, x.shape[1]))
# wrong: steps = fit(softmax_cross_entropy, net.apply, adam(1e-3), params, (x[train], y), epochs=1)
steps = fit(softmax_cross_entropy, net.apply, adam(1e-3), params, (x[train], y[train]), epochs=1)  # guilty
for state, metrics in steps:
    print(metrics.loss)
