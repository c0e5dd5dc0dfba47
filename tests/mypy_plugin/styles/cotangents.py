"""A pullback takes what is like the value."""

import numpy as np
from funcnn import Dense, Key, vjp

net = Dense(3)
_, params = net.init(Key(0), (-1, 4))
y, pullback = vjp(net.apply, params, np.ones((2, 4), np.float32))
# wrong: pullback(np.ones((2, 4), np.float32))
pullback(np.ones((2, 3), np.float32))  # guilty
