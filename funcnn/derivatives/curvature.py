"""Products with second derivatives of objectives: the Hessian, and Gauss and Newton's part of it."""

from __future__ import annotations

from typing import TypeVar

from funcnn.calculus import force
from funcnn.derivatives.forward import at_network, direction
from funcnn.derivatives.objectives import REQUIRED, Objective, checked_objective
from funcnn.derivatives.opened import Opened
from funcnn.derivatives.stepping import (
    analytic, derivative, derivative_of_gradients, like_cotangent, moved, ordered, unit,
)  # fmt: skip
from funcnn.foreign.calls import understood
from funcnn.keys import Rng
from funcnn.losses.reductions import Weights
from funcnn.params import Gradients, ParamsLike
from funcnn.types import Tree

X = TypeVar("X")
Y = TypeVar("Y")
T = TypeVar("T")


@understood
def hvp(
    objective: Objective[X, Y, T],
    params: ParamsLike,
    vector: Tree,
    x: X,
    target: T,
    *,
    weights: Weights | None = None,
    rng: Rng | None = REQUIRED,
) -> Gradients:
    """The Hessian of an objective by the params, times a vector: `d/ds` of its gradient at `params + s vector`.

    One complex step of the gradient, penalties included: exact to rounding where the rules are analytic, at the price
    of a gradient in complex numbers. At kinks (Relu, MaxPool, absolute values) it is that of the piece the point lies
    in. Leaves that the vector leaves out are zero in it.

    Shapes
        vector   a tree like the params, or a part of it
        value    a tree like the params
    Errors
        as for the objective, and
        TypeError          it is no objective, see `value_and_grad`
        ParamsError, ShapeError   the vector is not like the params
        NotAnalyticError   a layer that is not the library's own loses imaginary parts; by its path
    Source: Pearlmutter, Fast Exact Multiplication by the Hessian (1994), taken by a complex step (Squire & Trapp 1998).

    >>> net = Dense(1)
    >>> _, params = net.init(0, (-1, 2), dtype=np.float64)
    >>> x = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> objective = value_and_grad(squared_error, net.apply)
    >>> hvp(objective, params, {"w": np.array([[1.0], [0.0]])}, x, np.zeros((2, 1))).at("w")  # 2 x^T x / n times it
    array([[10.],
           [14.]])
    """
    run = Opened(checked_objective("hvp", objective), params, x, target, weights, rng)
    with at_network(objective.apply):
        analytic(objective.apply.definition, run.params, run.x, run.key)
        d = direction(run.params, vector)
        by = unit(d)
        _, gradients = run.pulled(moved(run.params, d, by))
        return run.sealed(derivative_of_gradients(gradients, run.params, by))


@understood
def ggn_vp(
    objective: Objective[X, Y, T],
    params: ParamsLike,
    vector: Tree,
    x: X,
    target: T,
    *,
    weights: Weights | None = None,
    rng: Rng | None = REQUIRED,
) -> Gradients:
    """Gauss and Newton's matrix times a vector: `J^T H J v`, J the network's Jacobian, H the loss's Hessian by it.

    It leaves out the network's own second derivatives, so that it is never indefinite where the loss is convex in the
    prediction; for a network linear in its params it is `hvp`. Penalties are not in it.

    Shapes and errors as for `hvp`.

    Source: Schraudolph, Fast Curvature Matrix-Vector Products for Second-Order Gradient Descent (2002), section 3.

    >>> net = Dense(1)
    >>> _, params = net.init(0, (-1, 2), dtype=np.float64)
    >>> x = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> objective = value_and_grad(squared_error, net.apply)
    >>> ggn_vp(objective, params, {"w": np.array([[1.0], [0.0]])}, x, np.zeros((2, 1))).at("w")
    array([[10.],
           [14.]])
    """
    run = Opened(checked_objective("ggn_vp", objective), params, x, target, weights, rng)
    with at_network(objective.apply):
        apply, loss = objective.apply, objective.loss
        analytic(apply.definition, run.params, run.x, run.key)
        y, back = apply.rule(run.params, run.x, *run.key)
        d = direction(run.params, vector)
        by = unit(d)
        along = apply.value(moved(run.params, d, by), run.x, *run.key)
        _, pull = loss.rule(like_cotangent(along, along), target, weights)
        curved = derivative(force(pull(1.0)[0]), y, by)
        return run.sealed(ordered(back(curved)[0], run.params))
