"""A two-layer sigmoid network learns exclusive-or, by the sum of squared errors and plain gradient descent.

    python examples/xor.py            until every row is within 0.05 of its target
    python examples/xor.py --quick    the same, it takes a second

The third input is always 1. The training loop is written out, with nothing but the functions of the library: what `fit`
does, in the open.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib
import numpy as np

from funcnn import Array, Dense, Key, Params, Sigmoid, serial, sgd, sum_squared_error, value_and_grad

X = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]])
TARGET = np.array([[0.0], [1.0], [1.0], [0.0]])

net = serial(Dense(4), Sigmoid, Dense(1), Sigmoid)


def learn(rate: float = 1.0, *, seed: int = 0, within: float = 0.05, most: int = 20_000) -> tuple[Params, int]:
    """The params once all outputs are within `within` of their targets, and how many steps that took."""
    _, params = net.init(Key(seed), (-1, 3))
    optimizer = sgd(rate)
    state = optimizer.init(params)
    objective = value_and_grad(sum_squared_error, net.apply)
    for step in range(1, most + 1):
        loss, grads = objective(params, X, TARGET)
        params, state = optimizer.step(grads, state, params)
        if step % 500 == 0:
            y = net.apply(params, X)
            print(f"step {step:6}   loss {loss:.5f}   worst row off by {np.max(np.abs(y - TARGET)):.4f}")
            if np.max(np.abs(y - TARGET)) < within:
                return params, step
    raise SystemExit(f"not learnt after {most} steps; try another seed or rate")


def draw(params: Params, path: Path) -> None:
    """What the network gives between the four rows, and these."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(5, 4), layout="constrained")
    at = np.linspace(-0.2, 1.2, 80)
    a, b = np.meshgrid(at, at)
    y = net.apply(params, np.stack([a, b, np.ones_like(a)], axis=-1))[..., 0]
    figure.colorbar(axes.pcolormesh(a, b, y, cmap="coolwarm", vmin=0, vmax=1, shading="nearest"), ax=axes)
    axes.scatter(X[:, 0], X[:, 1], c=TARGET[:, 0], cmap="coolwarm", edgecolors="black", s=90)
    axes.set(xlabel="a", ylabel="b", title="a xor b")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=80)
    pyplot.close(figure)


def main(arguments: list[str] | None = None) -> Array:
    """Train and print the truth table."""
    parser = argparse.ArgumentParser(description="Learn exclusive-or.")
    parser.add_argument("--quick", action="store_true", help="the same: it takes a second")
    parser.add_argument("--rate", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="the folder for a picture; without it there is none")
    options = parser.parse_args(arguments)

    params, steps = learn(options.rate, seed=options.seed)
    y = net.apply(params, X)
    print(f"learnt in {steps} steps")
    for row, output, target in zip(X, y, TARGET, strict=True):
        print(row, f"-> {output[0]:.4f}, wanted {target[0]:.0f}")
    if options.out is not None:
        draw(params, options.out / "xor.png")
    return y


if __name__ == "__main__":
    main()
