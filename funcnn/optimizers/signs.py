"""Steps by the sign of gradients, and steps that look ahead: sign descent, Lion, Rprop, Nesterov."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from funcnn.arguments import finite_positive, is_number, probability
from funcnn.optimizers.definition import Optimizer, optimizer
from funcnn.optimizers.descent import MomentumState, SgdState
from funcnn.optimizers.formulas import by_formula, mean
from funcnn.params import Params
from funcnn.schedules import Rate
from funcnn.types import Array


class LionState(NamedTuple):
    """`step` updates have been made; `m` is the running mean of gradients."""

    step: int
    m: Params


class RpropState(NamedTuple):
    """`step` updates have been made; the size of every number's steps, 0 before the first, and its last gradient."""

    step: int
    sizes: Params
    last: Params


@optimizer
def nesterov(rate: Rate, mass: float = 0.9) -> Optimizer[MomentumState]:
    """Gradient descent with Nesterov's momentum, `v' = mass v + g`, `update = -rate (mass v' + g)`.

    Errors
        ValueError   `rate` is not positive and finite, `mass` is not in [0, 1)
    Source: Nesterov, A method of solving a convex programming problem with convergence rate O(1/k^2) (1983), in the form
    of Sutskever et al. (2013); as `jax.example_libraries.optimizers.nesterov`.

    >>> nesterov(0.1, 0.5)
    nesterov(0.1, 0.5)
    """
    probability("nesterov", mass=mass)
    kept = float(mass)

    def formula(t: int, rate: float, g: Array, p: Array, velocity: Array) -> tuple[Array, ...]:
        velocity = kept * velocity + g
        return -rate * (kept * velocity + g), velocity

    return by_formula("nesterov", MomentumState, rate, formula, fading=(kept,))


@optimizer
def sign_sgd(rate: Rate) -> Optimizer[SgdState]:
    """Steps of one size, `update = -rate sign(g)`.

    Errors
        ValueError   `rate` is not positive and finite
    Source: Bernstein et al., signSGD (ICML 2018), algorithm 1.

    >>> optimizer = sign_sgd(0.1)
    >>> params, grads = Params({"w": np.zeros(2)}), Gradients({"w": np.array([2.0, -0.5])})
    >>> optimizer.update(grads, optimizer.init(params), params)[0].at("w")
    array([-0.1,  0.1])
    """

    def formula(t: int, rate: float, g: Array, p: Array) -> tuple[Array, ...]:
        return (-rate * np.sign(g),)

    return by_formula("sign_sgd", SgdState, rate, formula)


@optimizer
def lion(rate: Rate, b1: float = 0.9, b2: float = 0.99, *, weight_decay: float = 0.0) -> Optimizer[LionState]:
    """Lion, `update = -rate (sign(b1 m + (1 - b1) g) + weight_decay p)`, `m' = b2 m + (1 - b2) g`.

    Rates are three to ten times smaller than Adam's, and decays as much larger. All leaves decay; for some of them,
    `chain(lion(...), ...)` with `add_decayed_weights`.

    Errors
        ValueError   `rate` is not positive and finite, `b1` or `b2` is not in [0, 1), `weight_decay` is negative
    Source: Chen et al., Symbolic Discovery of Optimization Algorithms (NeurIPS 2023), algorithm 2.

    >>> lion(1e-4, weight_decay=0.1)
    lion(0.0001, weight_decay=0.1)
    """
    probability("lion", b1=b1, b2=b2)
    if not (is_number(weight_decay) and 0 <= weight_decay < float("inf")):
        raise ValueError(f"lion: weight_decay must be in [0, inf), got {weight_decay!r}")
    b1, b2, decay = float(b1), float(b2), float(weight_decay)

    def formula(t: int, rate: float, g: Array, p: Array, m: Array) -> tuple[Array, ...]:
        return -rate * (np.sign(mean(m, g, b1)) + decay * p), mean(m, g, b2)

    return by_formula("lion", LionState, rate, formula, fading=(b2,))


@optimizer
def rprop(
    rate: Rate, eta_minus: float = 0.5, eta_plus: float = 1.2, *, smallest: float = 1e-6, largest: float = 50.0
) -> Optimizer[RpropState]:
    """Rprop: every number has a step of its own, from `rate`, which grows while the gradient keeps its sign.

    `size' = size eta_plus` where the gradient has the sign of the last one, `size eta_minus` where it has another, kept
    between `smallest` and `largest`; `update = -size' sign(g)`, but 0 once after a change of sign. For gradients of all
    the data: those of batches change their sign by chance.

    Errors
        ValueError   `rate` or a size is not positive and finite, `eta_minus` is not in (0, 1), `eta_plus` not above 1
    Source: Riedmiller & Braun, A Direct Adaptive Method for Faster Backpropagation Learning (1993), section III; the
    form without backtracking, as in PyTorch and optax.

    >>> rprop(1e-2)
    rprop(0.01)
    """
    finite_positive("rprop", eta_minus=eta_minus, eta_plus=eta_plus, smallest=smallest, largest=largest)
    if not (eta_minus < 1 < eta_plus and smallest <= largest):
        raise ValueError(
            f"rprop: eta_minus must be below 1, eta_plus above, and smallest at most largest; got {eta_minus}, "
            f"{eta_plus}, {smallest}, {largest}"
        )
    down, up, low, high = float(eta_minus), float(eta_plus), float(smallest), float(largest)

    def formula(t: int, rate: float, g: Array, p: Array, sizes: Array, last: Array) -> tuple[Array, ...]:
        sizes = np.where(sizes == 0, rate, sizes).astype(g.dtype)
        turn = np.sign(g) * np.sign(last)
        sizes = np.where(turn == 0, sizes, np.clip(sizes * np.where(turn > 0, up, down), low, high)).astype(g.dtype)
        g = np.where(turn < 0, 0, g).astype(g.dtype)
        return -sizes * np.sign(g), sizes, g

    return by_formula("rprop", RpropState, rate, formula)
