"""An objective behind its door: params, input and key as rules take them, for whoever runs the rules anew."""

from __future__ import annotations

from operator import add
from typing import Any

from funcnn.calculus import force
from funcnn.derivatives.forward import at_network
from funcnn.derivatives.objectives import Objective, answered
from funcnn.derivatives.stepping import ordered
from funcnn.keys import as_key
from funcnn.nested import mapped
from funcnn.params import Gradients


class Opened:
    """What an objective got, checked once.

    Errors
        as for the objective
    """

    def __init__(self, objective: Objective[Any, Any, Any], params: Any, x: Any, target: Any, weights: Any, rng: Any):
        apply = objective.apply
        rng = answered(apply, rng)
        self.objective, self.given, self.target, self.weights = objective, params, target, weights
        self.key: tuple[Any, ...] = (None if rng is None else as_key(rng),) if apply.random else ()
        with at_network(apply):
            self.params, self.x = apply.door.enter(params, x)

    def pulled(self, params: Any) -> tuple[Any, Any]:
        """The value and the gradients at params that may be complex: of the loss of the network, and of penalties."""
        y, back = self.objective.apply.rule(params, self.x, *self.key)
        value, pull = self.objective.loss.rule(y, self.target, self.weights)
        gradients, _ = back(force(pull(1.0)[0]))
        gradients = ordered(gradients, params) if self.objective.penalties else gradients
        for penalty in self.objective.penalties:
            more, pull_back = penalty.rule(params)
            value, gradients = value + more, mapped(add, gradients, pull_back(1.0)[0])
        return value, gradients

    def sealed(self, gradients: Any) -> Gradients:
        """Gradients as people get them."""
        return self.objective.apply.door.gradients(self.given, self.params, gradients)
