"""A layer in five lines, for which Autograd derives the pullback: held to the laws, and put to tell irises apart.

    python examples/own_layer_derived.py            the laws, then 60 epochs
    python examples/own_layer_derived.py --quick    fewer of both

Radial basis functions: each unit has a place among the flowers, and says how near one is. Their pullback by hand would
take longer than the layer; `derive` makes it of the value.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import autograd.numpy as anp
import matplotlib
from sklearn.datasets import load_iris

from funcnn import (
    Array, Dense, Key, Layer, Shape, Spec, Tokens, Tree, accuracy, adam, confusion_matrix, evaluate, fit, layer, predict,
    serial, softmax_cross_entropy,
)  # fmt: skip
from funcnn.authoring import axes, leaves
from funcnn.bridges.autograd import derive
from funcnn.initializers import normal, ones
from funcnn.plotting import confusion
from funcnn.testing import Report, holds, shapes


def nearness(params: Tree, x: Array) -> Array:
    """`exp(-|x - c|^2 / (2 r^2))`, for every place c and its radius r."""
    places, radii = leaves(params, "places", "radii")
    squares = anp.sum((x[..., None, :] - places) ** 2, axis=-1)
    near: Array = anp.exp(-squares / (2 * radii**2))
    return near


@layer
def Radial(units: int) -> Layer[Array, Array]:
    """Radial basis functions.

    Shapes
        x       (..., n)
        params  {"places": (units, n), "radii": (units,)}
        y       (..., units)
    Source: Broomhead & Lowe, Multivariable Functional Interpolation and Adaptive Networks (1988).
    """

    def spec(shape: Shape) -> Spec:
        (*_, n) = axes("Radial", shape, at_least=1)
        return {"places": (normal(1.0), (units, n)), "radii": (ones, (units,))}

    return Layer.of(lambda shape: (*axes("Radial", shape, at_least=1)[:-1], units), spec, derive(nearness))


net = serial(Radial(16), Dense(3))


def load(key: Key, *, test: int = 50) -> tuple[tuple[Array, Tokens], tuple[Array, Tokens]]:
    """Training and test data: four measurements of each flower, standardised, and its species."""
    x, species = load_iris(return_X_y=True)
    order = key.generator().permutation(len(x))
    x, species = x[order], species[order]
    x = (x - x[test:].mean(axis=0)) / x[test:].std(axis=0)
    return (x[test:], species[test:]), (x[:test], species[:test])


def main(arguments: list[str] | None = None) -> tuple[Report, float]:
    """Hold the layer to the laws, train, and report; the share of flowers told right that training did not see."""
    parser = argparse.ArgumentParser(description="Tell irises apart by radial basis functions.")
    parser.add_argument("--quick", action="store_true", help="5 cases a law, 40 epochs")
    parser.add_argument("--out", type=Path, help="the folder for a picture; without it there is none")
    options = parser.parse_args(arguments)

    examples = 5 if options.quick else 30
    report = holds(Radial(3), shapes("B", "D"), kinks=False, analytic=True, examples=examples, report=True)
    print(f"{report}\n\n{net}")

    key = Key(0)
    train, test = load(key)
    _, params = net.init(key, (-1, 4))
    epochs = 40 if options.quick else 60
    for state, metrics in fit(softmax_cross_entropy, net.apply, adam(0.02), params, train, epochs=epochs, rng=key):
        params = state.params
        if metrics.last_of_epoch and (metrics.epoch + 1) % (epochs // 5) == 0:
            print(f"epoch {metrics.epoch + 1:4}   loss {metrics.loss:.4f}")
    right = evaluate(net.apply, params, test, accuracy)["accuracy"]
    print(f"told right of {len(test[1])} unseen flowers: {right:.0%}")
    if options.out is not None:
        matplotlib.use("Agg")
        options.out.mkdir(parents=True, exist_ok=True)
        scores = predict(net.apply, params, test[0])
        figure: Any = confusion(confusion_matrix(scores, test[1]), names=["setosa", "versicolor", "virginica"]).figure
        figure.savefig(options.out / "own_layer_derived.png", dpi=80)
    return report, right


if __name__ == "__main__":
    main()
