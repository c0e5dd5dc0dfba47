"""One word after another."""

import numpy as np
from funcnn import Dense, Embedding, Key, TransformerBlock, decoder, serial

net = serial(Embedding(50, 16), TransformerBlock(16, 2, causal=True), Dense(50))
_, params = net.init(Key(0), (1, 8))
step = decoder(net)
# wrong: step(params, np.array([[0.5, 1.0]]))
step(params, np.array([[1, 2]]))  # guilty
