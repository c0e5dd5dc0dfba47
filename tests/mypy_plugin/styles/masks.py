"""A mask beside the words."""

import numpy as np
from funcnn import Embedding, Key, MeanOver, TransformerBlock, Dense, first, serial

net = serial(first(Embedding(10, 8)), TransformerBlock(8, 2, masked=True), MeanOver(1, masked=True), Dense(3))
tokens = np.array([[5, 2, 9, 4], [7, 1, 0, 0]])
mask = tokens > 0
_, params = net.init(Key(0), (tokens.shape, mask.shape))
# wrong: net.apply(params, (tokens, mask[:, :3]))
net.apply(params, (tokens, mask))  # guilty
