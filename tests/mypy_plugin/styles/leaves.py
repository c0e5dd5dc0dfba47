"""A leaf of the params is set."""

import numpy as np
from funcnn import Dense, Key, Relu, serial

net = serial(Dense(4), Relu, Dense(2))
_, params = net.init(Key(0), (-1, 3))
# wrong: params.set("dense_0/w", np.zeros((4, 3), np.float32))
params.set("dense_0/w", np.zeros((3, 4), np.float32))  # guilty
