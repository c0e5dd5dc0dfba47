"""Two things at once: which grower a wine is from, and how much alcohol it has, from twelve other measurements.

    python examples/multi_task.py            five splits, some seconds
    python examples/multi_task.py --quick    one split

One body, two heads: the network gives a tuple, the target is a tuple, and the loss is the sum of two. Beside it, two
networks of the same size, each for one of the two. With 118 wines to learn from, the network for both knows the grower
of 96 % of the others, the one for growers alone of 97 %; of the alcohol it explains 48 % of the variance, the one for
alcohol alone 41 %.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from sklearn.datasets import load_wine

from funcnn import (
    Array, Dense, FanOut, Key, Layer, Loss, Metric, Params, Relu, Tokens, accuracy, adam, evaluate, joint, l2, parallel,
    r2, serial, softmax_cross_entropy, squared_error, train,
)  # fmt: skip

body = serial(Dense(24), Relu)
both = serial(body.named("body"), FanOut(2), parallel(Dense(3).named("grower"), Dense(1).named("alcohol")))
grower = serial(body.named("body"), Dense(3))
alcohol = serial(body.named("body"), Dense(1))
ALCOHOL = 0  # the column


class Wines(NamedTuple):
    """Twelve measurements (n, 12), growers (n,), alcohol (n, 1); scaled by what the training wines are like."""

    x: Array
    growers: Tokens
    alcohol: Array


def split(seed: int) -> tuple[Wines, Wines]:
    """118 wines to learn from, 60 others."""
    x, labels = load_wine(return_X_y=True)
    order = Key("split").fold(seed).generator().permutation(len(x))
    seen, unseen = order[60:], order[:60]
    x = ((x - x[seen].mean(axis=0)) / x[seen].std(axis=0)).astype(np.float32)
    others = np.delete(x, ALCOHOL, axis=1)

    def wines(rows: Tokens) -> Wines:
        return Wines(others[rows], labels[rows], x[rows, ALCOHOL, None])

    return wines(seen), wines(unseen)


def of_item(i: int, metric: Metric[Any, Any, Any, float]) -> Metric[Any, Any, Any, float]:
    """A metric of one item of the prediction and of the target."""
    return metric._replace(update=lambda state, prediction, target: metric.update(state, prediction[i], target[i]))


def draw(found: dict[str, list[float]], path: Path) -> None:
    """What each network is worth, on every split."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(5, 3), layout="constrained")
    for i, (name, values) in enumerate(sorted(found.items())):
        axes.plot(values, [name] * len(values), "o", alpha=0.4, color=f"C{i % 2}")
        axes.plot(np.mean(values), name, "|", markersize=20, color=f"C{i % 2}")
    axes.set(xlabel="one point for each split", xlim=(0, 1))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=80)
    pyplot.close(figure)


def main(arguments: list[str] | None = None) -> dict[str, float]:
    """All three, on every split; the means."""
    parser = argparse.ArgumentParser(description="Two tasks at once.")
    parser.add_argument("--quick", action="store_true", help="one split")
    parser.add_argument("--out", type=Path, help="the folder for a picture; without it there is none")
    options = parser.parse_args(arguments)
    splits = range(1 if options.quick else 5)
    found: dict[str, list[float]] = {}
    for seed in splits:
        wines, others = split(seed)

        def learnt(loss: Loss[Any, Any], net: Layer[Array, Any], target: Any, seed: int = seed) -> Params:
            return train(
                loss, net, adam(3e-3), (wines.x, target), epochs=100, batch_size=16, rng=seed, penalties=[l2(3e-3)],
                quiet=True,
            ).params  # fmt: skip

        loss = joint(softmax_cross_entropy, squared_error)
        target, truth = (wines.growers, wines.alcohol), (others.growers, others.alcohol)
        metrics = of_item(0, accuracy), of_item(1, r2)
        params = learnt(loss, both, target)
        for name, value in evaluate(both.apply, params, (others.x, truth), *metrics).items():
            found.setdefault(f"{name}, both at once", []).append(value)

        params = learnt(softmax_cross_entropy, grower, wines.growers)
        value = evaluate(grower.apply, params, (others.x, others.growers), accuracy)["accuracy"]
        found.setdefault("accuracy, alone", []).append(value)
        params = learnt(squared_error, alcohol, wines.alcohol)
        value = evaluate(alcohol.apply, params, (others.x, others.alcohol), r2)["r2"]
        found.setdefault("r2, alone", []).append(value)

    means = {name: float(np.mean(values)) for name, values in sorted(found.items())}
    for name, mean in means.items():
        print(f"{name:24} {mean:.3f}")
    if options.out is not None:
        draw(found, options.out / "multi_task.png")
    return means


if __name__ == "__main__":
    main()
