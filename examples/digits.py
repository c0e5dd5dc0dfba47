"""The main job: learn to read handwritten digits, from real scans, with a small convolutional network.

    python examples/digits.py            20 epochs, less than a minute on two cores
    python examples/digits.py --quick    a few seconds, on a part of the data

Prints a summary of the network and a progress line, saves a picture of the learning curve and the trained params.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from sklearn.datasets import load_digits

from funcnn import (
    Array,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    Key,
    MaxPool,
    Params,
    Relu,
    Tokens,
    accuracy,
    adam,
    calibrate,
    cosine_decay,
    evaluate,
    fit,
    progress,
    save_params,
    serial,
    softmax_cross_entropy,
    summary,
)

net = serial(
    Conv(32, (3, 3), padding="SAME"), BatchNorm(), Relu, MaxPool((2, 2), (2, 2)),
    Conv(64, (3, 3), padding="SAME"), BatchNorm(), Relu, MaxPool((2, 2), (2, 2)),
    Flatten, Dropout(0.5), Dense(64), Relu, Dense(10),
)  # fmt: skip


class Split(NamedTuple):
    """Scans (n, 8, 8, 1) in [0, 1], and the digits they show."""

    x: Array
    labels: Tokens


def load(key: Key, *, test: int = 360) -> tuple[Split, Split]:
    """The 1797 scans of scikit-learn, shuffled by the key, in two parts: training and test."""
    scans, labels = load_digits(return_X_y=True)
    order = key.generator().permutation(len(scans))
    x = (scans[order].reshape(-1, 8, 8, 1) / 16).astype(np.float32)
    return Split(x[test:], labels[order][test:]), Split(x[:test], labels[order][:test])


class Result(NamedTuple):
    """What training gave."""

    params: Params
    losses: list[float]
    accuracies: list[float]


def learn(train: Split, test: Split, *, epochs: int, seed: int = 0, batch_size: int = 64) -> Result:
    """Train, and measure the test accuracy after every epoch."""
    key = Key(seed)
    _, params = net.init(key, train.x[:1].shape)
    steps = epochs * -(-len(train.x) // batch_size)
    optimizer = adam(cosine_decay(3e-3, steps))
    losses: list[float] = []
    accuracies: list[float] = []
    run = fit(softmax_cross_entropy, net.apply, optimizer, params, train, epochs=epochs, batch_size=batch_size, rng=key)
    for state, metrics in progress(run, total=steps):
        losses.append(metrics.loss)
        if metrics.last_of_epoch:
            params = calibrate(net, state.params, [train.x])
            accuracies.append(evaluate(net.apply, params, test, accuracy)["accuracy"])
    return Result(params, losses, accuracies)


def draw(result: Result, path: Path) -> None:
    """The learning curve as a picture: the loss of every step, the test accuracy of every epoch."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, left = pyplot.subplots(figsize=(7, 4), layout="constrained")
    left.semilogy(result.losses, color="tab:blue", alpha=0.6)
    left.set_xlabel("step")
    left.set_ylabel("training loss", color="tab:blue")
    right = left.twinx()
    steps = len(result.losses) / len(result.accuracies)
    right.plot([steps * (i + 1) for i in range(len(result.accuracies))], result.accuracies, "o-", color="tab:orange")
    right.set_ylabel("test accuracy", color="tab:orange")
    right.set_title(f"digits: test accuracy {result.accuracies[-1]:.1%}")
    figure.savefig(path, dpi=80)
    pyplot.close(figure)


def main(arguments: list[str] | None = None) -> float:
    """Train, report, save; the test accuracy."""
    parser: Any = argparse.ArgumentParser(description="Learn to read handwritten digits.")
    parser.add_argument("--quick", action="store_true", help="a few epochs on a part of the data")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path(), help="the folder for the picture and the params")
    options = parser.parse_args(arguments)

    train, test = load(Key(options.seed))
    if options.quick:
        train, options.epochs = Split(train.x[:512], train.labels[:512]), 8
    print(f"{len(train.x)} training scans, {len(test.x)} test scans\n")
    print(summary(net, (-1, 8, 8, 1)), end="\n\n")

    started = time.perf_counter()
    result = learn(train, test, epochs=options.epochs, seed=options.seed)
    seconds = time.perf_counter() - started

    options.out.mkdir(parents=True, exist_ok=True)
    draw(result, options.out / "digits.png")
    save_params(options.out / "digits.npz", result.params)
    print(f"test accuracy {result.accuracies[-1]:.2%} after {options.epochs} epochs in {seconds:.1f} s")
    print(f"learning curve: {options.out / 'digits.png'}, params: {options.out / 'digits.npz'}")
    return result.accuracies[-1]


if __name__ == "__main__":
    main()
