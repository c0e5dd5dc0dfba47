"""Adam for large tables: what has no gradient stays as it is."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from funcnn.arguments import finite_positive, probability
from funcnn.kernels.sweeps import Block
from funcnn.kernels.updates import adam_scalars
from funcnn.optimizers.adaptive import AdamState
from funcnn.optimizers.blockwise import blockwise
from funcnn.optimizers.definition import Optimizer, optimizer
from funcnn.schedules import Rate
from funcnn.schedules.definition import rates
from funcnn.types import Array


@optimizer
def sparse_adam(rate: Rate, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8) -> Optimizer[AdamState]:
    """Adam of those numbers that have a gradient, `update = -rate m_hat / (sqrt(v_hat) + eps)`; where the gradient is
    zero, the number and its moments stay as they are.

    m_hat and v_hat are those of `adam`, corrected for the number of all steps. `adam` goes on moving a row of an
    `Embedding` for steps in which its token did not occur, and lets its moments fade: the steps of rare tokens are
    shorter there, and a step goes over the whole table. This one costs as much as the rows that are used.

    Errors
        ValueError   `rate` or `eps` is not positive and finite, `b1` or `b2` is not in [0, 1)
    Source: Kingma & Ba, Adam: A Method for Stochastic Optimization (ICLR 2015), algorithm 1, as PyTorch's `SparseAdam`
    applies it: to rows, though, so that a number of a used row fades there even if its own gradient is exactly zero;
    and its `eps` is added before the corrections.

    >>> optimizer = sparse_adam(0.1)
    >>> params, grads = Params({"w": np.zeros(2)}), Gradients({"w": np.array([2.0, 0.0])})
    >>> params, state = optimizer.step(grads, optimizer.init(params), params)
    >>> params.at("w").round(6), state.v.at("w")
    (array([-0.1,  0. ]), array([0.004, 0.   ]))
    """
    probability("sparse_adam", b1=b1, b2=b2)
    finite_positive("sparse_adam", eps=eps)
    keep, fade, small = float(b1), float(b2), float(eps)
    root = math.sqrt(1 - fade)

    def rule(t: int, rate: float) -> Block:
        scale, inner = adam_scalars(t, rate, keep, fade, small)

        def block(g: Array, u: Array, p: Array, old: Sequence[Array], new: Sequence[Array]) -> None:
            (m, v), (a, b) = old, new
            np.multiply(m, keep, a)
            np.add(a, g, a)
            np.multiply(g, root, u)
            np.multiply(u, u, u)
            np.multiply(v, fade, b)
            np.add(b, u, b)
            np.sqrt(b, u)
            np.add(u, inner, u)
            np.divide(a, u, u)
            np.multiply(u, scale, u)
            if not g.all():
                still = g == 0
                for array, was in ((a, m), (b, v), (u, 0)):
                    np.copyto(array, was, where=still)

        return block

    return blockwise("sparse_adam", AdamState, rates(rate, where="sparse_adam"), rule, still=True)
