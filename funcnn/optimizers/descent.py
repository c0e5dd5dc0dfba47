"""Gradient descent, plain and with momentum."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from funcnn.arguments import probability
from funcnn.kernels import updates as kernel
from funcnn.optimizers.definition import Optimizer, optimizer, sweeping
from funcnn.optimizers.flat import checked_state, flat, flat_like
from funcnn.params import Params, ParamsLike
from funcnn.params.layouts import Layout
from funcnn.params.packing import own
from funcnn.schedules import Rate
from funcnn.schedules.definition import rates
from funcnn.types import Array


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
    """Gradient descent, `update = -rate g`. A step of a large `Embedding` costs as much as the rows it uses.

    Errors
        ValueError   `rate` is not positive and finite
    Source: Goodfellow, Bengio & Courville, Deep Learning (2016), algorithm 8.1.

    >>> sgd(0.1)
    sgd(0.1)
    """
    return by_rate("sgd", rate)


def by_rate(name: str, rate: Rate) -> Optimizer[SgdState]:
    """The optimizer of this name whose updates are the gradients times minus the rate."""
    read = rates(rate, where=name)

    def init(params: ParamsLike) -> SgdState:
        flat(params)
        return SgdState(0)

    def sweep(
        g: list[Array], state: SgdState, p: Array, layout: Layout, onto: Array | None
    ) -> tuple[Array, SgdState, bool]:
        checked_state(name, state, SgdState)
        moved, finite = kernel.descended(g, -read(state.step), onto)
        return moved, SgdState(state.step + 1), finite

    return Optimizer(init, sweeping(sweep))


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

    def init(params: ParamsLike) -> MomentumState:
        p, layout = flat(params)
        return MomentumState(0, own(layout, np.zeros_like(p)))

    def sweep(
        g: list[Array], state: MomentumState, p: Array, layout: Layout, onto: Array | None
    ) -> tuple[Array, MomentumState, bool]:
        checked_state("momentum", state, MomentumState)
        velocity, t = flat_like(layout, state.velocity, p, "state"), state.step + 1
        moved, velocity, finite = kernel.momentum(g, velocity, mass, -read(state.step), onto, t % interval == 0)
        return moved, MomentumState(t, own(layout, velocity)), finite

    return Optimizer(init, sweeping(sweep))
