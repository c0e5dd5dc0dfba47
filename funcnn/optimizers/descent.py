"""Gradient descent, plain and with momentum."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from funcnn.arguments import probability
from funcnn.kernels import updates as kernel
from funcnn.optimizers.definition import Optimizer, Update, checked_state, flat, flat_like, optimizer, pieces_like
from funcnn.params import Params
from funcnn.params.packing import own
from funcnn.schedules import Rate, rates
from funcnn.types import Tree


class SgdState(NamedTuple):
    """`step` updates have been made."""

    step: int


class MomentumState(NamedTuple):
    """`step` updates have been made; `velocity` is the decaying sum of the gradients.

    Numbers near the denormal ones are set to zero as in `AdamState`.
    """

    step: int
    velocity: Params


@optimizer
def sgd(rate: Rate) -> Optimizer[SgdState]:
    """Gradient descent, `update = -rate g`.

    Errors
        ValueError   `rate` is not positive and finite
    Source: Goodfellow, Bengio & Courville, Deep Learning (2016), algorithm 8.1.

    >>> sgd(0.1)
    sgd(0.1)
    """
    return scaled("sgd", rate)


def scaled(name: str, rate: Rate) -> Optimizer[SgdState]:
    """The optimizer of this name whose updates are the gradients times minus the rate."""
    read = rates(rate, where=name)

    def init(params: Tree) -> SgdState:
        flat(params)
        return SgdState(0)

    def advance(grads: Tree, state: SgdState, params: Tree, *, onto: bool) -> tuple[Params, SgdState, bool]:
        checked_state(name, state, SgdState)
        p, layout = flat(params)
        g = pieces_like(layout, grads, p, "grads")
        moved, finite = kernel.descended(g, -read(state.step), p if onto else None)
        return own(layout, moved), SgdState(state.step + 1), finite

    return Optimizer(init, Update(advance))


@optimizer
def momentum(rate: Rate, mass: float) -> Optimizer[MomentumState]:
    """Gradient descent with momentum, `velocity' = mass velocity + g`, `update = -rate velocity'`.

    Errors
        ValueError   `rate` is not positive and finite, `mass` is not in [0, 1)
    Source: Polyak, Some methods of speeding up the convergence of iteration methods (1964); the form is that of
    `jax.example_libraries.optimizers.momentum`.

    >>> momentum(exponential_decay(0.1, 1000, 0.5), 0.9)
    momentum(exponential_decay(0.1, 1000, 0.5), 0.9)
    """
    read = rates(rate, where="momentum")
    probability("momentum", mass=mass)
    mass = float(mass)  # a NumPy scalar would make float32 params float64

    interval = kernel.flush_interval(mass)

    def init(params: Tree) -> MomentumState:
        p, layout = flat(params)
        return MomentumState(0, own(layout, np.zeros_like(p)))

    def advance(grads: Tree, state: MomentumState, params: Tree, *, onto: bool) -> tuple[Params, MomentumState, bool]:
        checked_state("momentum", state, MomentumState)
        p, layout = flat(params)
        g = pieces_like(layout, grads, p, "grads")
        velocity = flat_like(layout, state.velocity, p, "state")
        t, at = state.step + 1, p if onto else None
        moved, velocity, finite = kernel.momentum(g, velocity, mass, -read(state.step), at, t % interval == 0)
        return own(layout, moved), MomentumState(t, own(layout, velocity)), finite

    return Optimizer(init, Update(advance))
