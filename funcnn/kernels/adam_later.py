"""Adam's step, left for later: the passes of `funcnn.kernels.updates.adam`, for the same bits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from funcnn.kernels.pending import Bounds, Pending, largest
from funcnn.kernels.sweeps import BLOCK, blocks
from funcnn.kernels.threads import longer
from funcnn.kernels.updates import Calls, Decay, adam_passes
from funcnn.types import Array

_FAR: Final = 2.0**120  # where a float32 is finite, and what is a little more too


def adam_later(
    g: list[Array],
    old: list[Array],
    before: Bounds | None,
    b1: float,
    b2: float,
    scale: float,
    eps: float,
    decay: Decay | None,
) -> Pending | None:
    """The step of params and both moments, `old`, all of which will be finite; None where that is not known ahead.

    `before` is what bounds them, if that is known. No number of the new first moment is beyond `b1 m + g`, none of the
    second beyond `b2 v + g^2`, none of the updates beyond the first one times `scale / eps`.
    """
    p, m, v = old
    if before is None:
        positive = bool(v.min() >= 0)
        before = Bounds(largest(p), largest(m), largest(v)) if positive else Bounds(*[math.inf] * 3)
    slope = math.sqrt(sum(largest(piece) ** 2 for piece in g))
    pull = 1 + abs(decay.scale) if decay else 1.0
    if eps < float(np.finfo(p.dtype).tiny):
        return None
    first = b1 * before.m + slope
    bounds = Bounds(pull * before.p + abs(scale) * first / eps, first, b2 * before.v + slope**2)
    if not max(*bounds, first / eps) < _FAR:  # nor NaN
        return None
    dtype = p.dtype
    passes = adam_passes(b1, b2, scale, eps, dtype)
    drawn, spans = (np.array(decay.scale, dtype), decay.spans) if decay else (None, ())

    def calls(old: Sequence[Array], new: Sequence[Array]) -> Calls:
        rows: Calls = []
        size = min(longer(BLOCK), old[0].size)
        room, other = np.empty(size, dtype), np.empty(size if spans else 0, dtype)
        for s, part in blocks(g, 0, old[0].size):
            u = room[: part.size]
            (x, m, v), (y, a, b) = (vector[s] for vector in old), (vector[s] for vector in new)
            rows += passes(part, m, v, a, b, u)
            for start, end in spans:
                i, j = max(start, s.start) - s.start, min(end, s.stop) - s.start
                if i < j:
                    rows += [(np.multiply, x[i:j], drawn, other[i:j]), (np.add, u[i:j], other[i:j], u[i:j])]
            rows.append((np.add, x, u, y))
        return rows

    return Pending(old, calls, bounds)
