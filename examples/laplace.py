"""Forecasts with error bars: Laplace's approximation to the posterior of a network, on three centuries of sunspots.

    python examples/laplace.py            some seconds
    python examples/laplace.py --quick    a second or two

A network foretells each year's number from those of the nine years before. Around the params that fit best, the posterior
is taken for a normal distribution, whose precision is Gauss and Newton's matrix, `J^T J / s^2 + a`, with the Jacobian J
of all forecasts by all params. How strong the prior is, a, and how large the noise, s, are not chosen: they are those
that make the data most probable, found by MacKay's rule, so that no year is spent on validation. A forecast's variance is
that of the noise, plus that of its own gradient under the posterior: it grows where the network has seen little.

It learns on the years before 1950. Of the 59 years after that, 88 % lie within the bars of 90 %, 49 % within those of
50 %. Without the part of the params, bars of the noise alone hold 76 % and 36 %: too few.

Source: MacKay, A Practical Bayesian Framework for Backpropagation Networks (1992), sections 2 and 4; Daxberger et al.,
Laplace Redux (2021).
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Mapping
from math import erf
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import numpy as np

from funcnn import (
    Array,
    Dense,
    FuncnnWarning,
    Key,
    Params,
    Tanh,
    jacobian,
    l2,
    minimize,
    ravel,
    serial,
    squared_error,
    value_and_grad,
)

DATA = Path(__file__).parent / "data" / "sunspots.csv"
FIRST_TEST_YEAR = 1950
YEARS = 9  # that a forecast is made from
LEVELS = np.linspace(0.1, 0.95, 18)

net = serial(Dense(12), Tanh, Dense(1))


class Table(NamedTuple):
    """The year that is foretold, the nine years before it, and it: square roots, whose spread is nearly the same."""

    years: Array
    x: Array
    y: Array


def load() -> tuple[Table, Table]:
    """For training, and for the test."""
    years, numbers = np.loadtxt(DATA, delimiter=",").T
    roots = np.sqrt(numbers) / 3 - 2
    x = np.stack([roots[i : i - YEARS] for i in range(YEARS)], axis=1)
    whole = Table(years[YEARS:], x, roots[YEARS:, None])
    n = int((whole.years < FIRST_TEST_YEAR).sum())
    return Table(*[a[:n] for a in whole]), Table(*[a[n:] for a in whole])


class Posterior(NamedTuple):
    """The best params, the covariance around them, the noise, and how many params the data decide."""

    params: Params
    covariance: Array
    noise: float
    decided: float


def slopes(params: Params, x: Array) -> Array:
    """The gradient of every forecast by all params, (rows, params), in the order of `ravel`."""
    found: Any = jacobian(net.apply, params, x, by="params", mode="reverse")

    def at(path: str) -> Array:
        leaf = found
        for name in path.split("/"):
            assert isinstance(leaf, Mapping)
            leaf = leaf[name]
        return np.asarray(leaf).reshape(len(x), -1)

    return np.concatenate([at(path) for path in sorted(params.paths())], axis=1)


def learn(data: Table, start: Params, *, rounds: int, steps: int) -> Posterior:
    """Train, see how much the data decide, set prior and noise by that, and again."""
    prior, noise, params = 1.0, 0.3, start
    for i in range(rounds):
        objective = value_and_grad(squared_error, net.apply, l2(prior * noise**2 / len(data.y), where="**"))
        params = minimize(objective, params, data.x, data.y, steps=steps).params
        off, theta, j = net.apply(params, data.x) - data.y, ravel(params)[0], slopes(params, data.x)
        covariance = np.linalg.inv(j.T @ j / noise**2 + prior * np.eye(len(theta)))
        decided = len(theta) - prior * float(np.trace(covariance))
        print(f"round {i + 1}: noise {noise:.3f}, prior {prior:.2f}, the data decide {decided:.1f} of {len(theta)} params")
        prior, noise = decided / float(theta @ theta), float(np.sqrt((off**2).sum() / (len(off) - decided)))
    return Posterior(params, covariance, noise, decided)


def forecast(posterior: Posterior, x: Array) -> tuple[Array, Array]:
    """Means and standard deviations, (rows,)."""
    j = slopes(posterior.params, x)
    spread = np.sqrt(np.einsum("ip,pq,iq->i", j, posterior.covariance, j) + posterior.noise**2)
    return net.apply(posterior.params, x)[:, 0], spread


def within(off: Array, spread: Array) -> Array:
    """Which part of the years lies within the error bars of every level."""
    reached = np.array([erf(abs(z) / 2**0.5) for z in off / spread])
    return np.array([(reached <= level).mean() for level in LEVELS])


def draw(test: Table, mean: Array, spread: Array, covered: Array, path: Path) -> None:
    """The years with bars of 90 %, and how many years lie within bars of every level."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    def numbers(roots: Array) -> Array:
        return (3 * np.maximum(roots + 2, 0)) ** 2

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4), width_ratios=(2, 1), layout="constrained")
    low, high = numbers(mean - 1.645 * spread), numbers(mean + 1.645 * spread)
    left.fill_between(test.years, low, high, color="tab:blue", alpha=0.25, label="nine in ten should lie here")
    left.plot(test.years, numbers(mean), color="tab:blue", label="forecast from the years before")
    left.plot(test.years, numbers(test.y[:, 0]), "k.", label="what came")
    left.set(xlabel="year", ylabel="sunspots", title="Forecasts of years that were not learnt")
    left.legend(loc="upper right")
    right.plot([0, 1], [0, 1], color="gray", linewidth=1)
    right.plot(LEVELS, covered, "o-", color="tab:blue")
    right.set(xlabel="years that should lie within", ylabel="years that do", title="Are the error bars right?")
    figure.savefig(path, dpi=80)
    pyplot.close(figure)


def main(arguments: list[str] | None = None) -> Array:
    """Learn, foretell, compare, draw; which part of the years lies within the bars of every level."""
    parser: Any = argparse.ArgumentParser(description="Foretell sunspots with error bars.")
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path(), help="the folder for the picture")
    options = parser.parse_args(arguments)

    train, test = load()
    _, start = net.init(Key(options.seed), (-1, YEARS), dtype=np.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FuncnnWarning)  # it stops after so many steps, on purpose
        posterior = learn(train, start, rounds=3 if options.quick else 8, steps=60 if options.quick else 200)
    mean, spread = forecast(posterior, test.x)
    covered = within(test.y[:, 0] - mean, spread)
    error = np.sqrt(((test.y[:, 0] - mean) ** 2).mean())
    print(f"\n{len(test.years)} years from {FIRST_TEST_YEAR} on: off by {error:.3f}, standard deviations of "
          f"{spread.min():.3f} to {spread.max():.3f}")  # fmt: skip
    alone = within(test.y[:, 0] - mean, np.full_like(spread, posterior.noise))
    for level, part, less in zip(LEVELS[4::4], covered[4::4], alone[4::4], strict=True):
        print(f"within bars of {level:.0%}: {part:.0%}; within bars of the noise alone: {less:.0%}")
    options.out.mkdir(parents=True, exist_ok=True)
    draw(test, mean, spread, covered, options.out / "laplace.png")
    return covered


if __name__ == "__main__":
    main()
