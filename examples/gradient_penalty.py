"""A generator that learns eight islands of points from a critic whose slope is held at 1, and from another.

    python examples/gradient_penalty.py            1500 steps of the generator, half a minute
    python examples/gradient_penalty.py --quick    50 steps

Points are a mixture of eight small Gaussians on a ring. The generator makes points out of noise; the critic scores them
and learns to score what is real above what is made; the generator learns to be scored high. That pulls towards what is
real only while the critic has no slope steeper than 1, so its loss has a penalty, `(|grad_x critic| - 1)^2`, at points
between real ones and made ones. `input_gradient(critic)` is a layer that gives this slope, with a pullback to the
critic's params, and so the penalty is an objective like any other.

The same networks are trained without the penalty, from the same start. What counts: on how many islands the generator
puts at least half of the points that belong there, how many points lie on any, and the distance of the two clouds of
points, which is the root of the energy distance of Szekely and Rizzo (2013).

Source: Gulrajani, Ahmed, Arjovsky, Dumoulin & Courville, Improved Training of Wasserstein GANs (2017), algorithm 1.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import numpy as np

from funcnn import (
    Array,
    Gradients,
    Key,
    Params,
    Relu,
    Terms,
    adam,
    averaged,
    chain,
    ema,
    input_gradient,
    loss,
    mlp,
    tree_map,
    value_and_grad,
    vjp,
)

ISLANDS, RADIUS, SPREAD = 8, 2.0, 0.1
ROWS, NOISE, CRITIC_STEPS = 128, 4, 3

generator = mlp((48, 48, 2), Relu)
critic = mlp((48, 48, 1), Relu)
slope = input_gradient(critic)


@loss
def signed(score: Array, sign: Array) -> Terms[Array]:
    """`s y`: the scores of what is made, less those of what is real."""
    return sign * score, lambda d: (sign * d, score * d)


@loss
def steepness(gradient: Array, target: Array) -> Terms[Array]:
    """`(|g| - t)^2` of every row; where g is 0, any direction is as good as none."""
    size = np.sqrt((gradient * gradient).sum(-1))
    unit = gradient / np.maximum(size, np.finfo(size.dtype).tiny)[:, None]
    off = 2 * (size - target)
    return (size - target) ** 2, lambda d: ((off * d)[:, None] * unit, -off * d)


scores = value_and_grad(signed, critic.apply)
too_steep = value_and_grad(steepness, slope.apply)


class Found(NamedTuple):
    """What is said of a generator: islands found, the share of points on any, and the distance of both clouds."""

    islands: int
    on_islands: float
    distance: float


def centers() -> Array:
    """The middles of the islands, (8, 2)."""
    angle = 2 * np.pi * np.arange(ISLANDS) / ISLANDS
    return RADIUS * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def real(key: Key, rows: int) -> Array:
    """So many points of the mixture."""
    numbers = key.generator()
    points = centers()[numbers.integers(ISLANDS, size=rows)] + SPREAD * numbers.normal(size=(rows, 2))
    return points.astype(np.float32)


def noise(key: Key, rows: int) -> Array:
    """What the generator makes points of."""
    return key.generator().normal(size=(rows, NOISE)).astype(np.float32)


def critic_loss(params: Params, truth: Array, made: Array, key: Key, strength: float) -> tuple[float, Gradients]:
    """The mean score of what is made, less that of what is real, and the penalty between them, with the gradients."""
    n = len(truth)
    sign = np.repeat(np.array([[2.0], [-2.0]], np.float32), n, axis=0)  # the mean is over both halves
    value, grads = scores(params, np.concatenate([made, truth]), sign)
    if not strength:
        return value, grads
    share = key.generator().uniform(size=(n, 1)).astype(np.float32)
    penalty, more = too_steep(params, share * truth + (1 - share) * made, np.ones(n, np.float32))
    return value + strength * penalty, tree_map(lambda g, h: g + strength * h, grads, more)


def generator_loss(params: Params, judge: Params, z: Array) -> tuple[float, Gradients]:
    """Minus the mean score of what is made of z, and the gradients: first back through the critic."""
    made, to_generator = vjp(generator.apply, params, z)
    score, to_critic = vjp(critic.apply, judge, made)
    _, d = to_critic(np.full_like(score, -1 / len(score)))
    return -float(score.mean()), to_generator(d)[0]


def learn(key: Key, steps: int, strength: float) -> Params:
    """The params of a generator, averaged over its last steps: three steps of the critic for each one of its own."""
    _, params = generator.init(key.fold("generator"), (-1, NOISE))
    _, judge = critic.init(key.fold("critic"), (-1, 2))
    of_generator = chain(adam(1e-3, b1=0.5, b2=0.9), ema(0.99))
    of_critic = adam(1e-3, b1=0.5, b2=0.9)
    state, judge_state = of_generator.init(params), of_critic.init(judge)
    for step in range(steps):
        for turn in range(CRITIC_STEPS):
            here = key.fold(step).fold(turn)
            made = generator.apply(params, noise(here.fold("noise"), ROWS))
            _, grads = critic_loss(judge, real(here.fold("real"), ROWS), made, here.fold("between"), strength)
            judge, judge_state = of_critic.step(grads, judge_state, judge)
        _, grads = generator_loss(params, judge, noise(key.fold(step), ROWS))
        params, state = of_generator.step(grads, state, params)
    return averaged(state)


def apart(a: Array, b: Array) -> float:
    """The mean distance of points of one cloud from those of another."""
    squares = (a * a).sum(1)[:, None] + (b * b).sum(1) - 2 * a @ b.T
    return float(np.sqrt(np.maximum(squares, 0)).mean())


def judged(made: Array, truth: Array) -> Found:
    """How good these points are."""
    off = np.linalg.norm(made[:, None] - centers(), axis=2)
    on = off.min(1) < 4 * SPREAD
    shares = np.bincount(off.argmin(1)[on], minlength=ISLANDS) / len(made)
    made, truth = made.astype(np.float64), truth.astype(np.float64)
    squared = 2 * apart(made, truth) - apart(made, made) - apart(truth, truth)
    return Found(int((shares >= 0.5 / ISLANDS).sum()), float(on.mean()), max(squared, 0.0) ** 0.5)


def draw(clouds: dict[str, Array], path: Path) -> None:
    """All clouds of points, side by side."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(clouds), figsize=(4 * len(clouds), 4.3), layout="constrained")
    for ax, (name, points) in zip(axes, clouds.items(), strict=True):
        ax.plot(*points.T, ".", markersize=2, alpha=0.5)
        ax.plot(*centers().T, "k+", markersize=8)
        inside = int((abs(points).max(1) < 3).sum())
        ax.set(title=name, xlim=(-3, 3), ylim=(-3, 3), aspect="equal", xlabel=f"{inside} of {len(points)} points here")
    figure.savefig(path, dpi=80)
    pyplot.close(figure)


def main(arguments: list[str] | None = None) -> tuple[Found, Found]:
    """Learn with the penalty and without, judge, draw; what was found with it, and without."""
    parser: Any = argparse.ArgumentParser(description="Learn a mixture from a critic with a gradient penalty.")
    parser.add_argument("--quick", action="store_true", help="50 steps")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, help="of the generator; 1500, if this is not given")
    parser.add_argument("--out", type=Path, default=Path(), help="the folder for the picture")
    options = parser.parse_args(arguments)
    steps = options.steps or (50 if options.quick else 1500)

    key = Key(options.seed)
    truth, z = real(key.fold("test"), 2000), noise(key.fold("test noise"), 2000)
    clouds, found = {"real": truth}, []
    for name, strength in (("with the penalty", 1.0), ("without", 0.0)):
        made = generator.apply(learn(key, steps, strength), z)
        clouds[name] = made
        found.append(judged(made, truth))
        islands, on_islands, distance = found[-1]
        print(f"{name:17} {islands} of 8 islands   {on_islands:4.0%} of points on them   distance {distance:.3f}")
    options.out.mkdir(parents=True, exist_ok=True)
    draw(clouds, options.out / "gradient_penalty.png")
    return found[0], found[1]


if __name__ == "__main__":
    main()
