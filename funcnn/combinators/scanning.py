"""scan: a cell from step to step along a sequence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar, overload

import numpy as np

from funcnn.calculus import force
from funcnn.combinators.fans import add
from funcnn.combinators.nested import at_step, first_shape, leading, mapped_shape, stacked, summed, where, zeros_of
from funcnn.cotangents import zeros_like
from funcnn.inputs import Kind, part
from funcnn.keys import Key
from funcnn.layers.masks import zeroed
from funcnn.layers.sequences import expected, items, masked_steps
from funcnn.nested import mapped
from funcnn.networks import Child, Combined, Go, Layer, layer
from funcnn.pulling import Pulling
from funcnn.shapes import axes
from funcnn.types import Mask, Shape, Tree

A = TypeVar("A")
B = TypeVar("B")
S = TypeVar("S")


@overload
def scan(
    cell: Layer[tuple[A, S], tuple[B, S]], /, *, masked: Literal[False] = False, reverse: bool = False
) -> Layer[tuple[A, S], tuple[B, S]]: ...
@overload
def scan(
    cell: Layer[tuple[A, S], tuple[B, S]], /, *, masked: Literal[True], reverse: bool = False
) -> Layer[tuple[A, S, Mask], tuple[B, S]]: ...
@overload
def scan(
    cell: Layer[tuple[A, S], tuple[B, S]], /, *, masked: bool = False, reverse: bool = False
) -> Layer[tuple[A, S, *tuple[Any, ...]], tuple[B, S]]: ...
@layer
def scan(cell: Layer[Any, Any], /, *, masked: bool = False, reverse: bool = False) -> Layer[Any, Any]:
    """A cell from step to step along axis 1, with the same weights: `(y_t, s_t) = cell(x_t, s_(t-1))`.

    The state comes in and goes out by the tuple, `(xs, s_0) -> (ys, s_T)`. With `masked` a mask comes behind it, True
    where a step is real: at the other steps the cell sees 0, y is 0 and the state stays. With `reverse` it goes from
    the last step to the first. A cell that takes a key gets another one for every step.

    The law: `scan(LSTMCell(n))` is `LSTM(n, state=True)`, with the params of that under the name of the cell.

    Shapes
        input   (xs, s) or (xs, s, mask): xs (batch, time, ...), or a tuple of such; s a state that the cell takes; mask
                (batch, time)
        params  those of the cell, under its name
        output  (ys, s): ys (batch, time, ...), s as it came in
    Errors
        TypeError    the cell is no layer
        ShapeError   the input is no such tuple; the cell gives another shape of state than it takes; or from the cell
    Pullback: from the last step to the first, the cotangent of the state going along
        (dx_t, ds_(t-1)) = the cell's pullback of (dy_t, ds_t)      dparams = the sum of those of all steps
    Source: Werbos, Backpropagation Through Time (1990); the combinator is the scan of functional languages, Bird &
    Wadler, Introduction to Functional Programming (1988), section 3.5.

    >>> scan(LSTMCell(3)).out_shape(((-1, 20, 5), ((-1, 3), (-1, 3))))
    ((-1, 20, 3), ((-1, 3), (-1, 3)))
    """

    def build(child: Child) -> Combined:
        where_told = f"scan of {child.name}"

        def meets(shape: Shape, go: Go) -> Shape:
            xs, state, *mask = items("scan", shape, ("xs", "state", *("mask",) * masked), {"mask": "masked=True"})
            batch, time = axes("scan", first_shape(xs), at_least=2, empty=2)[:2]
            if masked:
                masked_steps("scan", mask[0], batch, time)

            def one_step(s: tuple[int, ...]) -> Shape:
                expected("scan", s[:2], (batch, time), "its sequences are of one batch and time")
                return (s[0], *s[2:])

            given = go(child, (mapped_shape(one_step, xs), state))
            y, after = items(f"{where_told}, of the cell,", given, ("y", "state"), {})
            expected(where_told, after, state, "the cell gives the state in the shape it takes")
            return mapped_shape(lambda s: (s[0], time, *s[1:]), y), state

        def takes(out: Kind) -> Kind:
            inner = child.takes({0: part(out, 0), 1: part(out, 1)})
            return {0: part(inner, 0), 1: part(inner, 1), **({2: "mask"} if masked else {})}

        def run(f: Callable[..., Any], params: Tree, x: Any, rng: Key | None, state: Any) -> tuple[Any, Any, list[Any]]:
            """All outputs, the last state, and what `f` gave beside them, by steps."""
            xs, mask = x[0], x[2] if masked else None
            if mask is not None:
                xs = zeroed(mask, xs)  # the cell sees nothing of what is not real, for 0 times NaN is NaN
            time = leading(xs).shape[1]
            ys: list[Any] = [None] * time
            beside: list[Any] = [None] * time
            for t in reversed(range(time)) if reverse else range(time):
                (y, after), beside[t] = f(params, (at_step(xs, t), state), None if rng is None else rng.fold(t))
                if mask is not None:
                    y, after = where(mask[:, t], y), where(mask[:, t], after, state)
                ys[t], state = y, after
            return stacked(ys, 1) if time else of_no_steps(params, xs, state), state, beside

        def of_no_steps(params: Tree, xs: Any, state: Any) -> Any:
            """The outputs of no steps are like those of one, but for the step."""
            one = mapped(lambda a: np.zeros((len(a), *a.shape[2:]), a.dtype), xs)
            return mapped(lambda a: a[:, None][:, :0], child.value(params, (one, state), None)[0])

        def alone(params: Tree, x: Any, rng: Key | None) -> tuple[Any, None]:
            return child.value(params, x, rng), None

        def value(params: Tree, x: Any, rng: Key | None = None) -> Any:
            return run(alone, params, x, rng, x[1])[:2]

        def rule(params: Tree, x: Any, rng: Key | None = None) -> tuple[Any, Any]:
            ys, end, backs = run(child.pull, params, x, rng, x[1])
            mask = x[2] if masked else None

            def back(d: Any, last: bool) -> tuple[Tree, Any]:
                dys, ds = d
                grads: dict[str, Any] = {}
                dxs: list[Any] = [None] * len(backs)
                for t in range(len(backs)) if reverse else reversed(range(len(backs))):
                    dy, stays = at_step(dys, t), None
                    if mask is not None:
                        real = mask[:, t]
                        dy, stays, ds = where(real, dy), where(~real, ds), where(real, ds)
                    dparams, dx = backs[t].run((dy, ds), last)
                    if last:
                        backs[t] = None
                    grads = summed(grads, dparams)
                    dxs[t], ds = force(dx)
                    ds = ds if stays is None else add(ds, stays)
                dtype = leading(ds).dtype
                if not dxs:
                    grads = zeros_of(plain(params).get(child.name, {}), dtype)
                dx = stacked(dxs, 1) if dxs else zeros_like(x[0], dtype)
                dx = dx if mask is None else zeroed(mask, dx)
                return child.grads(grads), (dx, ds, np.zeros(mask.shape, dtype)) if mask is not None else (dx, ds)

            return (ys, end), Pulling(back)

        def step(params: Tree, x: Any, memory: Any) -> tuple[Any, Any]:
            ys, state, _ = run(alone, params, x, None, x[1] if memory is None else memory)
            return (ys, state), state

        backwards = "it goes from the last step to the first; drop reverse=True"
        return Combined(meets, rule, value, takes, step=backwards if reverse else step)

    return Layer.over((cell,), build, where="scan")


def plain(params: Tree) -> Mapping[str, Any]:
    """The tree itself, whose type says less."""
    return params
