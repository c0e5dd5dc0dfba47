"""Adam and its kind: steps scaled by running moments of the gradient."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from funcnn.arguments import finite_positive, is_number, probability
from funcnn.kernels import updates as kernel
from funcnn.kernels.adam_later import adam_later
from funcnn.kernels.pending import zeros
from funcnn.optimizers.definition import Optimizer, optimizer, sweeping
from funcnn.optimizers.flat import checked_state, flat, flat_like
from funcnn.optimizers.groups import Table, grouping
from funcnn.params import Params, ParamsLike
from funcnn.params.layouts import Layout
from funcnn.params.packing import own
from funcnn.params.waiting import own_later, step_of
from funcnn.schedules import Rate, Schedule
from funcnn.schedules.definition import rates
from funcnn.types import Array, Where

Spans: TypeAlias = "tuple[tuple[int, int], ...]"


class AdamState(NamedTuple):
    """`step` updates have been made; `m` is the decaying sum of the gradients, `v` the running mean of their squares.

    The first moment of the paper is `(1 - b1) m`, the second is `v`. In float32 `v` holds gradients up to 5.8e20 with
    the usual b2; what is larger makes it infinite, and is an error of `fit`. Now and then numbers within a
    million times the smallest normal one (1.2e-32 in float32) are set to zero, as denormal numbers are slow.
    """

    step: int
    m: Params
    v: Params


@optimizer
def adam(rate: Rate, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8) -> Optimizer[AdamState]:
    """Adam, `update = -rate m_hat / (sqrt(v_hat) + eps)`.

    m_hat and v_hat are the running means of the gradient and of its square, corrected for their start at zero: with
    `m = b1 m + (1 - b1) g` it is `m_hat = m / (1 - b1^t)`, likewise v_hat with b2 and g^2. `eps` is added outside the
    square root and after the correction, as in algorithm 1 of the paper.

    Errors
        ValueError   `rate` or `eps` is not positive and finite, `b1` or `b2` is not in [0, 1)
    Source: Kingma & Ba, Adam: A Method for Stochastic Optimization (ICLR 2015), algorithm 1.

    >>> adam(1e-3, b2=0.99)
    adam(0.001, b2=0.99)
    """
    return _adam("adam", rates(rate, where="adam"), b1, b2, eps, 0.0, lambda p, layout: ())


@optimizer
def scale_by_adam(b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8) -> Optimizer[AdamState]:
    """Adam without its rate, `update = m_hat / (sqrt(v_hat) + eps)`: a part of a chain, which gives gradients, not steps.

    `chain(scale_by_adam(), scale_by_rate(rate))` is `adam(rate)`, but for rounding.

    Errors
        ValueError   `eps` is not positive and finite, `b1` or `b2` is not in [0, 1)
    Source: Kingma & Ba, Adam: A Method for Stochastic Optimization (ICLR 2015), algorithm 1; as a part of a chain it is
    optax's.

    >>> from funcnn.optimizers import scale_by_adam
    >>> part = scale_by_adam()
    >>> params, grads = {"w": np.zeros(2)}, {"w": np.array([4.0, -0.5])}
    >>> part.update(grads, part.init(params), params)[0].at("w").round(6)
    array([ 1., -1.])
    """
    return _adam("scale_by_adam", lambda step: -1.0, b1, b2, eps, 0.0, lambda p, layout: ())


@optimizer
def adamw(
    rate: Rate,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
    *,
    weight_decay: float = 1e-4,
    where: Where = None,
) -> Optimizer[AdamState]:
    """Adam with decoupled weight decay, `update = -rate (m_hat / (sqrt(v_hat) + eps) + weight_decay p)`.

    Leaves with at least two axes decay, so that biases, scales and statistics do not, or those that `where` chooses: a
    pattern of paths such as `"**/w"`, or a predicate `(path, array) -> bool`.

    Errors
        ValueError    as `adam`; `weight_decay` is negative or not finite
        ParamsError   `where` chooses no leaf; from `init`
    Source: Loshchilov & Hutter, Decoupled Weight Decay Regularization (ICLR 2019), algorithm 2, the rate multiplying
    the decay too.

    >>> adamw(1e-3, weight_decay=0.01, where="encoder/**")
    adamw(0.001, weight_decay=0.01, where='encoder/**')
    """
    decays = decay_factor("adamw", weight_decay)
    return _adam("adamw", rates(rate, where="adamw"), b1, b2, eps, decays, decaying("adamw", where))


def decay_factor(name: str, weight_decay: float) -> float:
    """How much decays, as a number of Python's.

    Errors
        ValueError   it is negative or not finite
    """
    if not (is_number(weight_decay) and 0 <= weight_decay < math.inf):
        raise ValueError(f"{name}: weight_decay must be in [0, inf), got {weight_decay!r}")
    return float(weight_decay)


def decaying(name: str, where: Where) -> Callable[[Array, Layout], Spans]:
    """Where the leaves that decay lie in the vector of the params."""
    groups = grouping(name, Table(((where, 1.0),), 0.0))

    def spans(p: Array, layout: Layout) -> Spans:
        return tuple((start, end) for start, end, (decays,) in groups(p, layout) if decays)

    return spans


def _adam(
    name: str, read: Schedule, b1: float, b2: float, eps: float, decay: float, spans: Callable[[Array, Layout], Spans]
) -> Optimizer[AdamState]:
    probability(name, b1=b1, b2=b2)
    finite_positive(name, eps=eps)
    b1, b2, eps = float(b1), float(b2), float(eps)  # NumPy scalars would make float32 params float64

    interval = kernel.flush_interval(b1, b2)

    def init(params: ParamsLike) -> AdamState:
        p, layout = flat(params)
        spans(p, layout)
        nothing = own(layout, zeros(p))
        return AdamState(0, nothing, nothing)

    def sweep(
        g: list[Array], state: AdamState, p: Array, layout: Layout, onto: Array | None
    ) -> tuple[Array, AdamState, bool]:
        checked_state(name, state, AdamState)
        m, v = flat_like(layout, state.m, p, "state/m"), flat_like(layout, state.v, p, "state/v")
        step_rate, t = read(state.step), state.step + 1
        scale, inner = kernel.adam_scalars(t, step_rate, b1, b2, eps)
        where = spans(p, layout)
        decays = kernel.Decay(p, -step_rate * decay, where) if where else None
        moved, m, v, finite = kernel.adam(g, m, v, b1, b2, scale, inner, onto, decays, t % interval == 0)
        return moved, AdamState(t, own(layout, m), own(layout, v)), finite

    def later(g: list[Array], state: AdamState, params: Params) -> tuple[Params, AdamState, bool] | None:
        checked_state(name, state, AdamState)
        p, layout = flat(params)
        t = state.step + 1
        m, v = flat_like(layout, state.m, p, "state/m"), flat_like(layout, state.v, p, "state/v")
        step_rate = read(state.step)
        scale, inner = kernel.adam_scalars(t, step_rate, b1, b2, eps)
        where = spans(p, layout)
        decays = kernel.Decay(p, -step_rate * decay, where) if where else None
        known = step_of(params)
        bounds = known.bounds if known and known is step_of(state.m) is step_of(state.v) else None
        step = adam_later(g, [p, m, v], bounds, b1, b2, scale, inner, decays, t % interval == 0)
        if step is None:
            return None
        after, *moments = (own_later(layout, step, i, Params) for i in range(3))
        return after, AdamState(t, *moments), True

    return Optimizer(init, sweeping(sweep, later))
