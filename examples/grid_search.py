"""Scans of digits, and scikit-learn looks for the best network: widths, rates and activations, in a pipeline.

    python examples/grid_search.py            two folds of 8 settings, half a minute on two cores
    python examples/grid_search.py --quick    2 settings on a third of the scans

The network is a setting like any other: a function of the numbers of features and outputs makes one that no widths say.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from funcnn import Array, Conv, Dense, Flatten, Layer, MaxPool, Relu, Reshape, serial
from funcnn.estimators import NetworkClassifier


def convolutional(features: int, outputs: int) -> Layer[Array, Array]:
    """Rows of pixels as square images."""
    side = int(features**0.5)
    return serial(
        Reshape((side, side, 1)), Conv(16, (3, 3), padding="SAME"), Relu, MaxPool((2, 2)), Flatten, Dense(outputs)
    )


def draw(found: dict[str, list[tuple[float, float]]], path: Path) -> None:
    """The accuracy of every setting."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(5, 4), layout="constrained")
    for name, points in found.items():
        axes.semilogx(*zip(*sorted(points)), "o-", label=name)
    axes.set(xlabel="rate", ylabel="accuracy in two folds", title="what the search has tried")
    axes.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=80)
    pyplot.close(figure)


def main(arguments: list[str] | None = None) -> tuple[str, float]:
    """The search, the best network and how many unseen scans it reads."""
    parser = argparse.ArgumentParser(description="A network found by grid search.")
    parser.add_argument("--quick", action="store_true", help="two settings, a third of the scans")
    parser.add_argument("--out", type=Path, help="the folder for a picture; without it there is none")
    options = parser.parse_args(arguments)
    quick = options.quick

    x, y = load_digits(return_X_y=True)
    x, y = (x[::3], y[::3]) if quick else (x, y)
    seen, unseen, labels, truth = train_test_split(x.astype(np.float32), y, random_state=0, stratify=y)
    network = NetworkClassifier(epochs=20, batch_size=32, random_state=0)
    grid: dict[str, list[object]] = {
        "networkclassifier__net": [None, convolutional],  # None is a hidden layer of 100
        "networkclassifier__rate": [3e-3] if quick else [3e-4, 1e-3, 3e-3, 1e-2],
    }
    search = GridSearchCV(make_pipeline(StandardScaler(), network), grid, cv=2, n_jobs=1 if quick else 2)
    search.fit(seen, labels)

    settings, means = search.cv_results_["params"], search.cv_results_["mean_test_score"]
    points: dict[str, list[tuple[float, float]]] = {}
    for setting, mean in sorted(zip(settings, means), key=lambda pair: -pair[1]):
        net, rate = setting["networkclassifier__net"], setting["networkclassifier__rate"]
        name = "one hidden layer" if net is None else net.__name__
        points.setdefault(name, []).append((rate, mean))
        print(f"{mean:.1%}  rate {rate:<6}  {name}")
    if options.out is not None:
        draw(points, options.out / "grid_search.png")
    best = search.best_estimator_[-1].net_
    accuracy = search.score(unseen, truth)
    print(f"\n{best}\nreads {accuracy:.1%} of the scans it has not seen")
    return str(best), accuracy


if __name__ == "__main__":
    main()
