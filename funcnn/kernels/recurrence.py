"""A recurrent cell over all steps of a sequence, and the pullback of that.

Features first, (features, batch), in every step: products with the weights run faster than batch first, by a half where
BLAS has kernels for AVX-512, and gates are contiguous blocks of rows. State, 1 and input of a step lie in one piece, so
that a step is one product; the cotangents of all steps are kept, so that the gradients of weights are one product
after the loop.

An LSTM of 64 features and 256 units over 64 steps, batch 32, on one core: 13.8 ms forward, of which the products are
11.8, where inputs in a product of their own, gates in their own order and masks step by step took 17.5 ms; both ways
38.6 ms, of which the products are 33, where that took 41.9.

Masks never come into the loop. What is not real changes nothing, so that the real steps of every sequence go to the
front, in their order, and the steps behind its end are of no consequence.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np

from funcnn.kernels.affine import FEW, product
from funcnn.kernels.cell_steps import Single as Single, States, step, step_pullback
from funcnn.kernels.cell_parts import Gates, Stretch
from funcnn.kernels.gate_weights import Weights, backward, forward, gradients, input_gradient, joined
from funcnn.kernels.loop_products import columns_for, put
from funcnn.kernels.real_steps import Order, in_front, in_place, ordered
from funcnn.kernels.scratch import room
from funcnn.kernels.threads import alone
from funcnn.types import Array, Mask

_REPAYS: Final = 1 << 18  # multiplications
_BLOCK: Final = 1 << 16  # elements of a state in the steps whose slopes are computed at once: they stay in the cache


class Pass(NamedTuple):
    """What a pass over a sequence leaves.

    weights   those it was made with
    inputs    (1 + steps, units + 1 + features, columns): before each step the state, 1 and the input; in columns behind
              those of the batch, if any, 0
    kept      what each step keeps for the pullback, see `funcnn.kernels.cells`
    final     (units, batch) each
    time      how many steps there are with those that are not real
    order     where the real steps are; None without a mask
    zero      whether the initial state is 0
    """

    weights: Weights
    inputs: Any
    kept: Any
    final: States
    time: int
    order: Order | None
    zero: bool

    @property
    def batch(self) -> int:
        """How many sequences there are."""
        return len(self.final[0].T)

    @property
    def states(self) -> Any:
        """The first states, (1 + steps, units, batch), times what they are kept times."""
        return self.inputs[:, : self.weights.units, : self.batch]


def recur(
    gates: Gates,
    w: Array,
    u: Array,
    b: Array,
    x: Array,
    mask: Mask | None,
    initial: States | None,
    *,
    keep: bool,
    ends: bool = True,
) -> Pass | Single:
    """Run the cell over `x` (batch, time, features) from the initial states, (batch, units) each, None for 0.

    `w` is (features, blocks units), `u` (units, blocks units), `b` the biases beside the input, then those beside the
    state. Where the mask is false the states stay what they are. What the pullback needs is kept with `keep`; without
    `ends` the first final state is given alone, where others would have to be kept at every step.
    """
    if x.shape[1] == 1 and mask is None:
        return step(gates.alone, gates.states, w, u, b, x[:, 0], initial)
    time, order = x.shape[1], None if mask is None else ordered(mask)
    if order is not None:
        x = in_front(x, order)
    batch, steps, features = x.shape
    n, given = len(u), initial or ()
    dtype = np.result_type(x, w, u, b, *given)
    like = _kind(x, w, u, b, *given)
    size = n + 1 + features
    weights = Weights(gates, n, joined(gates, w, u, b, like, dtype))
    columns = columns_for(weights.joined, batch)
    inputs: Any = room(like, (1 + steps, size, columns), dtype)
    put(inputs[:steps, n + 1 :], x.transpose(1, 2, 0), batch)
    put(inputs[:, n], 1, batch)
    ends = ends or order is None or keep
    looked_up = order is not None and gates.states > 1 and ends  # the second state at the end of each sequence
    kept: Any = room(like, (1 + steps if keep or looked_up else 2, gates.room, n, columns), dtype)
    put(inputs[0, :n], 0 if initial is None else initial[0].T * gates.times, batch)
    if gates.states > 1:
        put(kept[0, 4], 0 if initial is None else initial[1].T, batch)
    if order is not None:
        for i, length in enumerate(order.lengths):
            inputs[length:, n + 1 :, i] = 0
    _in_loop(weights, columns)(_run, weights, inputs, kept, initial is None, like)
    final = _final(gates, inputs[:, :n, :batch], kept[:, 4, :, :batch] if gates.states > 1 and ends else None, order)
    return Pass(weights, inputs, kept, final, time, order, initial is None)


def _run(weights: Weights, inputs: Any, kept: Any, zero: bool, like: Any) -> None:
    """All steps; the product of the first leaves a state of 0 out."""
    n, steps, whole = weights.units, len(inputs) - 1, len(kept) == len(inputs)
    way = forward(weights, inputs[:steps], like, inputs.dtype)

    def stretch(start: int, end: int, skipped: int = 0) -> Stretch:
        before, after = inputs[start:end], inputs[start + 1 : end + 1, :n]
        places = kept[start : end + 1] if whole else kept[:: -1 if start % 2 else 1]
        return Stretch(before[:, skipped:], before[:, :n], after, places, way.ahead[start:end])

    start = 0
    if zero and steps and _is_long(weights, inputs.shape[2]):
        weights.gates.forward(way.first, stretch(0, 1, n))
        start = 1
    weights.gates.forward(way.product, stretch(start, steps))


def _is_long(weights: Weights, batch: int) -> bool:
    """Does the product of a step take longer than the calls that would save one?"""
    size: int = weights.joined.size * batch
    return size >= _REPAYS


def _in_loop(weights: Weights, batch: int) -> Callable[..., Any]:
    """How loops are called: threads of BLAS would wait for each other at every step."""
    return alone if weights.joined.size * batch >= FEW else _called


def _called(f: Callable[..., Any], *args: Any) -> Any:
    return f(*args)


def _final(gates: Gates, first: Any, second: Any, order: Order | None) -> States:
    """The final states, (units, batch) each: those at the ends of the sequences."""
    every = [first] if second is None else [first, second]
    found: list[Any]
    if order is None:
        found = [a[(len(first) - 1) % len(a)].copy() for a in every]
    else:
        found = [a[order.lengths, :, np.arange(len(order.lengths))].T for a in every]
    if gates.times != 1:
        found[0] = found[0] * (1 / gates.times)
    return tuple(found)


def _kind(*arrays: Any) -> Any:
    """An array of the kind that arithmetic on these gives: of numbers, or of what passes for them."""
    found = arrays[0]
    if not all(isinstance(a, np.ndarray) for a in arrays):
        for a in arrays[1:]:
            found = found.reshape(-1)[:1] * a.reshape(-1)[:1]
    return found


def outputs(done: Pass | Single) -> Array:
    """The outputs of all steps, (batch, time, units): the first state, and 0 where nothing is real."""
    if isinstance(done, Single):
        return done.after[0].copy()[:, None]
    states = done.states[1:].transpose(2, 0, 1)
    y: Array = room(states, states.shape)
    np.multiply(states, 1 / done.weights.gates.times, y)
    y = in_place(y, done.order, done.time)
    return y


class Cotangents(NamedTuple):
    """Those of the weights; of the rows of all steps, (rows, steps, columns), or of a single one, (batch, rows); of the
    initial states.
    """

    w: Array
    u: Array
    b: Array
    rows: Any
    initial: States


def recur_pullback(done: Pass | Single, dy: Array | None, final: tuple[Array | None, ...]) -> Cotangents:
    """The pullback of `recur` and `outputs`: of `dy` (batch, time, units), and (units, batch) of each final state.

    None stands for zeros. Backpropagation through time: the cotangents of the states go from the last step to the
    first. Those of initial states are given where these are not 0.
    """
    if isinstance(done, Single):
        d = [None if f is None else f.T for f in final]
        if dy is not None:
            d[0] = dy[:, 0] if d[0] is None else d[0] + dy[:, 0]
        return Cotangents(*step_pullback(done, d))
    weights, inputs = done.weights, done.inputs
    gates, n, steps, columns = weights.gates, weights.units, len(inputs) - 1, inputs.shape[2]
    given = [a for a in (dy, *final) if a is not None]
    dtype, like = np.result_type(inputs, *given), _kind(inputs, *given)
    rows: Any = room(like, (gates.rows * n, 1 + steps, columns), dtype).transpose(1, 0, 2)
    come, behind = _come(done, dy, final, like, dtype)
    at_most = max(1, _BLOCK // max(1, n * columns))
    slopes: Any = room(inputs, (gates.slopes, min(steps, at_most), n, columns))
    back = backward(weights, like, dtype, columns)

    def loop() -> None:
        for start in reversed(range(0, steps, at_most)):
            end = min(start + at_most, steps)
            part, kept = slopes[:, : end - start], done.kept[start:end].transpose(1, 0, 2, 3)
            gates.slope(kept, inputs[start:end, :n], inputs[start + 1 : end + 1, :n], part)
            part = part.transpose(1, 0, 2, 3)
            split = start + 1 if done.zero and not start and _is_long(weights, columns) else start
            gates.back(back, part[split - start :], rows[split:end], _steps(come, split, end), behind)
            if split > start:
                gates.back(_nothing, part[:1], rows[:1], _steps(come, 0, 1), behind)

    _in_loop(weights, columns)(loop)
    initial = _initial(done, final, behind)
    whole: Any = room(inputs, (inputs.shape[1], steps, columns))
    whole[...] = inputs[:steps].transpose(1, 0, 2)
    rows = rows.transpose(1, 0, 2)[:, :steps]
    flat = steps * columns
    dw, du, db = gradients(weights, whole.reshape(len(whole), flat), rows.reshape(len(rows), flat))
    return Cotangents(dw, du, db, rows, initial)


def _come(done: Pass, dy: Any, final: Any, like: Any, dtype: np.dtype[Any]) -> tuple[list[Any], list[Any]]:
    """What comes to each state at each step, (steps, units, columns) or None; and what comes behind the last step.

    Of the first state as it is kept, and of half the other. Final states are those at the ends of the sequences.
    """
    gates, n, order = done.weights.gates, done.weights.units, done.order
    steps, batch, columns = len(done.inputs) - 1, done.batch, done.inputs.shape[2]
    come: list[Any] = [None] * gates.states
    last: list[Any] = [room(like, (n, columns), dtype) for _ in come]
    if dy is not None:
        real = dy if order is None else in_front(dy, order)
        come[0] = room(like, (steps, n, columns), dtype)
        np.multiply(real.transpose(1, 2, 0), 1 / gates.times, come[0][..., :batch])
        come[0][..., batch:] = 0
        for i, length in enumerate(() if order is None else order.lengths):
            come[0][length:, :, i] = 0
    for k, f in enumerate(final):
        if f is None or order is not None:
            last[k].fill(0)
        else:
            np.multiply(f, 1 / gates.times, last[k][:, :batch])
            last[k][:, batch:] = 0
        if f is None or order is None:
            continue
        if come[k] is None:
            come[k] = room(like, (steps, n, columns), dtype)
            come[k].fill(0)
        (some,) = order.lengths.nonzero()
        come[k][order.lengths[some] - 1, :, some] += f.T[some] * (1 / gates.times)
    return come, last


def _steps(come: list[Any], start: int, end: int) -> list[Any]:
    return [None if a is None else a[start:end] for a in come]


def _initial(done: Pass, final: Any, d: list[Any]) -> States:
    """The cotangents of the initial states; where a sequence has no step, the final one is the initial one."""
    found = [v[:, : done.batch] * done.weights.gates.times for v in d]
    if done.order is not None and not done.order.lengths.all():
        none = done.order.lengths == 0
        for v, f in zip(found, final, strict=True):
            if f is not None:
                v[:, none] = f[:, none]
    return tuple(found)


def _nothing(rows: Any, out: Any) -> None:
    """The product of the first step backwards: nobody asks for the cotangent of 0."""


def input_cotangent(done: Pass | Single, rows: Any) -> Array:
    """That of the input, (batch, time, features)."""
    if isinstance(done, Single):
        return product(rows, done.w.T)[:, None]
    count, steps, columns = rows.shape
    dx = input_gradient(done.weights, rows.reshape(count, steps * columns))
    dx = dx.reshape(len(dx), steps, columns)[..., : done.batch]
    found: Array = in_place(dx.transpose(2, 1, 0).copy(), done.order, done.time)
    return found
