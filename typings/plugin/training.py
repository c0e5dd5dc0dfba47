"""Objectives, loops and `train`: the data that they are given, and who is to blame for it."""

import numpy as np

from funcnn import (
    Conv, Dense, Dropout, Flatten, Key, Params, Relu, adam, fit, predict, serial, softmax_cross_entropy, squared_error,
    train, value_and_grad,
)  # fmt: skip

key = Key(0)
net = serial(Dense(8), Relu, Dropout(0.5), Dense(3))
_, params = net.init(key, (-1, 5))
x, wide, labels = np.zeros((64, 5), np.float32), np.zeros((64, 6), np.float32), np.zeros(64, np.int64)
wider, widest = np.zeros((64, 7), np.float32), np.zeros((64, 8), np.float32)
floats = np.zeros(64, np.float32)  # E[funcnn-shape]: labels have dtype
column = np.zeros((64, 1), np.int64)  # E[funcnn-shape]: softmax_cross_entropy: labels have shape (64, 1)

objective = value_and_grad(softmax_cross_entropy, net.apply)
for _, metrics in fit(objective, adam(1e-3), params, (x, labels)):
    print(metrics.loss)
fit(objective, adam(1e-3), params, (wide, labels))  # E[funcnn-shape]: takes params for arrays of shape (64, 6)
fit(objective, adam(1e-3), params, (x, floats))
fit(softmax_cross_entropy, net.apply, adam(1e-3), params, (x, column))

trained = train(softmax_cross_entropy, net, adam(1e-3), (x, labels), epochs=2, validation=(x, labels), rng=key)
predict(net.apply, trained.params, x)
predict(net.apply, trained.params, wide)  # E[funcnn-shape]: takes params for arrays of shape (64, 6)
train(softmax_cross_entropy, net, adam(1e-3), (x, labels), epochs=2, validation=0.1)
train(softmax_cross_entropy, net, adam(1e-3), (x, labels), epochs=2, validation=(wider, labels))  # E[funcnn-shape]: takes
train(softmax_cross_entropy, net, adam(1e-3), (widest, labels), epochs=2, start=params)  # E[funcnn-shape]: takes params

images = np.zeros((64, 8, 8, 1), np.float32)
flat = np.zeros((64, 8, 8), np.float32)  # E[funcnn-shape]: Conv takes
good = serial(Conv(4, (3, 3)), Relu, Flatten, Dense(3))
bad = serial(Flatten, Conv(4, (3, 3)), Relu, Dense(3))  # E[funcnn-shape]: Conv takes
headless = serial(Conv(4, (3, 3)), Relu, Dense(3))  # E[funcnn-shape]: softmax_cross_entropy got logits
train(softmax_cross_entropy, good, adam(1e-3), (images, labels), epochs=1)
train(softmax_cross_entropy, good, adam(1e-3), (flat, labels), epochs=1)
train(softmax_cross_entropy, bad, adam(1e-3), (images, labels), epochs=1)
train(softmax_cross_entropy, headless, adam(1e-3), (images, labels), epochs=1)

values = np.zeros(64, np.float32)  # E[funcnn-shape]: squared_error takes a target of the shape of the prediction
train(squared_error, Dense(1), adam(1e-3), (x, values), epochs=1)
train(squared_error, Dense(1), adam(1e-3), (x, values[:, None]), epochs=1)


def unknown(data: tuple[np.ndarray[tuple[int, ...], np.dtype[np.float32]], np.ndarray[tuple[int], np.dtype[np.int64]]],
            start: Params) -> None:  # fmt: skip
    """Nothing is said of what is not known."""
    train(softmax_cross_entropy, net, adam(1e-3), data, epochs=1)
    fit(objective, adam(1e-3), params, data)
    fit(objective, adam(1e-3), start, (x, labels))
