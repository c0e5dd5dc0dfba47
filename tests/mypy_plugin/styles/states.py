"""A recurrent layer with its state beside the sequence."""

import numpy as np
from funcnn import GRU, Key

rnn = GRU(8, state=True)
x = np.zeros((4, 6, 3), np.float32)
_, params = rnn.init(Key(0), ((4, 6, 3), (4, 8)))
# wrong: rnn.apply(params, (x, np.zeros((4, 9), np.float32)))
rnn.apply(params, (x, np.zeros((4, 8), np.float32)))  # guilty
