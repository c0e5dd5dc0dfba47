"""A layer of one's own, held to the laws; and the same layer with a fault, found by them.

    python examples/own_layer.py         a report on the layer, then the message about the fault
    python -m pytest examples/own_layer.py     the laws as tests, one line for the layer
"""

from __future__ import annotations

import sys

import numpy as np

from funcnn import Array, Layer, Pullback, Shape, Spec, Tree, layer
from funcnn.authoring import axes, leaves
from funcnn.initializers import ones
from funcnn.testing import LawBroken, Report, holds, laws, shapes


@layer
def LearnedSwish(*, fault: bool = False) -> Layer[Array, Array]:
    """Swish whose slope is learned for every feature, `y = x s` with `s = sigmoid(slope x)`.

    Shapes
        x, y    (..., n)
        params  {"slope": (n,)}
    Pullback
        dslope = sum over the batch of x^2 s (1 - s) dy      dx = (s + slope x s (1 - s)) dy
    Source: Ramachandran, Zoph & Le, Searching for Activation Functions (2017).

    With `fault` the gradient of the slope lacks one factor x: it has the right shape, and training would not complain.
    """

    def out_shape(shape: Shape) -> Shape:
        return axes("LearnedSwish", shape, at_least=1)

    def spec(shape: Shape) -> Spec:
        return {"slope": (ones, axes("LearnedSwish", shape, at_least=1)[-1:])}

    def rule(params: Tree, x: Array) -> tuple[Array, Pullback]:
        (slope,) = leaves(params, "slope")
        s = 0.5 + 0.5 * np.tanh(0.5 * slope * x)  # the sigmoid, without overflow

        def pullback(dy: Array) -> tuple[Tree, Array]:
            bend = s * (1 - s) * dy
            each = x * bend if fault else x * x * bend
            return {"slope": each.reshape(-1, x.shape[-1]).sum(0)}, s * dy + slope * x * bend

        return x * s, pullback

    return Layer.of(out_shape, spec, rule)


TestLearnedSwish = laws(LearnedSwish(), shapes("B", ..., "D"), kinks=False, analytic=True)


def main() -> tuple[Report, str]:
    """The report on the layer, and what is said about the fault."""
    report = holds(LearnedSwish(), shapes("B", ..., "D"), kinks=False, analytic=True, report=True)
    print(report)
    try:
        holds(LearnedSwish(fault=True), shapes("B", ..., "D"))
    except LawBroken as broken:
        print(f"\n{broken}")
        return report, str(broken)
    sys.exit("the fault was not found")


if __name__ == "__main__":
    main()
