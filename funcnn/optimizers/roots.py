"""Steps divided by the root of squared gradients: Adagrad, RMSProp, AdaDelta."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from funcnn.arguments import finite_positive, probability
from funcnn.optimizers.definition import Optimizer, optimizer
from funcnn.optimizers.formulas import by_formula, mean, mean_square
from funcnn.params import Params
from funcnn.schedules import Rate
from funcnn.types import Array


class AdagradState(NamedTuple):
    """`step` updates have been made; the sum of squared gradients, and the running mean of what is stepped."""

    step: int
    squares: Params
    velocity: Params


class RmspropState(NamedTuple):
    """`step` updates have been made; `squares` is the running mean of squared gradients."""

    step: int
    squares: Params


class RmspropMomentumState(NamedTuple):
    """As `RmspropState`; `velocity` is the decaying sum of the steps."""

    step: int
    squares: Params
    velocity: Params


class AdadeltaState(NamedTuple):
    """`step` updates have been made; running means of squared gradients and of squared moves."""

    step: int
    squares: Params
    moves: Params


@optimizer
def adagrad(rate: Rate, momentum: float = 0.9) -> Optimizer[AdagradState]:
    """Adagrad with momentum: `s' = s + g^2`, `v' = momentum v + (1 - momentum) g / sqrt(s')`, `update = -rate v'`.

    Where no gradient has ever been, nothing moves. With `momentum=0` it is the paper's own form: what has no gradient
    stays, so that a step of a large `Embedding` costs as much as the rows it uses, and the velocity is left at zero.

    Errors
        ValueError   `rate` is not positive and finite, `momentum` is not in [0, 1)
    Source: Duchi, Hazan & Singer, Adaptive Subgradient Methods (2011), section 1.1; the form is that of
    `jax.example_libraries.optimizers.adagrad`.

    >>> optimizer = adagrad(0.1, momentum=0.0)
    >>> params, grads = Params({"w": np.zeros(2)}), Gradients({"w": np.array([2.0, 0.0])})
    >>> optimizer.update(grads, optimizer.init(params), params)[0].at("w")
    array([-0.1, -0. ])
    """
    probability("adagrad", momentum=momentum)
    mass = float(momentum)

    def direction(g: Array, total: Array) -> Array:
        found: Array = np.where(total > 0, g, 0) / np.sqrt(np.where(total > 0, total, 1))
        return found

    def plain(t: int, rate: float, g: Array, p: Array, squares: Array) -> tuple[Array, ...]:
        total = squares + g * g
        return -rate * direction(g, total), total

    def formula(t: int, rate: float, g: Array, p: Array, squares: Array, velocity: Array) -> tuple[Array, ...]:
        total = squares + g * g
        velocity = mean(velocity, direction(g, total), mass)
        return -rate * velocity, total, velocity

    if not mass:
        return by_formula("adagrad", AdagradState, rate, plain, still=True, unused=("velocity",))
    return by_formula("adagrad", AdagradState, rate, formula)


@optimizer
def rmsprop(rate: Rate, gamma: float = 0.9, eps: float = 1e-8) -> Optimizer[RmspropState]:
    """RMSProp, `s' = gamma s + (1 - gamma) g^2`, `update = -rate g / sqrt(s' + eps)`.

    Errors
        ValueError   `rate` or `eps` is not positive and finite, `gamma` is not in [0, 1)
    Source: Tieleman & Hinton, Neural Networks for Machine Learning (2012), lecture 6.5; the form is that of
    `jax.example_libraries.optimizers.rmsprop`.

    >>> rmsprop(1e-2)
    rmsprop(0.01)
    """
    probability("rmsprop", gamma=gamma)
    finite_positive("rmsprop", eps=eps)
    decay, small = float(gamma), float(eps)

    def formula(t: int, rate: float, g: Array, p: Array, squares: Array) -> tuple[Array, ...]:
        squares = mean_square(squares, g, decay)
        return -rate * (g / np.sqrt(squares + small)), squares

    return by_formula("rmsprop", RmspropState, rate, formula, fading=(decay,))


@optimizer
def rmsprop_momentum(
    rate: Rate, gamma: float = 0.9, eps: float = 1e-8, momentum: float = 0.9
) -> Optimizer[RmspropMomentumState]:
    """RMSProp with momentum, `v' = momentum v + rate g / sqrt(s' + eps)`, `update = -v'`, and s as in `rmsprop`.

    Errors
        ValueError   `rate` or `eps` is not positive and finite, `gamma` or `momentum` is not in [0, 1)
    Source: as `rmsprop`; the form is that of `jax.example_libraries.optimizers.rmsprop_momentum`.

    >>> rmsprop_momentum(1e-2, momentum=0.5)
    rmsprop_momentum(0.01, momentum=0.5)
    """
    probability("rmsprop_momentum", gamma=gamma, momentum=momentum)
    finite_positive("rmsprop_momentum", eps=eps)
    decay, small, mass = float(gamma), float(eps), float(momentum)

    def formula(t: int, rate: float, g: Array, p: Array, squares: Array, velocity: Array) -> tuple[Array, ...]:
        squares = mean_square(squares, g, decay)
        velocity = mass * velocity + rate * (g / np.sqrt(squares + small))
        return -velocity, squares, velocity

    return by_formula("rmsprop_momentum", RmspropMomentumState, rate, formula, fading=(decay, mass))


@optimizer
def adadelta(rate: Rate = 1.0, rho: float = 0.9, eps: float = 1e-6) -> Optimizer[AdadeltaState]:
    """AdaDelta, `move = g sqrt(m + eps) / sqrt(s' + eps)`, `update = -rate move`.

    s and m are running means of squared gradients and of squared moves, `s' = rho s + (1 - rho) g^2`, so that moves have
    the unit of the params.

    Errors
        ValueError   `rate` or `eps` is not positive and finite, `rho` is not in [0, 1)
    Source: Zeiler, ADADELTA: An Adaptive Learning Rate Method (2012), algorithm 1.

    >>> adadelta()
    adadelta()
    """
    probability("adadelta", rho=rho)
    finite_positive("adadelta", eps=eps)
    decay, small = float(rho), float(eps)

    def formula(t: int, rate: float, g: Array, p: Array, squares: Array, moves: Array) -> tuple[Array, ...]:
        squares = mean_square(squares, g, decay)
        move = g * (np.sqrt(moves + small) / np.sqrt(squares + small))
        return -rate * move, squares, mean_square(moves, move, decay)

    return by_formula("adadelta", AdadeltaState, rate, formula, fading=(decay,))
