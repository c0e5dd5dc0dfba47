"""The arithmetic of recurrent cells along a stretch of a sequence, and of its pullback.

Features first, (units, batch), so that gates are contiguous blocks of rows. `rows` are what goes through tanh: the sums
before the gates, those of sigmoids halved, for `sigmoid(z) = (1 + tanh(z / 2)) / 2`; so one tanh serves all gates, and
factors of a half go into the weights. A loop over steps does what needs the step before, and no more: a step of a small
network costs its calls. What the pullback multiplies cotangents with, the slopes, is computed for many steps at once.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from funcnn.kernels import cell_steps
from funcnn.kernels.activations import number
from funcnn.kernels.cell_parts import Gates as Gates, Product, Run, Stretch, backwards, lanes, tanh_for
from funcnn.types import Array


# the cell of Elman: kept is nothing -----------------------------------------------------------------------------------
def _rnn(product: Product, s: Stretch) -> None:
    rows, squashed = np.empty_like(s.after, shape=s.after.shape[1:]), tanh_for(s.after)
    for now, h in zip(s.now, s.after, strict=True):
        product(now, rows)
        squashed(rows, h)


def _rnn_slope(kept: Any, before: Any, after: Any, slopes: Any) -> None:
    d = slopes[0]
    np.multiply(after, after, d)
    np.subtract(number(1.0, d.dtype), d, d)


def _rnn_back(product: Product, slopes: Any, rows: Any, come: list[Any], d: list[Array]) -> None:
    (dh,) = d
    dz = np.empty_like(dh)
    for slope, row, add in zip(slopes[::-1, 0], rows[::-1], backwards(come[0]), strict=False):
        if add is not None:
            np.add(dh, add, dh)
        np.multiply(slope, dh, dz)
        row[...] = dz
        product(dz, dh)


# long short-term memory: kept are the output gate, input gate and forget gate, all doubled, the candidate, the cell's
# state before, and the tanh of that after. The first state is kept doubled. -------------------------------------------
def _lstm(product: Product, s: Stretch) -> None:
    steps, (n, batch) = len(s.now), s.after.shape[1:]
    one, half = number(1.0, s.after.dtype), number(0.5, s.after.dtype)
    kept, squashed = s.kept, tanh_for(s.kept)
    two = np.empty_like(kept[0, :2])
    first, second = two
    after = lanes(kept[:, 4], steps + 1)
    next(after)
    for now, h, rows, gates, pair, other, o, c, t in zip(
        s.now, s.after, lanes(kept[:, :4].reshape(len(kept), 4 * n, batch), steps), lanes(kept[:, :3], steps),
        lanes(kept[:, 1:3], steps), lanes(kept[:, 3:5], steps), lanes(kept[:, 0], steps), after,
        lanes(kept[:, 5], steps), strict=True,
    ):  # fmt: skip
        product(now, rows)
        squashed(rows, rows)
        np.add(gates, one, gates)
        np.multiply(pair, other, two)  # input gate times candidate, forget gate times state
        np.add(first, second, c)
        np.multiply(c, half, c)
        squashed(c, t)
        np.multiply(o, t, h)


def _lstm_slope(kept: Any, before: Any, after: Any, slopes: Any) -> None:
    """Of the rows, behind half the cotangent of c', but the first behind that of h'; of c' behind h'; of c."""
    one, half = number(1.0, slopes.dtype), number(0.5, slopes.dtype)
    gates, candidate, tanh_c = kept[:3], kept[3], kept[5]
    sigmoids, last, through = slopes[:3], slopes[3], slopes[4]
    np.subtract(number(2.0, slopes.dtype), gates, sigmoids)
    np.multiply(sigmoids, gates, sigmoids)  # 4 s (1 - s)
    np.multiply(slopes[0], tanh_c, slopes[0])
    np.multiply(slopes[1:3], kept[3:5], slopes[1:3])
    np.multiply(candidate, candidate, last)
    np.subtract(one, last, last)
    np.multiply(last, kept[1], last)
    np.multiply(tanh_c, tanh_c, through)
    np.subtract(one, through, through)
    np.multiply(through, kept[0], through)
    np.multiply(through, half, through)
    np.multiply(kept[2], half, slopes[5])


def _lstm_back(product: Product, slopes: Any, rows: Any, come: list[Any], d: list[Array]) -> None:
    dh, dc = d
    n, batch = dh.shape
    spare = np.empty_like(dh)
    dz = np.empty_like(dh, shape=(4 * n, batch))
    blocks = dz.reshape(4, n, batch)
    of_output, others = blocks[0], blocks[1:]
    back = slopes[::-1]
    for output, other, through, passed, row, add, more in zip(
        back[:, 0], back[:, 1:4], back[:, 4], back[:, 5], rows[::-1], backwards(come[0]), backwards(come[1]),
        strict=False,
    ):
        if add is not None:
            np.add(dh, add, dh)
        if more is not None:
            np.add(dc, more, dc)
        np.multiply(through, dh, spare)
        np.add(dc, spare, dc)
        np.multiply(other, dc, others)
        np.multiply(output, dh, of_output)
        row[...] = dz
        product(dz, dh)
        np.multiply(dc, passed, dc)


# gated recurrent unit: kept are half of the candidate's part by the state, reset gate and update gate doubled, and the
# candidate ------------------------------------------------------------------------------------------------------------
def _gru(product: Product, s: Stretch) -> None:
    steps, (n, batch) = len(s.now), s.after.shape[1:]
    one, half = number(1.0, s.after.dtype), number(0.5, s.after.dtype)
    kept, squashed = s.kept, tanh_for(s.kept)
    spare = np.empty_like(s.after, shape=(n, batch))
    for now, before, h, x, rows, gates, inner, r, z, candidate in zip(
        s.now, s.before, s.after, s.ahead, lanes(kept[:, :3].reshape(len(kept), 3 * n, batch), steps),
        lanes(kept[:, 1:3], steps), lanes(kept[:, 0], steps), lanes(kept[:, 1], steps), lanes(kept[:, 2], steps),
        lanes(kept[:, 3], steps),
        strict=True,
    ):  # fmt: skip
        product(now, rows)
        squashed(gates, gates)
        np.add(gates, one, gates)
        np.multiply(r, inner, candidate)
        np.add(candidate, x, candidate)
        squashed(candidate, candidate)
        np.subtract(before, candidate, spare)
        np.multiply(spare, z, spare)
        np.multiply(spare, half, spare)
        np.add(spare, candidate, h)


def _gru_slope(kept: Any, before: Any, after: Any, slopes: Any) -> None:
    """Of the rows behind the cotangent of h', and of h. `h' - c` is `z (h - c)`."""
    half = number(0.5, slopes.dtype)
    inner, r, z, candidate = (kept[k] for k in range(4))
    d_inner, d_r, d_z, d_x, passed = (slopes[k] for k in range(5))
    np.subtract(number(2.0, slopes.dtype), kept[1:3], slopes[1:3])
    np.multiply(candidate, candidate, d_x)
    np.subtract(number(1.0, slopes.dtype), d_x, d_x)
    np.multiply(d_x, d_z, d_x)
    np.multiply(d_x, half, d_x)
    np.multiply(d_x, r, d_inner)
    np.multiply(d_r, d_inner, d_r)
    np.multiply(d_r, inner, d_r)
    np.subtract(after, candidate, passed)
    np.multiply(d_z, passed, d_z)
    np.multiply(z, half, passed)


def _gru_back(product: Product, slopes: Any, rows: Any, come: list[Any], d: list[Array]) -> None:
    (dh,) = d
    n, batch = dh.shape
    spare = np.zeros_like(dh)
    dz = np.empty_like(dh, shape=(4 * n, batch))
    blocks, of_state = dz.reshape(4, n, batch), dz[: 3 * n]
    back = slopes[::-1]
    for slope, passed, row, add in zip(back[:, :4], back[:, 4], rows[::-1], backwards(come[0]), strict=False):
        if add is not None:
            np.add(dh, add, dh)
        np.multiply(slope, dh, blocks)
        row[...] = dz
        np.multiply(dh, passed, dh)
        product(of_state, spare)
        np.add(dh, spare, dh)


# fmt: off
_SAME: Final = (Run(0, 0, 1, 1.0),)
_OIFG: Final = (Run(0, 3, 4, 0.5), Run(1, 0, 2, 0.5), Run(3, 2, 3, 1.0))  # out of input, forget, candidate, output

RNN: Final = Gates(1, 1, 1, 0, 0, 1, 1.0, _SAME, _SAME, _rnn, _rnn_slope, _rnn_back, cell_steps.RNN)
LSTM: Final = Gates(4, 2, 4, 0, 6, 6, 2.0, _OIFG, _OIFG, _lstm, _lstm_slope, _lstm_back, cell_steps.LSTM)
GRU: Final = Gates(
    3, 1, 4, 1, 4, 5, 1.0, (Run(1, 0, 2, 0.5), Run(3, 2, 3, 1.0)), (Run(0, 2, 3, 0.5), Run(1, 0, 2, 0.5)),
    _gru, _gru_slope, _gru_back, cell_steps.GRU,
)
# fmt: on
