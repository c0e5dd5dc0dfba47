"""Arrays that NumPy makes of arrays: slices, masks, arithmetic, reshaping; numbers that nobody knows decide nothing."""

from collections.abc import Iterator

import numpy as np

from funcnn import Array, Conv, Dense, Flatten, Key, Relu, serial, softmax_cross_entropy, squared_error, value_and_grad

key = Key(0)
net = serial(Dense(8), Relu, Dense(1))
_, params = net.init(key, (-1, 4))
rng = np.random.default_rng(0)
x = rng.normal(size=(100, 4)).astype(np.float32)
x = (x - x.mean(axis=0)) / x.std(axis=0)
net.apply(params, x[:10])
net.apply(params, x[:, :3])  # E[funcnn-shape]: takes params for arrays of shape (100, 3)
net.apply(params, x[rng.permutation(100)[:5]])
net.apply(params, x[x[:, 0] > 0])
net.apply(params, x.reshape(len(x), -1))
net.apply(params, x.reshape(-1, 8))  # E[funcnn-shape]: takes params for arrays of shape (50, 8)
net.apply(params, x.T)  # E[funcnn-shape]: takes params for arrays of shape (4, 100)
net.apply(params, np.concatenate([x, x]))
net.apply(params, np.concatenate([x, x], axis=1))  # E[funcnn-shape]: takes params for arrays of shape (100, 8)

step = value_and_grad(squared_error, net.apply)
y = x @ np.array([[1.0], [2.0], [3.0], [4.0]]) + 0.1  # E[funcnn-shape]: squared_error takes a target of
flat = y[:, 0]
step(params, x, y)
step(params, x, flat)


def batches(a: Array, b: Array, size: int) -> Iterator[tuple[Array, Array]]:
    for i in range(0, len(a), size):
        yield a[i : i + size], b[i : i + size]


for xs, ys in batches(x, y, 25):
    step(params, xs, ys)
for xs, ys in batches(np.hstack((x, x)), y, 25):
    step(params, xs, ys)  # E[funcnn-shape]: takes params for arrays of shape (25, 8)

images = rng.integers(0, 256, (20, 8, 8)) / 255.0
convs = serial(Conv(2, (3, 3)), Relu, Flatten, Dense(3))
_, conv_params = convs.init(key, (-1, 8, 8, 1))
convs.apply(conv_params, images[..., None])
convs.apply(conv_params, images)  # E[funcnn-shape]: Conv takes (batch, height, width, channels), got (20, 8, 8)

classify = value_and_grad(softmax_cross_entropy, convs.apply)
labels = np.arange(20) % 3
classify(conv_params, images[..., None], labels)
classify(conv_params, images[..., None], np.eye(3)[labels])
classify(conv_params, images[..., None], np.full((20, 3), 1 / 3))

x.shape = (50, 8)  # what it was is known no more
net.apply(params, x)
