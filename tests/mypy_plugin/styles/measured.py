"""A metric takes predictions first."""

import numpy as np
from funcnn import Dense, Key, accuracy

net = Dense(3)
_, params = net.init(Key(0), (-1, 7))
labels = np.zeros(20, dtype=int)
logits = net.apply(params, np.zeros((20, 7), np.float32))
# wrong: accuracy(labels, logits)
accuracy(logits, labels)  # guilty
