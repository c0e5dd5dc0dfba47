"""The params behind an optimizer's steps."""

import numpy as np
from funcnn import Dense, Key, adam, serial, squared_error, value_and_grad

net = serial(Dense(1))
opt = adam(1e-3)
shape, params = net.init(Key(0), (-1, 3))
state = opt.init(params)
for i in range(4):
    loss, g = value_and_grad(squared_error, net.apply)(params, np.zeros((2, 3)), np.zeros((2, 1)))
    params, state = opt.step(g, state, params)
# wrong: net.apply(params, np.zeros((2, 4)))
net.apply(params, np.zeros((2, 3)))  # guilty
