"""A training loop, with every type spelled out."""

import numpy as np

from funcnn import (
    Array, Dense, Gradients, Key, Layer, Params, Relu, Shape, Tokens, Tree, adam, apply_updates, l2, serial,
    softmax_cross_entropy, squared_error, value_and_grad, vjp,
)  # fmt: skip


def trained(net: Layer[Array, Array], x: Array, labels: Tokens) -> Params:
    """The params after a few steps."""
    shape: Shape
    params: Params
    shape, params = net.init(Key(0), (-1, x.shape[1]))
    assert shape == (-1, 2)
    optimizer = adam(1e-2)
    state = optimizer.init(params)
    step = value_and_grad(softmax_cross_entropy, net.apply, l2(1e-4))
    for _ in range(3):
        loss: float
        grads: Gradients
        loss, grads = step(params, x, labels)
        updates, state = optimizer.update(grads, state, params)
        params = apply_updates(params, updates)
        assert loss > 0
    return params


def descended(params: Tree, direction: Tree) -> dict[str, Array]:
    """Trees are mappings: what a user writes needs no class of ours."""
    w, d = params["w"], direction["w"]
    assert isinstance(w, np.ndarray) and isinstance(d, np.ndarray)
    return {"w": w - 0.1 * d}


x = np.random.default_rng(0).normal(size=(8, 3))
net = serial(Dense(4), Relu, Dense(2))
params = trained(net, x, (x[:, 0] > 0).astype(np.int64))
y, pullback = vjp(net.apply, params, x)
dparams, dx = pullback(np.ones_like(y))
assert dx.shape == x.shape
assert dparams.paths() == params.paths()
descended(params.sub("dense_0"), dparams.sub("dense_0"))
assert squared_error(y, y) == 0.0
