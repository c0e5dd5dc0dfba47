"""Words that are drawn, in a loop."""

import numpy as np
from funcnn import Dense, Embedding, GRU, Key, decoder, sample, serial

net = serial(Embedding(30, 8), GRU(8), Dense(30))
_, params = net.init(Key(0), (1, 5))
step = decoder(net)
logits, memory = step(params, np.array([[1, 2, 3]]))
for i in range(3):
    token = sample(logits[:, -1], Key(1).fold(i))
    # wrong: logits, memory = step(params, token[:, None].astype(np.float32), memory)
    logits, memory = step(params, token[:, None], memory)  # guilty
