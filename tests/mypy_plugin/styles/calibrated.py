"""Params with statistics."""

import numpy as np
from funcnn import BatchNorm, Dense, Key, Relu, calibrate, serial

net = serial(Dense(4), BatchNorm(), Relu, Dense(1))
_, params = net.init(Key(0), (-1, 3))
x = np.zeros((8, 3), np.float32)
params = calibrate(net, params, [x])
# wrong: net.apply(params, x[:, :2])
net.apply(params, x)  # guilty
