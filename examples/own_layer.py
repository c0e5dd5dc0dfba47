"""A layer of one's own, held to the laws; and the same layer with a fault, found by them.

    python examples/own_layer.py         a report on the layer, then the message about the fault
    python -m pytest examples/own_layer.py     the laws as tests, one line for the layer
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import matplotlib
import numpy as np

from funcnn import Array, Layer, Pullback, Shape, Spec, Tree, layer, vjp
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


def draw(path: Path) -> None:
    """The layer for several slopes, and its derivative."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, 2, figsize=(8, 3.5), layout="constrained")
    x = np.linspace(-4, 4, 200)[:, None]
    for slope in (0.5, 1.0, 2.0, 8.0):
        y, pullback = vjp(LearnedSwish().apply, {"slope": np.array([slope])}, x)
        for axes, values in zip(panels, (y, pullback(np.ones_like(y))[1]), strict=True):
            axes.plot(x[:, 0], values[:, 0], label=f"slope {slope:g}")
    panels[0].set(title="y = x sigmoid(slope x)", xlabel="x")
    panels[1].set(title="dy/dx, by the pullback", xlabel="x")
    panels[0].legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=80)
    pyplot.close(figure)


def main(arguments: list[str] | None = None) -> tuple[Report, str]:
    """The report on the layer, and what is said about the fault."""
    parser = argparse.ArgumentParser(description="A layer of one's own, held to the laws.")
    parser.add_argument("--quick", action="store_true", help="the same")
    parser.add_argument("--out", type=Path, help="the folder for a picture; without it there is none")
    options = parser.parse_args(arguments)
    if options.out is not None:
        draw(options.out / "own_layer.png")
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
