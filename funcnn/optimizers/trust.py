"""Steps as long as a share of what they change: LARS and LAMB, for large batches."""

from __future__ import annotations

from typing import NamedTuple


from funcnn.arguments import finite_positive, is_number, probability
from funcnn.optimizers.adaptive import AdamState, scale_by_adam
from funcnn.optimizers.chains import chain
from funcnn.optimizers.definition import Optimizer, optimizer
from funcnn.optimizers.descent import MomentumState, SgdState
from funcnn.optimizers.formulas import by_formula
from funcnn.optimizers.leafwise import by_leaf, norm
from funcnn.optimizers.parts import by_decay, scale_by_rate
from funcnn.schedules import Rate
from funcnn.types import Array, Where


class TrustState(NamedTuple):
    """`step` updates have been made."""

    step: int


@optimizer
def scale_by_trust_ratio(coefficient: float = 1.0, eps: float = 0.0) -> Optimizer[TrustState]:
    """Every leaf's gradients times `coefficient |p| / (|u| + eps)`; as they are where one of the two lengths is zero.

    Errors
        ValueError   `coefficient` is not positive and finite, `eps` is negative
    Source: You, Gitman & Ginsburg, Large Batch Training of Convolutional Networks (2017), equation 6; as a part of a
    chain it is optax's.

    >>> from funcnn.optimizers import scale_by_trust_ratio
    >>> part = scale_by_trust_ratio(0.5)
    >>> params, grads = Params({"w": np.array([4.0])}), Gradients({"w": np.array([-8.0])})
    >>> part.update(grads, part.init(params), params)[0].at("w")
    array([-2.])
    """
    finite_positive("scale_by_trust_ratio", coefficient=coefficient)
    if not (is_number(eps) and 0 <= eps < float("inf")):
        raise ValueError(f"scale_by_trust_ratio: eps must be a finite number of at least 0, got {eps!r}")
    share, small = float(coefficient), float(eps)

    def formula(t: int, rate: float, g: Array, p: Array) -> tuple[Array, ...]:
        size, step = norm(p), norm(g)
        return (g * (share * size / (step + small)) if size and step else g,)

    return by_leaf("scale_by_trust_ratio", TrustState, 1.0, lambda p: (), formula)


@optimizer
def scale_by_momentum(mass: float, *, nesterov: bool = False) -> Optimizer[MomentumState]:
    """The decaying sum of what comes in, `v' = mass v + u`; with `nesterov`, `mass v' + u`. A part of a chain.

    Errors
        ValueError   `mass` is not in [0, 1)
    Source: as `momentum` and `nesterov`; optax's `trace`.

    >>> from funcnn.optimizers import scale_by_momentum, scale_by_rate
    >>> chain(scale_by_momentum(0.9), scale_by_rate(0.1))
    chain(scale_by_momentum(0.9), scale_by_rate(0.1))
    """
    probability("scale_by_momentum", mass=mass)
    kept = float(mass)

    def formula(t: int, rate: float, g: Array, p: Array, velocity: Array) -> tuple[Array, ...]:
        velocity = kept * velocity + g
        return kept * velocity + g if nesterov else velocity.copy(), velocity

    return by_formula("scale_by_momentum", MomentumState, 1.0, formula, fading=(kept,))


@optimizer
def lamb(
    rate: Rate,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-6,
    *,
    weight_decay: float = 0.0,
    where: Where = None,
) -> Optimizer[tuple[AdamState, tuple[()], TrustState, SgdState]]:
    """Adam whose steps are as long as the leaves they change:
    `chain(scale_by_adam(b1, b2, eps), add_decayed_weights(weight_decay), scale_by_trust_ratio(), scale_by_rate(rate))`.

    Matrices decay, or the leaves that `where` chooses, as in `adamw`.

    Errors
        ValueError    as `adamw`
        ParamsError   `where` chooses no leaf; from `init`
    Source: You et al., Large Batch Optimization for Deep Learning (ICLR 2020), algorithm 2, with the identity for phi.

    >>> lamb(1e-3, weight_decay=0.01)
    lamb(0.001, weight_decay=0.01)
    """
    return chain(
        scale_by_adam(b1, b2, eps),
        by_decay("lamb", weight_decay, where),
        scale_by_trust_ratio(),
        scale_by_rate(rate),
    )


@optimizer
def lars(
    rate: Rate,
    mass: float = 0.9,
    *,
    weight_decay: float = 0.0,
    coefficient: float = 1e-3,
    where: Where = None,
) -> Optimizer[tuple[tuple[()], TrustState, SgdState, MomentumState]]:
    """Momentum whose steps are a share of the leaves they change:
    `chain(add_decayed_weights(weight_decay), scale_by_trust_ratio(coefficient), scale_by_rate(rate),
    scale_by_momentum(mass))`.

    Matrices decay, or the leaves that `where` chooses, as in `adamw`.

    Errors
        ValueError    `rate` or `coefficient` is not positive and finite, `mass` not in [0, 1), `weight_decay` negative
        ParamsError   `where` chooses no leaf; from `init`
    Source: You, Gitman & Ginsburg, Large Batch Training of Convolutional Networks (2017), algorithm 1.

    >>> lars(0.1)
    lars(0.1)
    """
    return chain(
        by_decay("lars", weight_decay, where),
        scale_by_trust_ratio(coefficient),
        scale_by_rate(rate),
        scale_by_momentum(mass),
    )


