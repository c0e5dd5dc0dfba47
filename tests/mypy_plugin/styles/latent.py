"""An encoder that gives two arrays."""

import numpy as np
from funcnn import Array, Dense, Flatten, Key, Relu, Reshape, Sigmoid, serial, split

latent = 4
encoder = serial(Flatten, Dense(32), Relu, Dense(2 * latent), split(2))
decoder_ = serial(Dense(32), Relu, Dense(64), Sigmoid, Reshape((8, 8, 1)))
_, ep = encoder.init(Key(0), (-1, 8, 8, 1))
_, dp = decoder_.init(Key(1), (-1, latent))
mean, logvar = encoder.apply(ep, np.zeros((3, 8, 8, 1), np.float32))
z = mean + np.exp(0.5 * logvar)
# wrong: decoder_.apply(dp, np.concatenate([mean, logvar], -1))
decoder_.apply(dp, z)  # guilty
