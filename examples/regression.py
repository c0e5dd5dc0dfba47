"""Regression on real data: how diabetes progresses in a year, from ten measurements of 442 patients.

    python examples/regression.py            200 epochs
    python examples/regression.py --quick    20 epochs

Two layers, squared errors summed over outputs and averaged over rows, L1 and L2 penalties, plain gradient descent; then
the prediction for new patients, and R2 and the mean squared error on those that training did not see.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib
from sklearn.datasets import load_diabetes

from funcnn import Array, Dense, Key, Relu, evaluate, fit, l1, l2, mean_of, predict, r2, serial, sgd, squared_error

net = serial(Dense(32), Relu, Dense(1))
loss = squared_error.bind(reduce="batch")


def load(key: Key, *, test: int = 90) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Training and test data: measurements (n, 10) and targets (n, 1), both standardised."""
    x, y = load_diabetes(return_X_y=True)
    order = key.generator().permutation(len(x))
    x, y = x[order], y[order, None]
    mean, scale = y[test:].mean(), y[test:].std()
    x, y = x / x[test:].std(axis=0), (y - mean) / scale
    return (x[test:], y[test:]), (x[:test], y[:test])


def draw(guesses: Array, truth: Array, path: Path) -> None:
    """What is predicted for unseen patients, and what came."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(5, 4), layout="constrained")
    axes.plot([-2, 3], [-2, 3], color="gray", linewidth=1)
    axes.plot(truth[:, 0], guesses[:, 0], "o", alpha=0.6)
    axes.set(xlabel="how the diabetes progressed", ylabel="predicted", title="unseen patients, standard deviations")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=80)
    pyplot.close(figure)


def main(arguments: list[str] | None = None) -> float:
    """Train and report; R2 on the test data."""
    parser = argparse.ArgumentParser(description="Predict the progression of diabetes.")
    parser.add_argument("--quick", action="store_true", help="20 epochs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="the folder for a picture; without it there is none")
    options = parser.parse_args(arguments)
    epochs = 20 if options.quick else 200

    key = Key(options.seed)
    train, test = load(key)
    _, params = net.init(key, (-1, 10))
    penalties = (l1(1e-4), l2(1e-2))
    run = fit(loss, net.apply, sgd(0.01), params, train, epochs=epochs, batch_size=32, rng=key, penalties=penalties)
    for state, metrics in run:
        params = state.params
        if metrics.last_of_epoch and (metrics.epoch + 1) % (epochs // 5) == 0:
            seen = evaluate(net.apply, params, train, r2)
            print(f"epoch {metrics.epoch + 1:4}   loss {metrics.loss:.4f}   training R2 {seen['r2']:.3f}")

    found = evaluate(net.apply, params, test, r2, mean_of(squared_error))
    print(f"test: R2 {found['r2']:.3f}, mean squared error {found['squared_error']:.3f} (1 is that of the mean)")
    guesses = predict(net.apply, params, test[0])
    for guess, truth in zip(guesses[:3], test[1][:3], strict=True):
        print(f"predicted {guess[0]:+.2f}, was {truth[0]:+.2f} standard deviations from the mean")
    if options.out is not None:
        draw(guesses, test[1], options.out / "regression.png")
    return found["r2"]


if __name__ == "__main__":
    main()
