"""The law that an optimizer takes in float32 the steps that it takes in float64."""

from __future__ import annotations

from typing import Any

import numpy as np

from funcnn.params import Gradients, Params
from funcnn.params.leafwise import astype
from funcnn.testing import nested
from funcnn.testing.casebook.of_optimizers import OptimizerCase, by_path
from funcnn.testing.drawing.contents import coins
from funcnn.testing.judging.tolerances import shaken
from funcnn.testing.judging.verdicts import broken


def float32_tracks_float64(case: OptimizerCase) -> None:
    """Step by step, up to rounding."""
    high = case.walk(astype(case.params, np.float64), [astype(g, np.float64) for g in case.gradients])
    unit = float(np.finfo(np.float32).eps)
    for i, (updates, _, _) in enumerate(case.walk()):
        wanted = by_path(high[i][0])
        size = max([nested.largest(a) for a in wanted.values()], default=0.0)
        for path, a in by_path(updates).items():
            off, allowed = nested.largest(a - wanted[path]), 1024 * unit * (size + 1e-3)
            if not off <= allowed and not off <= 16 * _moves(case, i, path, wanted[path]):
                raise broken(f"step {i + 1}, {path}: float32 is off by {off:.3g}, rounding allows {allowed:.3g}")


def _moves(case: OptimizerCase, step: int, path: str, wanted: Any) -> float:
    """How far an update in float64 moves when all that is given moves by one unit of float32, and the params at every
    step by one or to where float32 has numbers: by much near a jump, as where they come to lie at 0, or just beside it.
    """
    rng, unit = case.generator("wiggle"), float(np.finfo(np.float32).eps)
    found = [0.0]

    def beside(a: Any, b: Any) -> Any:
        return b + unit * np.abs(a) * coins(rng, a.shape)

    def on_the_grid(a: Any, b: Any) -> Any:
        apart: Any = np.maximum(unit * np.abs(a), 1e-30)  # where there was nothing, every number has room
        return (b / apart).round() * apart

    for trial in range(8):
        to = (beside, on_the_grid)[trial % 2]

        def rounded(before: Params, after: Params, to: Any = to) -> Params:
            return Params(nested.mapped(to, before, after))

        params, *gradients = (nested.mapped(lambda a: shaken(rng, a.astype(np.float64), unit), tree)
                              for tree in (case.params, *case.gradients))  # fmt: skip
        there = by_path(case.walk(Params(params), [Gradients(g) for g in gradients], rounded)[step][0])[path]
        found.append(nested.largest(there - wanted))
    return max(found)
