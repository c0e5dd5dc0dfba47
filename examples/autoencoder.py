"""A variational autoencoder on handwritten digits: it learns to write digits of its own.

    python examples/autoencoder.py            100 epochs, half a minute
    python examples/autoencoder.py --quick    a few seconds

Every scan is 64 numbers. The encoder says where in a plane of few dimensions a scan lies, and how surely; the decoder
says from such a place how dark each pixel is. Prints what a scan costs, in nats, before and after, and saves a picture:
scans, what becomes of them, and what the decoder makes of places drawn at random. An unseen scan costs 24.4 nats, and
27.2 whoever knows the mean of each pixel alone.

Source: Kingma & Welling, Auto-Encoding Variational Bayes (2014), section 3 and appendices B and C.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import matplotlib
import numpy as np
from sklearn.datasets import load_digits

from funcnn import (
    Array, Dense, FanOut, Key, Layer, Params, Pullback, Shape, ShapeError, Sigmoid, Silu, Tree, adam, cosine_decay, fit,
    gaussian_kl, joint, layer, parallel, predict, progress, serial, sigmoid_binary_cross_entropy, split,
)  # fmt: skip
from funcnn.authoring import axes, branches, display, same

LATENT = 8
Pair: TypeAlias = tuple[Array, Array]


@layer
def Sampled() -> Layer[Pair, Array]:
    """A draw from a normal distribution, of which the mean and the logarithm of the variance come: `z = m + e^(v/2) e`.

    Shapes
        x   ((..., n), (..., n))    mean, log-variance
        y   (..., n)                in inference the mean
    Pullback, with the noise that was drawn
        dm = dz      dv = dz (z - m) / 2
    """

    def out_shape(shape: Shape) -> Shape:
        mean, log_variance = (axes("Sampled", s, at_least=1) for s in branches("Sampled", shape, 2))
        if len(mean) != len(log_variance) or not all(map(same, mean, log_variance)):
            raise ShapeError(f"Sampled takes mean and log-variance of one shape, got {display(shape)}")
        return mean

    def rule(params: Tree, x: Pair, rng: Key | None) -> tuple[Array, Pullback[Array, Pair]]:
        mean, log_variance = x
        if rng is None:
            return mean, lambda dz: ({}, (dz, np.zeros_like(log_variance)))
        noise: Array = rng.generator().standard_normal(mean.shape, np.float32) * np.exp(log_variance / 2)
        return mean + noise, lambda dz: ({}, (dz, dz * noise / 2))

    return Layer.of(out_shape, lambda shape: {}, rule)


# What a scan costs in nats, an upper bound: to say the pixels, and to say where in the plane they come from.
surprise = joint(sigmoid_binary_cross_entropy.bind(reduce="batch"), gaussian_kl)

encoder = serial(Dense(128), Silu, Dense(2 * LATENT), split(2)).named("encoder")
decoder = serial(Dense(128), Silu, Dense(64)).named("decoder")
twice: Layer[Pair, tuple[Pair, Pair]] = FanOut(2)  # one for the decoder, one for the loss
unchanged: Layer[Pair, Pair] = serial()
net = serial(encoder, twice, parallel(serial(Sampled(), decoder), unchanged))
DECODER = "parallel_0/serial_0/decoder"  # where its params lie


class Result(NamedTuple):
    """What training gave: params, and what an unseen scan costs."""

    params: Params
    nats: float


def load(key: Key, *, test: int = 360) -> tuple[Array, Array]:
    """The 1797 scans of scikit-learn, 64 numbers in [0, 1] each, shuffled by the key: training and test."""
    scans = load_digits(return_X_y=True)[0]
    x = (scans[key.generator().permutation(len(scans))] / 16).astype(np.float32)
    return x[test:], x[:test]


def learn(train: Array, test: Array, *, epochs: int, seed: int = 0, batch_size: int = 64) -> Result:
    """Train; the cost of the test scans is that of one draw each."""
    key = Key(seed)
    _, params = net.init(key, (-1, 64))
    steps = epochs * -(-len(train) // batch_size)
    optimizer = adam(cosine_decay(3e-3, steps))
    data = train, (train, None)  # where in the plane a scan lies, nobody says
    run = fit(surprise, net.apply, optimizer, params, data, epochs=epochs, batch_size=batch_size, rng=key)
    for state, _ in progress(run, total=steps):
        params = state.params
    return Result(params, surprise(net.apply(params, test, rng=key.fold("test")), (test, None)))


def nats_by_pixels(train: Array, test: Array) -> float:
    """What a scan costs who knows how dark each pixel is on the whole, and nothing else."""
    chance = np.clip(train.mean(0), 1e-3, 1 - 1e-3)
    return float(-(test * np.log(chance) + (1 - test) * np.log(1 - chance)).sum(-1).mean())


def written(params: Params, places: Array) -> Array:
    """What the decoder writes at these places of the plane."""
    y: Array = Sigmoid.apply({}, predict(decoder.apply, params.sub(DECODER), places))
    return y


def picture(params: Params, scans: Array, key: Key, path: Path) -> None:
    """Three pairs of rows: scans and what becomes of them, twice; and digits that nobody wrote."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    mean, _ = predict(encoder.apply, params.sub("encoder"), scans[:32])
    drawn = key.generator().standard_normal((32, LATENT), np.float32)
    again, new = written(params, mean), written(params, drawn)
    rows = [scans[:16], again[:16], scans[16:32], again[16:], new[:16], new[16:]]
    tiles = np.pad(np.stack(rows).reshape(6, 16, 8, 8), ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=1)
    pyplot.imsave(path, tiles.transpose(0, 2, 1, 3).reshape(60, 160).repeat(4, 0).repeat(4, 1), cmap="gray_r")


def main(arguments: list[str] | None = None) -> tuple[float, float]:
    """Train, report, draw; the cost of a scan to who knows its pixels' means, and to the network."""
    parser: Any = argparse.ArgumentParser(description="Learn to write digits.")
    parser.add_argument("--quick", action="store_true", help="a few epochs")
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path(), help="the folder for the picture")
    options = parser.parse_args(arguments)

    train, test = load(Key(options.seed))
    result = learn(train, test, epochs=15 if options.quick else options.epochs, seed=options.seed)
    before = nats_by_pixels(train, test)
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "autoencoder.png"
    picture(result.params, test, Key(options.seed).fold("samples"), path)
    print(f"an unseen scan costs {result.nats:.2f} nats; {before:.2f} to who knows the mean of each pixel")
    print(f"scans, reconstructions and samples: {path}")
    return before, result.nats


if __name__ == "__main__":
    main()
