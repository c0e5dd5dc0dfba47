"""From one neuron to a network given by its widths.

    python examples/neuron.py            the neuron, then a network that learns to add
    python examples/neuron.py --quick    with fewer epochs

First a single sigmoid neuron, computed by the library and by hand. Then `mlp`: the number of inputs, a list of hidden
widths and the number of outputs make a network, which runs forward, backward, and learns the sum of its two inputs.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import matplotlib
import numpy as np

from funcnn import Array, Dense, Key, Layer, Params, Sigmoid, fit, mlp, serial, sgd, squared_error, vjp

INPUTS = np.array([0.5, 0.3, 0.2])
WEIGHTS = np.array([0.4, 0.7, 0.2])


def neuron() -> float:
    """The output of one sigmoid neuron: 1 / (1 + exp(-(x . w)))."""
    params = Params({"dense_0": {"w": WEIGHTS[:, None], "b": np.zeros(1)}})
    (y,) = serial(Dense(1), Sigmoid).apply(params, INPUTS)
    return float(y)


def network(hidden: list[int], outputs: int) -> Layer[Array, Array]:
    """A sigmoid network with these hidden widths."""
    return mlp((*hidden, outputs), Sigmoid)


def draw(net: Layer[Array, Array], params: Params, path: Path) -> None:
    """The sum that the network gives, beside the true one."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(5, 4), layout="constrained")
    at = np.linspace(0, 0.5, 60)
    a, b = np.meshgrid(at, at)
    off = net.apply(params, np.stack([a, b], axis=-1))[..., 0] - a - b
    figure.colorbar(axes.pcolormesh(a, b, off, cmap="coolwarm", shading="nearest"), ax=axes)
    axes.set(xlabel="a", ylabel="b", title="what the network gives, less a + b")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=80)
    pyplot.close(figure)


def main(arguments: list[str] | None = None) -> float:
    """Run the neuron and train the network; the last loss."""
    parser = argparse.ArgumentParser(description="One neuron, then a network.")
    parser.add_argument("--quick", action="store_true", help="fewer epochs")
    parser.add_argument("--out", type=Path, help="the folder for a picture; without it there is none")
    options = parser.parse_args(arguments)

    by_hand = 1 / (1 + math.exp(-(0.5 * 0.4 + 0.3 * 0.7 + 0.2 * 0.2)))
    print(f"one neuron: {neuron():.4f}, by hand {by_hand:.4f}")

    net = network([5], 1)
    _, params = net.init(Key(0), (-1, 2))
    x = Key(1).fold("x").generator().random((1000, 2)) / 2
    target = x.sum(axis=1, keepdims=True)

    y, pullback = vjp(net.apply, params, x[:4])  # forward, then backward
    dparams, dx = pullback(np.ones_like(y))
    print(f"{net}: forward gives {y.shape}, backward gives {len(dparams.paths())} gradients and {dx.shape}")

    epochs = 5 if options.quick else 50
    loss = math.inf
    data = x, target
    for state, metrics in fit(squared_error, net.apply, sgd(0.5), params, data, epochs=epochs, batch_size=20, rng=0):
        params, loss = state.params, metrics.loss
        if metrics.last_of_epoch and (metrics.epoch + 1) % (epochs // 5) == 0:
            print(f"epoch {metrics.epoch + 1:3}   loss {loss:.6f}")
    a, b = 0.3, 0.1
    (sum_,) = net.apply(params, np.array([a, b]))
    print(f"{a} + {b} = {sum_:.3f}")
    if options.out is not None:
        draw(net, params, options.out / "neuron.png")
    return loss


if __name__ == "__main__":
    main()
