"""A recurrent cell over all steps of a sequence, and the pullback of that.

Features first, (features, time, batch): the product with the weights of the state then runs half again as fast as
batch first, and gates are contiguous blocks of rows. All inputs go through one product before the loop, and the
cotangents of all gates are kept, so that each gradient of weights is one product after it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from funcnn.kernels.affine import product
from funcnn.kernels.cells import Gates, States
from funcnn.kernels.scratch import room
from funcnn.kernels.sums import ones
from funcnn.types import Array, Mask


class Pass(NamedTuple):
    """What a pass over a sequence leaves.

    xs       the inputs, (features, time, batch); where the mask is false they are 0
    states   (1 + time, units, batch) each, the initial one first; of passes that keep nothing the first one alone
    final    (units, batch) each
    kept     what the pullback of each step needs
    off      (time, batch), where nothing is real; None without a mask
    """

    xs: Array
    states: tuple[Array, ...]
    final: tuple[Array, ...]
    kept: list[Any]
    off: npt.NDArray[np.bool_] | None


def recur(
    gates: Gates, w: Array, u: Array, b: Array, x: Array, mask: Mask | None, initial: States, *, keep: bool
) -> Pass:
    """Run the cell over `x` (batch, time, features) from the initial states, (batch, units) each.

    `w` is (features, blocks units), `u` (units, blocks units), `b` the biases beside the input, then those beside the
    state. Where the mask is false the states stay what they are.
    """
    batch, time, features = x.shape
    n, rows = len(u), gates.blocks * len(u)
    dtype = np.result_type(x, w, u, b, *initial)
    xs = x.transpose(2, 1, 0).copy()
    off = None
    if mask is not None:
        off = ~mask.T
        xs[:, off] = 0
    beside_input, beside_state = b[:rows], b[rows:]
    if gates.adds:
        beside_input = beside_input + beside_state
    zx = product(w.T, xs.reshape(features, time * batch)).reshape(rows, time, batch).astype(dtype, copy=False)
    zx += beside_input[:, None, None]
    states: list[Array] = []
    for i, start in enumerate(initial):
        state: Array = room(zx, (1 + time if keep or not i else 2, n, batch), dtype)
        state[0] = start.T
        states.append(state)
    every: Array = room(zx, (time if keep else min(time, 1), rows, batch), dtype)
    ut, kept = u.T, list[Any]()
    for t in range(time):
        before = tuple([s[t % len(s)] for s in states])
        after = tuple([s[(t + 1) % len(s)] for s in states])
        zh = every[t % len(every)]
        np.matmul(ut, before[0], out=zh)
        if not gates.adds:
            zh += beside_state[:, None]
        found = gates.step(zx[:, t], zh, before, after)
        if off is not None:
            for new, old in zip(after, before, strict=True):
                np.copyto(new, old, where=off[t])
        if keep:
            kept.append(found)
    return Pass(xs, tuple(states), tuple([s[time % len(s)] for s in states]), kept, off)


def outputs(done: Pass) -> Array:
    """The outputs of all steps, (batch, time, units): the first state, and 0 where nothing is real."""
    y: Array = done.states[0][1:].transpose(2, 0, 1).copy()
    if done.off is not None:
        y[done.off.T] = 0
    return y


class Cotangents(NamedTuple):
    """Those of the weights; of the input's part of the gates, (rows, time, batch); of the initial states."""

    w: Array
    u: Array
    b: Array
    zx: Array
    initial: States


def recur_pullback(gates: Gates, u: Array, done: Pass, dy: Array | None, final: States) -> Cotangents:
    """The pullback of `recur` and `outputs`, of `dy` (batch, time, units) or None, and (units, batch) of final states.

    Backpropagation through time: the cotangents of the states go from the last step to the first.
    """
    time, (_, n, batch) = len(done.kept), done.states[0].shape
    rows, off = gates.blocks * n, done.off
    dtype = np.result_type(done.states[0], *final, *(() if dy is None else (dy,)))
    dys = None if dy is None else dy.transpose(1, 2, 0).copy()
    if dys is not None and off is not None:
        np.copyto(dys, 0, where=off[:, None])  # what is not real has no output
    like = done.states[0]
    dzx: Array = room(like, (rows, time, batch), dtype)
    dzh: Array = dzx if gates.adds else room(like, (rows, time, batch), dtype)
    one: Array = room(like, (rows, batch), dtype)  # of a step, in one piece of memory
    other: Array = one if gates.adds else room(like, (rows, batch), dtype)
    d = final
    for t in reversed(range(time)):
        before, after = tuple([s[t] for s in done.states]), tuple([s[t + 1] for s in done.states])
        if dys is not None:
            d = (d[0] + dys[t], *d[1:])
        stays = None
        if off is not None:
            stays = [np.where(off[t], v, 0) for v in d]
            d = tuple([np.where(off[t], 0, v) for v in d])
        direct, *rest = gates.back(done.kept[t], before, after, d, one, other)
        dzx[:, t] = one
        if not gates.adds:
            dzh[:, t] = other
        through: Array = np.matmul(u, other)
        d = (through if direct is None else direct + through, *rest)
        if stays is not None:
            d = tuple([v + s for v, s in zip(d, stays, strict=True)])
    xs, flat = done.xs.reshape(len(done.xs), time * batch), dzx.reshape(rows, time * batch)
    beside_state = dzh.reshape(rows, time * batch)
    states = done.states[0][:time].transpose(1, 0, 2).reshape(n, time * batch)
    whole = ones(time * batch, dtype)
    db = np.concatenate([flat @ whole, beside_state @ whole])
    return Cotangents(product(xs, flat.T), product(states, beside_state.T), db, dzx, d)


def input_cotangent(w: Array, dzx: Array) -> Array:
    """That of the input, (batch, time, features)."""
    rows, time, batch = dzx.shape
    dx = product(w, dzx.reshape(rows, time * batch)).reshape(len(w), time, batch)
    return dx.transpose(2, 1, 0).copy()
