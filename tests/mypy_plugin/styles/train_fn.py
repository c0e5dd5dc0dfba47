"""A training loop in a function."""

import numpy as np

from funcnn import (
    Array,
    Dense,
    Dropout,
    Key,
    Layer,
    Params,
    Relu,
    Tokens,
    adam,
    apply_updates,
    serial,
    softmax_cross_entropy,
    value_and_grad,
)


def train(net: Layer[Array, Array], x: Array, labels: Tokens, steps: int) -> Params:
    _, params = net.init(Key(0), x.shape)
    objective = value_and_grad(softmax_cross_entropy, net.apply)
    optimizer = adam(1e-3)
    state = optimizer.init(params)
    for i in range(steps):
        # wrong: loss, grads = objective(params, x, labels)
        loss, grads = objective(params, x, labels, rng=Key(1).fold(i))  # guilty
        updates, state = optimizer.update(grads, state, params)
        params = apply_updates(params, updates)
    return params


x = np.zeros((6, 5), np.float32)
train(serial(Dense(8), Relu, Dropout(0.5), Dense(3)), x, np.zeros(6, np.int64), 2)
