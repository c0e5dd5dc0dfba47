"""Arrays, params, losses and loops, where a network is known."""

import numpy as np

from funcnn import (
    Array, Conv, Dense, Dropout, Embedding, FanOut, Flatten, Key, Layer, Relu, accuracy, adam, evaluate, fit, joint,
    parallel, predict, residual, serial, softmax_cross_entropy, squared_error, value_and_grad, vjp,
)  # fmt: skip

key = Key(0)
net = serial(Dense(8), Relu, Dense(3))
_, params = net.init(key, (-1, 5))
x = np.zeros((4, 5), np.float32)
wide = np.zeros((4, 6), np.float32)
labels = np.zeros(4, np.int64)

net.apply(params, x)
net.apply(params, wide)  # E[funcnn-shape]: takes params for arrays of shape (4, 6), got those of init on (?, 5)
vjp(net.apply, params, np.zeros((4, 7), np.float32))  # E[funcnn-shape]: takes params for arrays of shape (4, 7)
predict(net.apply, params, np.zeros((4, 8), np.float32))  # E[funcnn-shape]: takes params for arrays of shape (4, 8)
evaluate(net.apply, params, (np.zeros((4, 9), np.float32), labels), accuracy)  # E[funcnn-shape]: shape (4, 9)

larger = serial(Dense(16), Relu, Dense(3))
larger.apply(params, x)  # E[funcnn-shape]: these are params of another network: 'dense_0/w' has shape (5, 8)

step = value_and_grad(softmax_cross_entropy, net.apply)
step(params, x, labels)
step(params, x, np.eye(3)[labels])
floats = np.array([0.0, 1.0, 2.0, 1.0])  # E[funcnn-shape]: labels have dtype
step(params, x, floats)

noisy = serial(Dense(8), Dropout(0.5), Dense(3))
_, noisy_params = noisy.init(key, (-1, 5))
noisy_step = value_and_grad(softmax_cross_entropy, noisy.apply)
noisy_step(noisy_params, x, labels)  # E[funcnn-shape]: takes a key in training
noisy_step(noisy_params, x, labels, rng=key)
noisy_step(noisy_params, x, labels, rng=None)

images = np.random.default_rng(0).standard_normal((4, 8, 8, 1))
flat = serial(Conv(2, (3, 3)), Relu, Dense(10))  # E[funcnn-shape]: softmax_cross_entropy got logits (4, 6, 6, 10)
_, flat_params = flat.init(key, (-1, 8, 8, 1))
value_and_grad(softmax_cross_entropy, flat.apply)(flat_params, images, labels)

heads = serial(Dense(8), FanOut(2), parallel(Dense(1), Dense(3)))
_, head_params = heads.init(key, (-1, 5))
both = value_and_grad(joint(squared_error, softmax_cross_entropy), heads.apply)
both(head_params, x, (np.zeros((4, 1)), labels))
swapped = serial(Dense(8), FanOut(2), parallel(Dense(3), Dense(1)))  # E[funcnn-shape]: squared_error takes a target
_, swapped_params = swapped.init(key, (-1, 5))
value_and_grad(joint(squared_error, softmax_cross_entropy), swapped.apply)(swapped_params, x, (np.zeros((4, 1)), labels))

generator = serial(Dense(8), Dense(6))
critic = serial(Dense(4), Dense(1))
_, g = generator.init(key, (-1, 5))
_, c = critic.init(key, (-1, 7))  # E[funcnn-shape]: takes params for arrays of shape (4, 6), got those of init on (?, 7)
critic.apply(c, generator.apply(g, x))

batch = np.zeros((4, 8, 8))  # E[funcnn-shape]: Conv takes (batch, height, width, channels), got (4, 8, 8)
convs = serial(Conv(2, (3, 3)), Flatten)
convs.init(key, batch.shape)
singles = np.zeros((8, 8, 1), np.float32)  # E[funcnn-shape]: Conv takes (batch, height, width, channels), got (8, 8, 1)
convs.init(key, singles.shape)

words = serial(Embedding(10, 4), Flatten, Dense(3))
_, word_params = words.init(key, (-1, 5))
words.apply(word_params, np.zeros((4, 5), np.int64))
words.apply(word_params, np.zeros((4, 6), np.int64))  # E[funcnn-shape]: takes params for arrays of shape (4, 6)
words.apply(word_params, np.array([[1, 2, 3, 4, 5]]))

for state, metrics in fit(softmax_cross_entropy, net.apply, adam(1e-3), params, (x, labels), epochs=2):
    print(metrics.loss)
for state, metrics in fit(softmax_cross_entropy, net.apply, adam(1e-3), params, (np.zeros((4, 10), np.float32), labels)):  # E[funcnn-shape]: got
    print(metrics.loss)
net.apply(params, np.zeros((4, 5), np.uint8))
net.apply(params, np.zeros((4, 11), np.uint8))  # E[funcnn-shape]: takes params for arrays of shape (4, 11)
regression = value_and_grad(squared_error, net.apply)
regression(params, x, np.zeros((4, 3), np.int64))
regression(params, x > 0, np.zeros((4, 3), np.bool_))
squared_error(np.zeros((4, 3)), np.zeros((4, 2)))  # E[funcnn-shape]: squared_error takes a target of the shape
broken = serial(Dense(8), residual(Dense(3)))  # E[funcnn-shape]: got (?, 3) and (?, 8)
_, broken_params = broken.init(key, (-1, 5))
broken_step = value_and_grad(squared_error, broken.apply)
for _ in range(2):  # told once, at the network, and not again at each step
    loss, grads = broken_step(broken_params, x, np.zeros((4, 3), np.float32))
    broken_params, _ = adam(1e-3).step(grads, adam(1e-3).init(broken_params), broken_params)
asked = (Dense(n) for n in (3, 4))
kept = list(asked)
if len(x) > 3:
    kept.clear()
serial(*asked, residual(Dense(3))).init(key, (-1, 5))


def unknown(data: Array, other: Layer[Array, Array]) -> None:
    """Nothing is said of what is not known."""
    net.apply(params, data)
    other.apply(params, x)
    step(params, data, labels)
    _, mine = other.init(key, (-1, 5))
    net.apply(mine, x)
