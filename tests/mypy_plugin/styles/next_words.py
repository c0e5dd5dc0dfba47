"""Targets are the words, one further."""

import numpy as np
from funcnn import Dense, Embedding, Key, TransformerBlock, serial, softmax_cross_entropy, value_and_grad

net = serial(Embedding(64, 16), TransformerBlock(16, 4, causal=True), Dense(64))
_, params = net.init(Key(0), (-1, 8))
text = np.zeros((4, 9), np.int64)
step = value_and_grad(softmax_cross_entropy, net.apply)
# wrong: step(params, text[:, :-1], text)
step(params, text[:, :-1], text[:, 1:])  # guilty
