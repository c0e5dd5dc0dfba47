"""A network that learns the Lagrangian of a pendulum from how it moves, and then predicts it for a long time.

    python examples/lagrangian.py            400 steps of L-BFGS, a few seconds
    python examples/lagrangian.py --quick    60 steps

Data are 300 states of a pendulum, angles q and velocities q', with accelerations that were measured badly. What is learnt
is a function, `L = q'^2 / 2 + N(q, q')`, and accelerations follow from it by the equation of Euler and Lagrange,
`q'' = (L_q - L_(q' q) q') / L_(q' q')`: second derivatives by the input stand inside the loss, and `second_tangent` gives
them along q, along q' and along both. A network of the same size that gives accelerations directly learns from the same
data. Both then predict from a state that neither has seen. What follows from a Lagrangian keeps an energy, whatever the
noise; what does not, gains or loses some with every swing.

Source: Cranmer, Greydanus, Hoyer, Battaglia, Spergel & Ho, Lagrangian Neural Networks (2020).
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import numpy as np

from funcnn import (
    Array,
    Dense,
    FuncnnWarning,
    Gradients,
    Key,
    Params,
    Tanh,
    l2,
    minimize,
    second_tangent,
    serial,
    squared_error,
    tree_map,
    value_and_grad,
    vjp,
)

net = serial(Dense(24), Tanh, Dense(24), Tanh, Dense(1))
derivatives = second_tangent(net).apply
penalty = l2(1e-5)
directly = value_and_grad(squared_error, net.apply, penalty)


class Motion(NamedTuple):
    """States (rows, 2), an angle and its velocity, and accelerations (rows, 1)."""

    states: Array
    accelerations: Array


def pendulum(states: Array) -> Array:
    """The acceleration of a pendulum, `-sin q`."""
    return -np.sin(states[:, :1])


def energy(states: Array) -> Array:
    """That of a pendulum, 0 where it hangs still."""
    return states[:, 1] ** 2 / 2 + 1 - np.cos(states[:, 0])


def measured(key: Key, rows: int, noise: float = 0.1) -> Motion:
    """States at random, with accelerations that are off by this much."""
    numbers = key.generator()
    states = numbers.uniform(-2.5, 2.5, (rows, 2))
    return Motion(states, pendulum(states) + noise * numbers.normal(size=(rows, 1)))


def accelerations(params: Params, states: Array) -> tuple[Array, Callable[[Array], Gradients]]:
    """Those that follow from the Lagrangian, and their pullback to the params."""
    n, velocity = len(states), states[:, 1:]
    along = np.repeat([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], n, axis=0)
    (u, u_v, u_vv), back = vjp(derivatives, params, (np.tile(states, (3, 1)), along))
    by_q, (qq, vv, both) = u_v[:n], np.split(u_vv, 3)
    mixed, mass = (both - qq - vv) / 2, 1 + vv
    a = (by_q - mixed * velocity) / mass

    def pullback(d: Array) -> Gradients:
        force, none = d / mass, np.zeros_like(d)
        half = force * velocity / 2
        second = np.concatenate([half, half - force * a, -half])
        return back((np.zeros_like(u), np.concatenate([force, none, none]), second))[0]

    return a, pullback


def loss(params: Params, motion: Motion, rng: Key) -> tuple[float, Gradients]:
    """The mean squared error of the accelerations, a small penalty, and the gradients, as `minimize` takes them."""
    a, pullback = accelerations(params, motion.states)
    off = a - motion.accelerations
    size, of_penalty = vjp(penalty, params)
    grads = tree_map(lambda g, h: g + h, pullback(2 * off / len(off)), of_penalty(1.0)[0])
    return float((off**2).mean()) + size, grads


def swing(law: Callable[[Array], Array], start: Array, *, time: float, steps: int) -> Array:
    """The states that a law of acceleration leads to, (steps + 1, 2), by the method of Runge and Kutta."""
    h, states = time / steps, [start]

    def rate(state: Array) -> Array:
        return np.array([state[1], law(state[None])[0, 0]])

    for _ in range(steps):
        s = states[-1]
        k1 = rate(s)
        k2 = rate(s + h / 2 * k1)
        k3 = rate(s + h / 2 * k2)
        states.append(s + h / 6 * (k1 + 2 * k2 + 2 * k3 + rate(s + h * k3)))
    return np.array(states)


def draw(paths: dict[str, Array], time: float, path: Path) -> None:
    """The angles and the energies of all."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (top, bottom) = pyplot.subplots(2, 1, figsize=(9, 6), sharex=True, layout="constrained")
    for (name, states), style in zip(paths.items(), ("k-", "C0-", "C1--"), strict=True):
        at = np.linspace(0, time, len(states))
        top.plot(at, states[:, 0], style, linewidth=1)
        bottom.plot(at, energy(states), style, label=name, linewidth=1)
    top.set(ylabel="angle", title="What a pendulum does, and what two networks predict")
    bottom.set(xlabel="time", ylabel="energy")
    bottom.legend(loc="lower left")
    figure.savefig(path, dpi=80)
    pyplot.close(figure)


def main(arguments: list[str] | None = None) -> tuple[float, float]:
    """Learn, predict, draw; how far the energy drifts with the Lagrangian, and without."""
    parser: Any = argparse.ArgumentParser(description="Learn the Lagrangian of a pendulum.")
    parser.add_argument("--quick", action="store_true", help="60 steps, and a shorter prediction")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path(), help="the folder for the picture")
    options = parser.parse_args(arguments)
    steps, time = (60, 30.0) if options.quick else (400, 100.0)

    key = Key(options.seed)
    motion, unseen = measured(key.fold("data"), 300), measured(key.fold("test"), 500, noise=0.0)
    _, start = net.init(key, (-1, 2), dtype=np.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FuncnnWarning)  # it stops after so many steps, on purpose
        learnt = minimize(loss, start, motion, steps=steps, rng=key).params
        direct = minimize(directly, start, *motion, steps=steps).params
    laws: dict[str, Callable[[Array], Array]] = {
        "pendulum": pendulum,
        "Lagrangian network": lambda states: accelerations(learnt, states)[0],
        "network of accelerations": lambda states: net.apply(direct, states),
    }
    paths = {name: swing(law, np.array([2.0, 0.0]), time=time, steps=int(10 * time)) for name, law in laws.items()}
    drifts = {name: float(abs(energy(states)[-200:].mean() - energy(states[:1])[0])) for name, states in paths.items()}
    for name, law in laws.items():
        off = law(unseen.states) - unseen.accelerations
        print(f"{name:25} error {np.sqrt((off**2).mean()):.3f}   energy off by {drifts[name]:.3f} after {time:g} seconds")
    options.out.mkdir(parents=True, exist_ok=True)
    draw(paths, time, options.out / "lagrangian.png")
    return drifts["Lagrangian network"], drifts["network of accelerations"]


if __name__ == "__main__":
    main()
