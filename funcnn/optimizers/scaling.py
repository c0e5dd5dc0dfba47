"""Parts of chains that make gradients smaller: by a factor, by a limit."""

from __future__ import annotations

import numpy as np

from funcnn.arguments import finite_positive
from funcnn.optimizers.definition import Optimizer, optimizer
from funcnn.optimizers.descent import SgdState
from funcnn.optimizers.formulas import by_formula
from funcnn.schedules import Rate
from funcnn.types import Array


@optimizer
def scale(factor: Rate) -> Optimizer[SgdState]:
    """Gradients times a factor, or one by schedule, `update = factor g`. `scale_by_rate` is minus that.

    Errors
        ValueError   `factor` is not positive and finite
    Source: optax's `scale` and `scale_by_schedule`.

    >>> from funcnn.optimizers import scale
    >>> chain(scale(0.5), sgd(0.1))
    chain(scale(0.5), sgd(0.1))
    """

    def formula(t: int, rate: float, g: Array, p: Array) -> tuple[Array, ...]:
        return (rate * g,)

    return by_formula("scale", SgdState, factor, formula)


@optimizer
def clip(limit: float) -> Optimizer[SgdState]:
    """Every number of the gradients kept between -limit and limit. `clip_by_global_norm` keeps their direction.

    Errors
        ValueError   `limit` is not positive and finite
    Source: Goodfellow, Bengio & Courville, Deep Learning (2016), section 10.11.1.

    >>> from funcnn.optimizers import clip
    >>> part, params = clip(1.0), Params({"w": np.zeros(3)})
    >>> part.update({"w": np.array([-3.0, 0.5, 2.0])}, part.init(params), params)[0].at("w")
    array([-1. ,  0.5,  1. ])
    """
    finite_positive("clip", limit=limit)
    most = float(limit)

    def formula(t: int, rate: float, g: Array, p: Array) -> tuple[Array, ...]:
        return (np.clip(g, -most, most),)

    return by_formula("clip", SgdState, 1.0, formula)
