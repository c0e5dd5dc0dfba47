"""Parts of chains: what gradients are made into before they are steps."""

from __future__ import annotations

from funcnn.kernels import updates as kernel
from funcnn.optimizers.adaptive import chosen, decay_factor
from funcnn.optimizers.definition import Optimizer, Update, flat, optimizer, pieces_like
from funcnn.optimizers.descent import SgdState, scaled
from funcnn.params import Params
from funcnn.params.packing import own
from funcnn.schedules import Rate
from funcnn.types import Tree, Where


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
    return scaled("scale_by_rate", rate)


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
    decay, decaying = decay_factor("add_decayed_weights", weight_decay), chosen("add_decayed_weights", where)

    def init(params: Tree) -> tuple[()]:
        decaying(*flat(params))
        return ()

    def advance(grads: Tree, state: tuple[()], params: Tree, *, onto: bool) -> tuple[Params, tuple[()], bool]:
        p, layout = flat(params)
        g = pieces_like(layout, grads, p, "grads")
        moved, finite = kernel.decayed(g, kernel.Decay(p, decay, decaying(p, layout)), p if onto else None)
        return own(layout, moved), state, finite

    return Optimizer(init, Update(advance))
