"""More optimizers written down from their sources, plainly, in float64, as in `closed_forms`: those for single leaves.

Each function takes the arguments of the optimizer of its name and returns the step of one leaf,
`(t, gradient, params) -> update`, with t from one; it is called anew for every leaf, and remembers in a closure.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Leaf: TypeAlias = npt.NDArray[np.float64]
LeafStep: TypeAlias = Callable[[int, Leaf, Leaf], Leaf]


def at(rate: Any, t: int) -> float:
    """The rate of the `t`-th step, which a schedule knows as step `t - 1`."""
    return float(rate(t - 1) if callable(rate) else rate)


def faded(seen: list[Leaf], b: float) -> Leaf:
    """The running mean of what was seen, from zero: every one counts (1 - b), b times less for every one since."""
    total: Leaf = sum(((1 - b) * b**i * a for i, a in enumerate(reversed(seen))), np.zeros_like(seen[0]))
    return total


def nesterov(rate: Any, mass: float = 0.9) -> LeafStep:
    """Sutskever et al. (2013), equations 3 and 4, in the place that is looked at."""
    seen: list[Leaf] = []

    def step(t: int, g: Leaf, p: Leaf) -> Leaf:
        seen.append(g)
        velocity = sum((mass**i * a for i, a in enumerate(reversed(seen))), np.zeros_like(g))
        return -at(rate, t) * (mass * velocity + g)

    return step


def scale_by_momentum(mass: float, *, nesterov: bool = False) -> LeafStep:
    """The sum of all, or a look ahead."""
    seen: list[Leaf] = []

    def step(t: int, g: Leaf, p: Leaf) -> Leaf:
        seen.append(g)
        velocity: Leaf = sum((mass**i * a for i, a in enumerate(reversed(seen))), np.zeros_like(g))
        return mass * velocity + g if nesterov else velocity

    return step


def adagrad(rate: Any, momentum: float = 0.9) -> LeafStep:
    """Duchi, Hazan & Singer (2011), section 1.1; the running mean of its steps."""
    squares, steps = [], []

    def step(t: int, g: Leaf, p: Leaf) -> Leaf:
        squares.append(g**2)
        steps.append(g / np.sqrt(sum(squares)))
        return -at(rate, t) * faded(steps, momentum)

    return step


def rmsprop(rate: Any, gamma: float = 0.9, eps: float = 1e-8) -> LeafStep:
    """Tieleman & Hinton (2012), slide 29."""
    seen: list[Leaf] = []

    def step(t: int, g: Leaf, p: Leaf) -> Leaf:
        seen.append(g**2)
        return -at(rate, t) * g / np.sqrt(faded(seen, gamma) + eps)

    return step


def rmsprop_momentum(rate: Any, gamma: float = 0.9, eps: float = 1e-8, momentum: float = 0.9) -> LeafStep:
    """The sum of the steps of RMSProp, each `momentum` times less for every one since."""
    inner, steps = rmsprop(rate, gamma, eps), []

    def step(t: int, g: Leaf, p: Leaf) -> Leaf:
        steps.append(inner(t, g, p))
        total: Leaf = sum((momentum**i * a for i, a in enumerate(reversed(steps))), np.zeros_like(g))
        return total

    return step


def adadelta(rate: Any = 1.0, rho: float = 0.9, eps: float = 1e-6) -> LeafStep:
    """Zeiler (2012), algorithm 1."""
    squares: list[Leaf] = []
    moves: list[Leaf] = []

    def step(t: int, g: Leaf, p: Leaf) -> Leaf:
        squares.append(g**2)
        before = faded(moves, rho) if moves else np.zeros_like(g)
        move = -np.sqrt(before + eps) / np.sqrt(faded(squares, rho) + eps) * g
        moves.append(move**2)
        return at(rate, t) * move

    return step


def adamax(rate: Any, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8) -> LeafStep:
    """Kingma & Ba (2015), algorithm 2: the largest gradient, every one b2 times less for every step since."""
    seen: list[Leaf] = []

    def step(t: int, g: Leaf, p: Leaf) -> Leaf:
        seen.append(g)
        largest = np.max([b2**i * abs(a) for i, a in enumerate(reversed(seen))], axis=0)
        update: Leaf = -at(rate, t) * faded(seen, b1) / (1 - b1**t) / (largest + eps)
        return update

    return step


def nadam(rate: Any, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8) -> LeafStep:
    """Dozat (2016), algorithm 2, with a constant b1."""
    seen: list[Leaf] = []

    def step(t: int, g: Leaf, p: Leaf) -> Leaf:
        seen.append(g)
        m_hat = b1 * faded(seen, b1) / (1 - b1 ** (t + 1)) + (1 - b1) * g / (1 - b1**t)
        v_hat = faded([a**2 for a in seen], b2) / (1 - b2**t)
        return -at(rate, t) * m_hat / (np.sqrt(v_hat) + eps)

    return step


def amsgrad(rate: Any, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8) -> LeafStep:
    """Reddi, Kale & Kumar (2018), algorithm 2, its moments corrected for their start."""
    seen: list[Leaf] = []

    def step(t: int, g: Leaf, p: Leaf) -> Leaf:
        seen.append(g)
        v_hats = [faded([a**2 for a in seen[:n]], b2) / (1 - b2**n) for n in range(1, t + 1)]
        update: Leaf = -at(rate, t) * faded(seen, b1) / (1 - b1**t) / (np.sqrt(np.max(v_hats, axis=0)) + eps)
        return update

    return step


def radam(rate: Any, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8, *, threshold: float = 5.0) -> LeafStep:
    """Liu et al. (2020), algorithm 2, line by line."""
    seen: list[Leaf] = []
    rho = 2 / (1 - b2) - 1

    def step(t: int, g: Leaf, p: Leaf) -> Leaf:
        seen.append(g)
        m_hat = faded(seen, b1) / (1 - b1**t)
        rho_t = rho - 2 * t * b2**t / (1 - b2**t)
        if rho_t < threshold:
            return -at(rate, t) * m_hat
        v_hat = faded([a**2 for a in seen], b2) / (1 - b2**t)
        r = np.sqrt((rho_t - 4) * (rho_t - 2) * rho / ((rho - 4) * (rho - 2) * rho_t))
        update: Leaf = -at(rate, t) * r * m_hat / (np.sqrt(v_hat) + eps)
        return update

    return step


def adabelief(rate: Any, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-16) -> LeafStep:
    """Zhuang et al. (2020), algorithm 2; eps joins the mean at every step."""
    seen: list[Leaf] = []
    s: Any = 0.0

    def step(t: int, g: Leaf, p: Leaf) -> Leaf:
        nonlocal s
        seen.append(g)
        m = faded(seen, b1)
        s = b2 * s + (1 - b2) * (g - m) ** 2 + eps
        update: Leaf = -at(rate, t) * m / (1 - b1**t) / (np.sqrt(s / (1 - b2**t)) + eps)
        return update

    return step


def sparse_adam(rate: Any, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8) -> LeafStep:
    """Kingma & Ba (2015), algorithm 1, where there is a gradient."""
    m = v = np.zeros(())

    def step(t: int, g: Leaf, p: Leaf) -> Leaf:
        nonlocal m, v
        m, v = (np.where(g != 0, b * old + (1 - b) * new, old) for b, old, new in ((b1, m, g), (b2, v, g**2)))
        return np.where(g != 0, -at(rate, t) * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + eps), 0)

    return step


def sign_sgd(rate: Any) -> LeafStep:
    """Bernstein et al. (2018), algorithm 1."""
    return lambda t, g, p: np.where(g > 0, -at(rate, t), np.where(g < 0, at(rate, t), 0.0))


def lion(rate: Any, b1: float = 0.9, b2: float = 0.99, *, weight_decay: float = 0.0) -> LeafStep:
    """Chen et al. (2023), algorithm 2."""
    m: Any = 0.0

    def step(t: int, g: Leaf, p: Leaf) -> Leaf:
        nonlocal m
        c = b1 * m + (1 - b1) * g
        m = b2 * m + (1 - b2) * g
        update: Leaf = -at(rate, t) * (np.sign(c) + weight_decay * p)
        return update

    return step


def rprop(
    rate: Any, eta_minus: float = 0.5, eta_plus: float = 1.2, *, smallest: float = 1e-6, largest: float = 50.0
) -> LeafStep:
    """Riedmiller & Braun (1993), section III, number by number, without backtracking."""
    sizes: dict[tuple[int, ...], float] = {}
    last: dict[tuple[int, ...], float] = {}

    def step(t: int, g: Leaf, p: Leaf) -> Leaf:
        out = np.zeros_like(g)
        for i in np.ndindex(g.shape):
            now, size, before = float(g[i]), sizes.get(i, at(rate, t)), last.get(i, 0.0)
            if now * before > 0:
                size = min(size * eta_plus, largest)
            elif now * before < 0:
                size, now = max(size * eta_minus, smallest), 0.0
            out[i] = -size * np.sign(now)
            sizes[i], last[i] = size, now
        return out

    return step


def scale(factor: Any) -> LeafStep:
    """A factor."""
    return lambda t, g, p: at(factor, t) * g


def clip(limit: float) -> LeafStep:
    """Number by number."""
    return lambda t, g, p: np.minimum(np.maximum(g, -limit), limit)


def set_to_zero() -> LeafStep:
    """Nothing."""
    return lambda t, g, p: np.zeros_like(g)


def ema(decay: float = 0.999) -> LeafStep:
    """Updates pass."""
    return lambda t, g, p: g
