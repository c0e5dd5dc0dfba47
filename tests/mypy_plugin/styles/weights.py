"""A weight for every row."""

import numpy as np
from funcnn import Dense, Key, squared_error, value_and_grad

net = Dense(1)
_, params = net.init(Key(0), (-1, 3))
step = value_and_grad(squared_error, net.apply)
x, y = np.zeros((6, 3)), np.zeros((6, 1))
# wrong: step(params, x, y, weights=np.ones(5))
step(params, x, y, weights=np.ones(6))  # guilty
