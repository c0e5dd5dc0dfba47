"""The loss of sequences of labels whose places in time are not known."""

from __future__ import annotations

from typing import Any, Final, Union

import numpy as np
import numpy.typing as npt

from funcnn.arguments import is_integer
from funcnn.calculus import Later
from funcnn.cotangents import zeros_like
from funcnn.errors import LabelError, ShapeError
from funcnn.losses.definition import Terms, loss
from funcnn.losses.likelihoods import log_sum_exp
from funcnn.shapes import display
from funcnn.types import Array, Mask, Tokens, is_tuple

_NEVER: Final = -1e30  # the logarithm of nothing; finite, so that nothing becomes NaN


@loss
def ctc(logits: Array, target: Union[Tokens, tuple[Tokens, Mask]], *, blank: int = 0) -> Terms[Array]:
    """Connectionist temporal classification: `-log p(labels)`, summed over all ways to lay the labels out in time.

    A way repeats labels and puts blanks between them; equal neighbours need a blank. Labels are padded with -1. Where
    sequences end early, the target is a tuple (labels, mask), the mask true at steps that are real.

    Shapes
        logits   (batch, time, classes), one class is the blank
        labels   (batch, length) integers, -1 behind the last
        mask     (batch, time)
        terms    (batch,)
    Errors
        LabelError   labels out of range, a blank among them, labels behind a -1; more of them than steps have room for
        ShapeError   the shapes do not fit
        ValueError   there is no class `blank`
    Pullback, with g the share of the ways that are at a class at a step
        dlogits = (softmax(x) - g) dterms at real steps, else 0
    Source: Graves et al., Connectionist Temporal Classification (2006), sections 4.1 and 4.2.

    >>> logits = np.log([[[0.6, 0.4], [0.5, 0.5]]])     # one label: 01, 10 and 11 are its ways
    >>> round(float(np.exp(-ctc(logits, np.array([[1]])))), 4)
    0.7
    """
    labels, mask, counts = _checked(logits, target, blank)
    rows, steps, _ = logits.shape
    total, p = log_sum_exp(logits)
    logs = logits - total[..., None]
    # states: the start, then blanks and labels in turn; a label may also be reached from two states before it
    states = np.full((rows, 2 * labels.shape[1] + 2), blank)
    states[:, 2::2] = np.where(labels < 0, blank, labels)
    jumps = np.zeros(states.shape, bool)
    jumps[:, 2:] = (states[:, 2:] != blank) & (states[:, 2:] != states[:, :-2])
    jumps[:, 2:3] = states[:, 2:3] != blank  # from the start
    emitted = np.take_along_axis(logs, np.broadcast_to(states[:, None], (rows, steps, states.shape[1])), axis=2)
    emitted[:, :, 0] = _NEVER  # nothing returns to the start
    ends = np.zeros(states.shape, bool)
    ends[np.arange(rows), 2 * counts + 1] = ends[np.arange(rows), 2 * counts] = True

    def reached(before: Array) -> Array:
        """What comes into every state from itself and those before it."""
        one, two = _moved(before, 1), np.where(jumps, _moved(before, 2), _NEVER)
        return log_sum_exp(np.stack([before, one, two], axis=-1))[0]

    start: Array = np.full(states.shape, _NEVER, logits.dtype)
    start[:, 0] = 0
    alphas = [start]
    for t in range(steps):
        alphas.append(np.where(mask[:, t, None], reached(alphas[-1]) + emitted[:, t], alphas[-1]))
    found = log_sum_exp(np.where(ends, alphas[-1], _NEVER))[0]

    def pullback(d: Union[Array, float]) -> tuple[Array, Later[Any]]:
        dlogits: Array = np.zeros_like(logits)
        beta: Array = np.where(ends, 0, _NEVER).astype(logits.dtype)
        for t in reversed(range(steps)):
            shares = np.exp(alphas[t + 1] + beta - found[:, None])
            at: Array = np.zeros_like(p[:, t])
            places: Any = (np.arange(rows)[:, None], states)
            np.add.at(at, places, shares)
            dlogits[:, t] = np.where(mask[:, t, None], p[:, t] - at, 0)
            onward = emitted[:, t] + beta
            back = np.stack([onward, _moved(onward, -1), _moved(np.where(jumps, onward, _NEVER), -2)], axis=-1)
            beta = np.where(mask[:, t, None], log_sum_exp(back)[0], beta)
        each: Any = d[:, None, None] if isinstance(d, np.ndarray) else d
        return each * dlogits, Later(lambda: zeros_like(target, logits.dtype))

    return -found, pullback


def _moved(x: Array, by: int) -> Array:
    """Shifted along the states, with nothing coming in."""
    out: Array = np.full_like(x, _NEVER)
    if by > 0:
        out[:, by:] = x[:, :-by]
    else:
        out[:, :by] = x[:, -by:]
    return out


def _checked(logits: Array, target: Any, blank: int) -> tuple[Any, Any, npt.NDArray[np.intp]]:
    if is_tuple(target) and len(target) != 2:
        raise ShapeError(f"ctc takes labels, or a tuple (labels, mask), got a tuple of {len(target)}")
    labels, mask = target if is_tuple(target) else (target, None)
    labels = np.asarray(labels)
    if is_tuple(logits):
        raise ShapeError(f"ctc takes logits (batch, time, classes), got a tuple of {len(logits)}")
    if logits.ndim != 3:
        got = display(logits.shape)
        raise ShapeError(f"ctc takes logits (batch, time, classes), got {got}")
    rows, steps, classes = logits.shape
    if not is_integer(blank) or not 0 <= blank < classes:
        raise ValueError(f"ctc: blank must be a class from 0 to {classes - 1}, got {blank!r}")
    if labels.ndim != 2 or len(labels) != rows:
        raise ShapeError(f"ctc takes labels (batch, length) for {rows} rows, got {display(labels.shape)}")
    if labels.dtype.kind not in "iu":
        raise LabelError(f"ctc takes integers as labels, -1 behind the last, got {labels.dtype}")
    mask = np.ones((rows, steps), bool) if mask is None else np.asarray(mask)
    if mask.shape != (rows, steps) or mask.dtype != bool:
        raise ShapeError(f"ctc takes a mask of booleans ({rows}, {steps}), got {mask.dtype} {display(mask.shape)}")
    real = labels >= 0
    wrong = (labels < -1) | (labels >= classes) | (labels == blank) | (real & ~np.logical_and.accumulate(real, axis=1))
    if wrong.any():
        i, j = (int(n) for n in np.argwhere(wrong)[0])
        raise LabelError(
            f"ctc: label {labels[i, j]} at index {i}, {j}: labels are classes from 0 to {classes - 1} without the blank "
            f"{blank}, and -1 behind the last"
        )
    repeats = ((labels[:, 1:] == labels[:, :-1]) & real[:, 1:]).sum(axis=1)
    needed, has = real.sum(axis=1) + repeats, mask.sum(axis=1)
    if (needed > has).any():
        i = int(np.argmax(needed > has))
        raise LabelError(f"ctc: row {i} has labels that need {needed[i]} steps, and {has[i]} steps; give it more steps")
    return labels.astype(np.intp), mask, real.sum(axis=1)
