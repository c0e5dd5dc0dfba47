"""The arithmetic of optimizers, on flat vectors."""

from __future__ import annotations

import math
import operator
import sys
from collections import deque
from collections.abc import Callable, Sequence
from itertools import starmap
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from funcnn.kernels.activations import number
from funcnn.kernels.scratch import vector
from funcnn.kernels.row_updates import has_rows, stepped
from funcnn.kernels.sweeps import Block, Pieces, blocks, in_pieces, size_of, sweep
from funcnn.kernels.tables import in_use
from funcnn.types import Array, Mask

Calls: TypeAlias = "list[tuple[Any, ...]]"
"""Functions of NumPy with their arguments, one after the other."""


def descended(g: Pieces, scale: float, onto: Array | None) -> tuple[Array, bool]:
    """The update `scale g`, see `sweep`; of tables that know their rows, by these alone."""
    pieces = in_pieces(g)
    if onto is not None and has_rows(pieces):
        moved, _, finite = stepped(pieces, onto, (), lambda g, u, p, old, new: np.multiply(g, scale, u))
        return moved, finite

    def block(s: slice, g: Array, u: Array) -> None:
        np.multiply(g, scale, u)

    return sweep(pieces, onto, block)


def momentum(
    g: Pieces, velocity: Array, mass: float, scale: float, onto: Array | None, flush: bool = False
) -> tuple[Array, Array, bool]:
    """`velocity' = mass velocity + g` and the update `scale velocity'`, see `sweep`; returns it and `velocity'`.

    `flush` as in `adam`.
    """
    new: Array = vector(velocity.size, velocity.dtype)

    def block(s: slice, g: Array, u: Array) -> None:
        v = new[s]
        np.multiply(velocity[s], mass, v)
        np.add(v, g, v)
        np.multiply(v, scale, u)
        if flush:
            _flush(v)

    moved, finite = sweep(in_pieces(g), onto, block)
    return moved, new, finite


def adam(
    g: Pieces,
    m: Array,
    v: Array,
    b1: float,
    b2: float,
    scale: float,
    eps: float,
    onto: Array | None,
    decay: Decay | None = None,
    flush: bool = False,
) -> tuple[Array, Array, Array, bool]:
    """`m' = b1 m + g`, `v' = b2 v + (1 - b2) g^2` and the update `scale m' / (sqrt(v') + eps)`; returns it, `m'`, `v'`.

    Ten passes: the factor `1 - b1` of the first moment, the bias corrections and the rate are all in `scale` and `eps`,
    see `adam_scalars`. The factor of the second is not, and its root is taken into the square: so `v` is finite for
    float32 gradients up to 5.8e20, and up to 1.8e19 without. Beyond that `v` is infinite and the update zero, which
    nobody sees in the params: `v` is looked at together with them.

    For `onto` see `sweep`: to apply the updates at once takes 1.25 ms for 670k params, in two sweeps 1.4.

    Where the gradient is zero for good, as behind a dead unit, `m` becomes denormal after 830 steps and would stay so,
    and the processor takes ten times as long for such numbers. `flush`, wanted every `flush_interval` steps, sets what
    is near them to zero: a step of a network with 38% dead params takes 5.5 ms then, and 14.5 without.
    """
    new_m, new_v = vector(m.size, m.dtype), vector(m.size, m.dtype)
    passes = adam_passes(b1, b2, scale, eps, m.dtype)

    def block(s: slice, g: Array, u: Array) -> tuple[Array]:
        a, b = new_m[s], new_v[s]
        _made(passes(g, m[s], v[s], a, b, u))
        if decay:
            _decay(decay, s, u)
        if flush:
            _flush(a)
            _flush(b, unless=a)
        return (b,)

    moved, finite = sweep(in_pieces(g), onto, block)
    return moved, new_m, new_v, finite


def adam_passes(
    b1: float, b2: float, scale: float, eps: float, dtype: np.dtype[Any]
) -> Callable[[Array | None, Array, Array, Array, Array, Array], Calls]:
    """The ten passes of `adam` over a block: of `g`, `m` and `v` into `m'`, `v'` and the update, which they are given;
    six where there is no `g`. Zeros give the same then, but for the sign of a moment that comes out as zero.

    Numbers are arrays in them, which a ufunc takes faster than Python's floats.
    """
    keep, fade, root = number(b1, dtype), number(b2, dtype), number(math.sqrt(1 - b2), dtype)
    inner, by = np.array(eps, dtype), np.array(scale, dtype)  # others at every step

    def passes(g: Array | None, m: Array, v: Array, a: Array, b: Array, u: Array) -> Calls:
        if g is None:
            moments: Calls = [(np.multiply, m, keep, a), (np.multiply, v, fade, b)]
        else:
            moments = [
                (np.multiply, m, keep, a), (np.add, a, g, a),
                (np.multiply, g, root, u), (np.multiply, u, u, u),
                (np.multiply, v, fade, b), (np.add, b, u, b),
            ]  # fmt: skip
        return [*moments, (np.sqrt, b, u), (np.add, u, inner, u), (np.divide, a, u, u), (np.multiply, u, by, u)]

    return passes


