"""Cells of a notebook, in which names are bound again."""

# %%
import numpy as np

from funcnn import Conv, Dense, Flatten, Key, MaxPool, Relu, serial

# %%
net = serial(Dense(10), Relu)
_, params = net.init(Key(0), (-1, 4))
# %%
# wrong: x = np.zeros((5, 3), np.float32)
x = np.zeros((5, 4), np.float32)
y = net.apply(params, x)  # guilty
# %%
net = serial(Conv(4, (3, 3)), Relu, MaxPool((2, 2)), Flatten, Dense(3))
shape, params = net.init(Key(1), (-1, 28, 28, 1))
# %%
images = np.zeros((2, 28, 28, 1), np.float32)
net.apply(params, images)
