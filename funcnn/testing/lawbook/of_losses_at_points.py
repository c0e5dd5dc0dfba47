"""Laws about a loss at one point that laws of layers say, too: a loss at its target is a function of the prediction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np

from funcnn.calculus import force
from funcnn.testing import nested
from funcnn.testing.casebook.of_losses import LossCase
from funcnn.testing.drawing.contents import signs
from funcnn.testing.judging.verdicts import FLOAT64, Law, Verdict
from funcnn.testing.lawbook.precision import full_precision
from funcnn.testing.lawbook.ties import at_ties


class AtItsTarget:
    """What these laws ask of a case of a layer: an input, a value, a pullback."""

    def __init__(self, case: LossCase) -> None:
        self._case = case
        self.generator, self.dtype, self.domain = case.generator, case.dtype, case.domain
        self.x, self.z = case.prediction, {"x": case.prediction}

    def bare_pull(self, z: Any) -> tuple[Any, Callable[[Any], dict[str, Any]]]:
        """The loss and its pullback, without the door."""
        value, back = self._case.loss.rule(z["x"], self._case.wanted, self._case.weights)
        return np.asarray(value), lambda dy: {"x": force(back(float(dy))[0])}

    def bare_value(self, z: Any) -> Any:
        """The loss."""
        return self.bare_pull(z)[0]

    def cotangent(self, y: Any) -> Any:
        """A cotangent of the number."""
        return signs(self.generator("dy"), y.shape)


def _of_loss(check: Callable[[Any], Verdict | None]) -> Callable[[LossCase], Verdict | None]:
    def checked(case: LossCase) -> Verdict | None:
        if not all(nested.is_real(a) for _, a in nested.leaves(case.prediction)):
            return Verdict.MOOT
        return check(cast(Any, AtItsTarget(case)))

    return checked


AT_TIES = Law(
    "at_ties",
    "where predictions are tied, zero, or at their targets, the pullback lies between the derivatives of the two sides",
    "numeric", _of_loss(at_ties), dtypes=FLOAT64, kinds=("ties",), shrinks=False,
)  # fmt: skip

FULL_PRECISION = Law(
    "full_precision", "in float64 the loss follows steps that float32 does not see",
    "numeric", _of_loss(full_precision), dtypes=FLOAT64, kinds=("normal",),
)  # fmt: skip