_MARGIN: Final = 20  # powers of two between what is set to zero and the denormal numbers


def flush_interval(*factors: float) -> int:
    """The steps in which numbers that shrink by these factors come from the margin down to denormal ones.

    By a factor of at most one half they come to zero by themselves; so the interval is at least 20.
    """
    return int(min((_MARGIN * math.log(0.5) / math.log(b) for b in factors if b > 0.5), default=sys.maxsize))


def _flush(x: Array, unless: Array | None = None) -> None:
    """Set to zero what is less than a million times the smallest normal number, `unless` another is not zero there."""
    kept, other = np.empty((2, x.size), np.bool_)
    _made(flush_passes(x, unless, np.empty_like(x), kept, other))


def flush_passes(x: Array, unless: Array | None, room: Array, kept: Mask, other: Mask) -> Calls:
    """The passes of that, over a block, beside room for as many numbers, and twice for as many truths. Zeros come out
    without a sign."""
    zero = number(0.0, x.dtype)
    calls: Calls = [
        (np.abs, x, room),
        (np.greater_equal, room, number(2**_MARGIN * float(np.finfo(x.dtype).tiny), x.dtype), kept),
    ]
    if unless is not None:
        calls += [(np.not_equal, unless, zero, other), (np.logical_or, kept, other, kept)]
    return [*calls, (np.multiply, x, kept, x), (np.add, x, zero, x)]


def _made(calls: Calls) -> None:
    """All of them, one after the other, in one call."""
    deque(starmap(operator.call, calls), maxlen=0)


class Decay(NamedTuple):
    """What pulls some params towards zero: `scale params` is added to the updates between the ends of the spans."""

    params: Array
    scale: float
    spans: tuple[tuple[int, int], ...]


def _decay(decay: Decay, s: slice, u: Array) -> None:
    """The part of it in one block."""
    for first, last in decay.spans:
        i, j = max(first, s.start), min(last, s.stop)
        if i < j:
            u[i - s.start : j - s.start] += decay.params[i:j] * decay.scale


def decayed(g: Pieces, decay: Decay, onto: Array | None) -> tuple[Array, bool]:
    """The gradients with the decay added, see `sweep`."""

    def block(s: slice, g: Array, u: Array) -> None:
        np.copyto(u, g)
        _decay(decay, s, u)

    return sweep(in_pieces(g), onto, block)


def adam_scalars(t: int, rate: float, b1: float, b2: float, eps: float) -> tuple[float, float]:
    """The `scale` and `eps` that make `adam` the algorithm of the paper at its step `t`, which counts from one.

    With m_hat = m (1 - b1) / (1 - b1^t) and v_hat = v / c^2, c^2 = 1 - b2^t, the step is
    `-rate m_hat / (sqrt(v) / c + eps) = -rate (1 - b1) / (1 - b1^t) c * m / (sqrt(v) + eps c)`.
    """
    c = math.sqrt(1 - b2**t)
    return -rate * (1 - b1) / (1 - b1**t) * c, eps * c


def norm(x: Pieces) -> float:
    """The Euclidean norm, summed in float64, so that the squares of all float32 numbers are in range.

    Where squares leave the range of float64, the largest element is taken out first. Not finite if an element is not.
    """
    pieces = [in_use(piece) for piece in in_pieces(x)]
    total, n = 0.0, size_of(pieces)
    with np.errstate(over="ignore"):
        for _, part in blocks(pieces, 0, n):
            block = part.astype(np.float64)
            total += float(np.dot(block, block))
    if 1e-280 < total < math.inf or not n:
        return math.sqrt(total)
    top = float(np.max([np.abs(piece).max(initial=0) for piece in pieces]))  # NaN if one is, unlike Python's max
    return top * norm([piece / top for piece in pieces]) if 0 < top < math.inf else top


class Span(NamedTuple):
    """What steps from where to where."""

    start: int
    end: int
    block: Block


def swept(
    pieces: Sequence[Array],
    p: Array,
    old: Sequence[Array],
    spans: Sequence[Span],
    onto: Array | None,
    flush: bool,
    still: bool = False,
) -> tuple[Array, list[Array], bool]:
    """What the blocks of the spans write: the updates, or `onto` plus these, and the new state. And whether all of it
    is known to be finite. The spans cover the vector, and what a block gets lies in its span.

    `still` says that numbers with a gradient of zero stay, and their state, and that there is one span: then tables
    that know their rows are stepped by these alone.
    """
    if still and onto is not None and has_rows(pieces):
        return stepped(pieces, onto, old, spans[0].block)
    new: list[Array] = [vector(v.size, v.dtype) for v in old]

    def part(s: slice, g: Array, u: Array) -> list[Array]:
        for start, end, block in spans:
            i, j = max(start, s.start), min(end, s.start + g.size)
            if i < j:
                here, there = slice(i - s.start, j - s.start), slice(i, j)
                block(g[here], u[here], p[there], [v[there] for v in old], [v[there] for v in new])
        into = [v[s] for v in new]
        if flush:
            for v in into:
                _flush(v)
        return into

    moved, finite = sweep(pieces, onto, part)
    return moved, new, finite
