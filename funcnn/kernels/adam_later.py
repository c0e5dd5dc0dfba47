"""Adam's step, left for later: the calls of `funcnn.kernels.updates.adam` in the same order, for the same bits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from funcnn.kernels.activations import number
from funcnn.kernels.pending import Bounds, Calls, Pending, largest
from funcnn.kernels.sweeps import BLOCK, blocks
from funcnn.kernels.threads import longer
from funcnn.kernels.updates import Decay
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
    keep, fade, root = number(b1, dtype), number(b2, dtype), number(math.sqrt(1 - b2), dtype)
    inner, by, drawn = (np.array(a, dtype) for a in (eps, scale, decay.scale if decay else 0.0))
    spans = decay.spans if decay else ()

    def calls(old: Sequence[Array], new: Sequence[Array]) -> Calls:
        rows: Calls = []
        size = min(longer(BLOCK), old[0].size)
        room, other = np.empty(size, dtype), np.empty(size if spans else 0, dtype)
        for s, part in blocks(g, 0, old[0].size):
            u = room[: part.size]
            (x, m, v), (y, a, b) = (vector[s] for vector in old), (vector[s] for vector in new)
            rows += [
                (np.multiply, m, keep, a), (np.add, a, part, a),
                (np.multiply, part, root, u), (np.multiply, u, u, u),
                (np.multiply, v, fade, b), (np.add, b, u, b),
                (np.sqrt, b, u), (np.add, u, inner, u), (np.divide, a, u, u), (np.multiply, u, by, u),
            ]  # fmt: skip
            for start, end in spans:
                i, j = max(start, s.start) - s.start, min(end, s.stop) - s.start
                if i < j:
                    rows += [(np.multiply, x[i:j], drawn, other[i:j]), (np.add, u[i:j], other[i:j], u[i:j])]
            rows.append((np.add, x, u, y))
        return rows

    return Pending(old, calls, bounds)
