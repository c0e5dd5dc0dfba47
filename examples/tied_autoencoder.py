"""Autoencoders with tied weights on handwritten digits, beside principal components.

    python examples/tied_autoencoder.py            a minute
    python examples/tied_autoencoder.py --quick    a few seconds

The decoder has the weights of the encoder, transposed: half as many to learn. A linear one finds the plane of the
principal components; one with hidden layers explains more with as few numbers for a scan: with eight of them, 34.3 % of
the variance is lost by components and by the linear one alike, 23.1 % by the deep one.

Source: Baldi & Hornik, Neural Networks and Principal Component Analysis (1989); Vincent, Larochelle, Bengio & Manzagol,
Extracting and Composing Robust Features with Denoising Autoencoders (2008), section 2.2, for tied weights.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from sklearn.datasets import load_digits

from funcnn import (
    Array, Dense, Key, Layer, Tanh, adam, cosine_decay, count, fit, predict, serial, squared_error, tie, transposed,
)  # fmt: skip

CODE = 8

linear = tie(
    serial(Dense(CODE).named("encoder"), Dense(64).named("decoder")), {"decoder/w": transposed("encoder/w")}
)
untied = serial(
    Dense(128).named("encoder_0"), Tanh, Dense(CODE).named("encoder_1"),
    Dense(128).named("decoder_1"), Tanh, Dense(64).named("decoder_0"),
)  # fmt: skip
deep = tie(untied, {"decoder_1/w": transposed("encoder_1/w"), "decoder_0/w": transposed("encoder_0/w")})


def load(key: Key, *, test: int = 360) -> tuple[Array, Array]:
    """The 1797 scans of scikit-learn less their mean, shuffled by the key, in two parts: training and test."""
    scans = load_digits(return_X_y=True)[0]
    x = (scans[key.generator().permutation(len(scans))] / 16).astype(np.float32)
    return x[test:] - x[test:].mean(0), x[:test] - x[test:].mean(0)


def unexplained(x: Array, again: Array) -> float:
    """The share of the scans' variance that is lost on the way."""
    return float(((x - again) ** 2).sum() / (x**2).sum())


def learn(net: Layer[Array, Array], train: Array, test: Array, *, epochs: int, seed: int, rate: float) -> Array:
    """Train on the scans as their own targets; what comes back of the test scans."""
    _, params = net.init(Key(seed), (-1, 64))
    steps = epochs * -(-len(train) // 64)
    optimizer = adam(cosine_decay(rate, steps))
    for state, _ in fit(squared_error, net.apply, optimizer, params, (train, train), epochs=epochs, batch_size=64):
        params = state.params
    return predict(net.apply, params, test)


def components(train: Array, test: Array) -> Array:
    """What the best plane of as many dimensions keeps, which needs no training."""
    axes = np.linalg.svd(train, full_matrices=False)[2][:CODE]
    kept: Array = test @ axes.T @ axes
    return kept


def draw(scans: dict[str, Array], path: Path) -> None:
    """The first scans, and what comes back of them."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(len(scans), 1, figsize=(6, 4), layout="constrained")
    for axis, (name, x) in zip(axes, scans.items(), strict=True):
        axis.imshow(np.hstack(list(x[:12].reshape(-1, 8, 8))), cmap="gray_r")
        axis.set(xticks=[], yticks=[], title=name)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=80)
    pyplot.close(figure)


def main(arguments: list[str] | None = None) -> dict[str, float]:
    """Train both, and report what is lost."""
    parser: Any = argparse.ArgumentParser(description="Autoencoders with tied weights.")
    parser.add_argument("--quick", action="store_true", help="few epochs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="the folder for a picture; without it there is none")
    options = parser.parse_args(arguments)
    train, test = load(Key(options.seed))
    epochs = 80 if options.quick else 200
    tied, apart = (count(net.init(0, (-1, 64))[1]) for net in (deep, untied))
    print(f"{CODE} numbers for a scan; the deep network has {tied} params, untied it would have {apart}\n")
    again = {
        "principal components": components(train, test),
        "linear, tied": learn(linear, train, test, epochs=epochs, seed=options.seed, rate=1e-2),
        "deep, tied": learn(deep, train, test, epochs=epochs, seed=options.seed, rate=3e-3),
    }
    lost = {name: unexplained(test, found) for name, found in again.items()}
    for name, share in lost.items():
        print(f"{name:22} {share:6.1%} of the variance is lost")
    if options.out is not None:
        draw({"scans": test, **again}, options.out / "tied_autoencoder.png")
    return lost


if __name__ == "__main__":
    main()
