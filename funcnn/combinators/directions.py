"""bidirectional: a sequence read from both ends."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from funcnn.calculus import Later, force
from funcnn.combinators.fans import add
from funcnn.errors import ShapeError
from funcnn.inputs import Kind, part
from funcnn.kernels.real_steps import steps_at
from funcnn.kernels.sums import contiguous
from funcnn.keys import Key
from funcnn.layers.sequences import is_nested, masked_steps, sequence
from funcnn.networks import Child, Combined, Go, Layer, layer
from funcnn.networks.children import definition_of
from funcnn.pulling import Pulling
from funcnn.shapes import axes, branches, display
from funcnn.types import Array, Shape, Tree, is_tuple

A = TypeVar("A")


@layer
def bidirectional(f: Layer[A, Array], /) -> Layer[A, Array]:
    """A recurrent layer from the first step to the last, and another of its kind from the last to the first.

    The outputs of both stand beside each other, at the step that they belong to. Where f takes a mask, the real steps
    alone are turned round: what is not real stays in its place. Of a layer with `last=True` both last states are given.

    Shapes
        x       (batch, time, n), or the tuple of that and a mask (batch, time)
        params  {"forward": those of f, "backward": those of f}
        y       (batch, time, 2 units); where f gives one output for all steps, (batch, 2 units)
    Errors
        TypeError    the argument is no layer
        ShapeError   x is neither; f gives a tuple; or from f
    Pullback
        dx = forward's of the first half of dy, and backward's of the turned second half, turned
    Source: Schuster & Paliwal, Bidirectional Recurrent Neural Networks (1997).

    >>> bidirectional(LSTM(3)).out_shape((-1, 20, 5))
    (-1, 20, 6)
    """

    def build(forward: Child, backward: Child) -> Combined:
        def meets(shape: Shape, go: Go) -> Shape:
            x, *mask = branches("bidirectional", shape) if is_nested(shape) else (shape,)
            batch, time, _ = sequence("bidirectional", x)
            if len(mask) > 1:
                raise ShapeError(f"bidirectional takes x or (x, mask), got a tuple of {len(shape)}: {display(shape)}")
            for other in mask:
                masked_steps("bidirectional", other, batch, time)
            y = go(forward, shape)
            go(backward, shape)
            if is_nested(y):
                gives = f"each direction gives {display(y)}; drop state=True"
                raise ShapeError(f"bidirectional joins two arrays, but {gives}")
            *places, units = axes("bidirectional", y, at_least=2, empty=2)
            return (*places, 2 * units)

        def takes(out: Kind) -> Kind:
            return forward.takes(part(out, 0))

        def value(params: Tree, x: Any, rng: Key | None = None) -> Any:
            order = turned(x)
            y, z = forward.value(params, x, rng), backward.value(params, reordered(x, order), rng)
            return np.concatenate([y, z if z.ndim < 3 else reordered(z, order)], -1)

        def rule(params: Tree, x: Any, rng: Key | None = None) -> tuple[Any, Any]:
            order = turned(x)
            y, pull = forward.pull(params, x, rng)
            z, pull_back = backward.pull(params, reordered(x, order), rng)

            def run(d: Array, last: bool) -> tuple[Tree, Any]:
                dy, dz = d[..., : y.shape[-1]], d[..., y.shape[-1] :]
                dp, dx = pull.run(contiguous(dy), last)
                dq, dxt = pull_back.run(contiguous(dz) if z.ndim < 3 else reordered(dz, order), last)
                grads = forward.grads(dp) | backward.grads(dq)
                return grads, Later(lambda: add(force(dx), reordered(force(dxt), order)))

            return np.concatenate([y, z if z.ndim < 3 else reordered(z, order)], -1), Pulling(run)

        return Combined(meets, rule, value, takes, step="it reads from both ends")

    definition_of(f, where="bidirectional")
    return Layer.over((f.named("forward"), f.named("backward")), build, where="bidirectional")


def turned(x: Any) -> npt.NDArray[np.intp]:
    """The step that comes to each place, (batch, time): real steps in reverse, in the places of real steps."""
    xs, mask = x if is_tuple(x) else (x, None)
    batch, time = int(xs.shape[0]), int(xs.shape[1])
    here: npt.NDArray[np.intp] = np.arange(time, dtype=np.intp)
    if mask is None:
        return np.broadcast_to(here[::-1], (batch, time))
    real = np.argsort(~mask, axis=1, kind="stable")  # the places of the real steps first, in their order
    rank = np.cumsum(mask, axis=1)  # of a real step among them, from 1
    other = np.take_along_axis(real, np.where(mask, rank[:, -1:] - rank, 0), axis=1) if time else real
    return np.where(mask, other, here)


def reordered(x: Any, order: npt.NDArray[np.intp]) -> Any:
    """A sequence with its steps in this order; the mask beside it stays, for real steps change places with such."""
    if is_tuple(x):
        return (reordered(x[0], order), x[1])
    return steps_at(x, order)
