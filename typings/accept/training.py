"""A training loop, with every type spelled out."""

from collections.abc import Iterator

import numpy as np

from funcnn import (
    Array, Dense, Gradients, Key, Layer, Params, Relu, Shape, StepMetrics, Tokens, Trained, TrainState, Tree, adam,
    apply_updates, fit, l2, r2, serial, softmax_cross_entropy, squared_error, train, value_and_grad, vjp,
)  # fmt: skip
from funcnn.optimizers.adaptive import AdamState


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


# any data, any objective ----------------------------------------------------------------------------------------------
def drawn(epoch: int) -> Iterator[tuple[Array, Array]]:
    """The batches of an epoch."""
    yield x, y


def noisy(features: Array, key: Key) -> Array:
    """Augmentation."""
    return features + key.generator().normal(size=features.shape)


def mine(at: Params, batch: dict[str, Array], rng: Key) -> tuple[float, Gradients]:
    """An objective of one's own."""
    return value_and_grad(squared_error, net.apply).on_batch(at, (batch["x"], batch["y"]), rng)


def plainly(at: Params, rows: Array, rng: Key) -> tuple[float, dict[str, Array]]:
    """Another one, without a network."""
    return float(rows.mean()), {"w": rows.mean(axis=0)}


Steps = Iterator[tuple[TrainState[AdamState], StepMetrics]]
runs: list[Steps] = [
    fit(squared_error, net.apply, adam(1e-2), params, (x, y)),
    fit(squared_error, net.apply, adam(1e-2), params, (x, y, x[:, 0]), augment=noisy, penalties=[l2(1e-4)]),
    fit(squared_error, net.apply, adam(1e-2), params, drawn, epochs=2, augment=noisy),
    fit(squared_error, net.apply, adam(1e-2), params, [(x, y), (x, y)]),
    fit(value_and_grad(squared_error, net.apply), adam(1e-2), params, (x, y)),
    fit(value_and_grad(squared_error, net.apply).on_batch, adam(1e-2), params, drawn),
    fit(mine, adam(1e-2), params, {"x": x, "y": y}, batch_size=4),
    fit(plainly, adam(1e-2), {"w": x[0]}, x),
]
one: Trained[AdamState] = train(
    squared_error, net, adam(1e-2), (x, y), epochs=2, validation=0.25, metrics=[r2], quiet=True
)
two: Trained[AdamState] = train(
    squared_error, net, adam(1e-2), drawn, epochs=2, validation=(x, y), start=one.state, augment=noisy, quiet=True
)
best: Params = two.params
assert len(one.history["r2"]) == 2
