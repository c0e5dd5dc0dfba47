"""Parts of chains: what gradients are made into before they are steps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from funcnn.arguments import is_number
from funcnn.errors import brief
from funcnn.kernels import updates as kernel
from funcnn.kernels.sweeps import Block
from funcnn.optimizers.adaptive import decay_factor, decaying
from funcnn.optimizers.definition import Optimizer, optimizer, sweeping
from funcnn.optimizers.descent import SgdState, by_rate
from funcnn.optimizers.flat import flat
from funcnn.optimizers.groups import Table, grouping
from funcnn.params import ParamsLike
from funcnn.params.layouts import Layout
from funcnn.schedules import Rate
from funcnn.types import Array, Where, is_mapping


@optimizer
def scale_by_rate(rate: Rate) -> Optimizer[SgdState]:
    """Gradients made into steps, `update = -rate g`: the last part of a chain. Alone it is `sgd`.

    Errors
        ValueError   `rate` is not positive and finite
    Source: optax's `scale_by_learning_rate`.

    >>> from funcnn.optimizers import scale_by_adam, scale_by_rate
    >>> chain(scale_by_adam(), scale_by_rate(exponential_decay(0.1, 1000, 0.5)))
    chain(scale_by_adam(), scale_by_rate(exponential_decay(0.1, 1000, 0.5)))
    """
    return by_rate("scale_by_rate", rate)


@optimizer
def add_decayed_weights(weight_decay: float, *, where: Where = None) -> Optimizer[tuple[()]]:
    """A share of the params is added to their gradients, `update = g + weight_decay p`.

    In front of a part that looks at gradients this is the penalty `weight_decay / 2 |p|^2`; behind it, decoupled decay:
    `chain(scale_by_adam(), add_decayed_weights(d), scale_by_rate(rate))` is `adamw(rate, weight_decay=d)`, but for
    rounding. Leaves with at least two axes decay, or those that `where` chooses, as in `adamw`.

    Errors
        ValueError    `weight_decay` is negative or not finite
        ParamsError   `where` chooses no leaf; from `init`
    Source: Loshchilov & Hutter, Decoupled Weight Decay Regularization (ICLR 2019), section 2; as a part of a chain it
    is optax's.

    >>> from funcnn.optimizers import add_decayed_weights
    >>> part = add_decayed_weights(0.5)
    >>> params = Params({"w": np.array([[2.0]]), "b": np.array([2.0])})
    >>> grads = Gradients({"w": np.array([[2.0]]), "b": np.array([2.0])})
    >>> updates, _ = part.update(grads, part.init(params), params)
    >>> updates.at("w"), updates.at("b")
    (array([[3.]]), array([2.]))
    """
    return by_decay("add_decayed_weights", weight_decay, where)


def by_decay(name: str, weight_decay: float, where: Where) -> Optimizer[tuple[()]]:
    """The part of the optimizer of this name that adds a share of the params to the gradients."""
    decay, spans = decay_factor(name, weight_decay), decaying(name, where)

    def init(params: ParamsLike) -> tuple[()]:
        spans(*flat(params))
        return ()

    def sweep(
        g: list[Array], state: tuple[()], p: Array, layout: Layout, onto: Array | None
    ) -> tuple[Array, tuple[()], bool]:
        moved, finite = kernel.decayed(g, kernel.Decay(p, decay, spans(p, layout)), onto)
        return moved, state, finite

    return Optimizer(init, sweeping(sweep))


@optimizer
def scaled(factors: Mapping[str, float]) -> Optimizer[tuple[()]]:
    """Updates times a factor, leaf by leaf, `update = factor u`: rates by groups of params, behind any optimizer.

    `factors` says it by pattern of paths; where several patterns match a leaf the first one counts, as in `by_label`,
    and where none does the factor is 1. With the factor 0 params stay as they are, while the states in front go on.

    Errors
        TypeError     `factors` is no mapping of patterns
        ValueError    there is none, or a factor is negative or not finite
        ParamsError   a pattern matches no path; from `init`
    Source: parameter groups, as in PyTorch; as a part of a chain it is optax's `multi_transform` of `scale`.

    >>> from funcnn.optimizers import scaled
    >>> optimizer = chain(sgd(1.0), scaled({"head/*": 1.0, "**": 0.1}))
    >>> params = Params({"body": {"w": np.ones(2)}, "head": {"w": np.ones(2)}})
    >>> updates, _ = optimizer.update(Gradients(params), optimizer.init(params), params)
    >>> updates.at("body/w"), updates.at("head/w")
    (array([-0.1, -0.1]), array([-1., -1.]))
    """
    if not is_mapping(factors) or not all(isinstance(pattern, str) for pattern in factors):
        raise TypeError(f"scaled: factors must be a mapping of patterns, {{'head/**': 0.1}}, got {brief(factors)}")
    if not factors or not all(is_number(factor) and 0 <= factor < math.inf for factor in factors.values()):
        raise ValueError(f"scaled: factors must be numbers in [0, inf), one at least, got {brief(factors)}")
    groups = grouping("scaled", Table(tuple((pattern, float(factor)) for pattern, factor in factors.items()), 1.0))

    def init(params: ParamsLike) -> tuple[()]:
        groups(*flat(params))
        return ()

    def sweep(
        g: list[Array], state: tuple[()], p: Array, layout: Layout, onto: Array | None
    ) -> tuple[Array, tuple[()], bool]:
        spans = [kernel.Span(start, end, _times(factor)) for start, end, (factor,) in groups(p, layout)]
        moved, _, finite = kernel.swept(g, p, (), spans, onto, False)
        return moved, state, finite

    return Optimizer(init, sweeping(sweep))


def _times(factor: float) -> Block:
    def block(g: Array, u: Array, p: Array, old: Sequence[Array], new: Sequence[Array]) -> None:
        np.multiply(g, factor, u)

    return block
