"""A network that solves the heat equation, `u_t = k u_xx`, from the equation alone: no solution is ever shown to it.

    python examples/heat_equation.py            500 steps of L-BFGS, a few seconds
    python examples/heat_equation.py --quick    100 steps

A rod of length 1 begins as `s = sin(pi x) + sin(2 pi x) / 2` and is kept at 0 at both ends. What is looked for has the
form `u = s(x) + t x (1 - x) N(x, t)`, which is right on the border whatever the network N is; inside, the loss is the
squared residual of the equation. It takes derivatives of the network by its input: `second_tangent` is a layer that
gives them, with a pullback that is exact. Then u is compared with the solution that Fourier found, and both are drawn.

Source: Raissi, Perdikaris & Karniadakis, Physics-Informed Neural Networks (2019), section 3; the form is that of Lagaris,
Likas & Fotiadis, Artificial Neural Networks for Solving Ordinary and Partial Differential Equations (1998), section 3.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

from funcnn import Array, Dense, FuncnnWarning, Gradients, Key, Params, Tanh, minimize, second_tangent, serial, vjp

K = 0.1
WAVES = ((1, 1.0), (2, 0.5))  # how many half waves on the rod, and how high

net = serial(Dense(24), Tanh, Dense(24), Tanh, Dense(1))
derivatives = second_tangent(net).apply


def solution(x: Array, t: Array) -> Array:
    """What Fourier found (1822): every wave fades at its own speed."""
    found = np.zeros(np.broadcast_shapes(x.shape, t.shape))
    for n, height in WAVES:
        found += height * np.exp(-K * (n * np.pi) ** 2 * t) * np.sin(n * np.pi * x)
    return found


def value(params: Params, x: Array, t: Array) -> Array:
    """`s + t x (1 - x) N` at the points of two vectors."""
    return solution(x, 0 * t) + t * x * (1 - x) * net.apply(params, np.stack([x, t], axis=1))[:, 0]


def loss(params: Params, points: Array, rng: Key) -> tuple[float, Gradients]:
    """The mean of the squared residual `u_t - k u_xx`, and its gradients, as `minimize` takes them.

    Of `u` by the product rule, the residual is a sum of N and its derivatives, each times what it is pulled back by. The
    points stand twice: along x, along t.
    """
    n, (x, t) = len(points), np.split(points, 2, axis=1)
    b, bend = x * (1 - x), sum((height * (m * np.pi) ** 2 * np.sin(m * np.pi * x) for m, height in WAVES), 0 * x)
    along = np.repeat(np.eye(2), n, axis=0)
    (u, u_v, u_vv), pullback = vjp(derivatives, params, (np.tile(points, (2, 1)), along))
    by_u, by_x, by_t, by_xx = b + 2 * K * t, -2 * K * t * (1 - 2 * x), b * t, -K * t * b
    off = by_u * u[:n] + by_x * u_v[:n] + by_t * u_v[n:] + by_xx * u_vv[:n] + K * bend
    d, none = 2 * off / n, 0 * off
    first, second = np.concatenate([by_x * d, by_t * d]), np.concatenate([by_xx * d, none])
    grads, _ = pullback((np.concatenate([by_u * d, none]), first, second))
    return float((off**2).mean()), grads


def error(params: Params) -> tuple[Array, Array, Array]:
    """x, t, and by how much the network is off there, (x, t)."""
    x, t = np.linspace(0, 1, 101), np.linspace(0, 1, 51)
    every = [a.ravel() for a in np.meshgrid(x, t, indexing="ij")]
    return x, t, (value(params, *every) - solution(*every)).reshape(len(x), len(t))


def draw(params: Params, path: Path) -> None:
    """Both solutions at four times, and the error everywhere."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 4), layout="constrained")
    x, t, off = error(params)
    for i, time in enumerate((0.0, 0.1, 0.3, 1.0)):
        at = np.full_like(x, time)
        left.plot(x, solution(x, at), color=f"C{i}", label=f"t = {time:g}")
        left.plot(x[::5], value(params, x, at)[::5], "o", color=f"C{i}", markersize=4)
    left.set(xlabel="x", ylabel="u", title="Fourier's solution (lines) and the network's (dots)")
    left.legend()
    figure.colorbar(right.pcolormesh(x, t, off.T, cmap="coolwarm", shading="nearest"), ax=right)
    right.set(xlabel="x", ylabel="t", title="the network's less Fourier's")
    figure.savefig(path, dpi=80)
    pyplot.close(figure)


def main(arguments: list[str] | None = None) -> float:
    """Solve, compare, draw; the largest error."""
    parser: Any = argparse.ArgumentParser(description="Solve the heat equation by a network.")
    parser.add_argument("--quick", action="store_true", help="100 steps")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path(), help="the folder for the picture")
    options = parser.parse_args(arguments)

    key = Key(options.seed)
    points = key.fold("points").generator().uniform(size=(600, 2))
    points[:, 1] **= 1.5  # more of them early, when waves fade fastest
    _, params = net.init(key, points.shape, dtype=np.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FuncnnWarning)  # it stops after so many steps, on purpose
        found = minimize(loss, params, points, steps=100 if options.quick else 500, memory=30, rng=key)
    largest = float(abs(error(found.params)[2]).max())
    print(f"mean squared residual {found.value:.1e} after {found.steps} steps")
    print(f"the largest error of u, whose largest value is 1.3, is {largest:.1e}")
    options.out.mkdir(parents=True, exist_ok=True)
    draw(found.params, options.out / "heat_equation.png")
    return largest


if __name__ == "__main__":
    main()
