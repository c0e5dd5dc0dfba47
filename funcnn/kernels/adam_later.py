"""Adam's step, left for later: the passes of `funcnn.kernels.updates.adam`, for the same bits."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Final

import numpy as np

from funcnn.kernels.adam_tables import Spans, cut, planned
from funcnn.kernels.pending import Bounds, Pending, largest
from funcnn.kernels.row_updates import has_rows
from funcnn.kernels.sweeps import BLOCK
from funcnn.kernels.tables import in_use
from funcnn.kernels.threads import longer
from funcnn.kernels.updates import Calls, Decay, adam_passes, flush_passes
from funcnn.types import Array

_FAR: Final = 2.0**120  # where a float32 is finite, and what is a little more too
_LEAST: Final = 0.5  # of the factor of the first moment: by less, the smallest negative number becomes -0


def adam_later(
    g: list[Array],
    old: list[Array],
    before: Bounds | None,
    b1: float,
    b2: float,
    scale: float,
    eps: float,
    decay: Decay | None,
    flush: bool = False,
) -> Pending | None:
    """The step of params and both moments, `old`, all of which will be finite; None where that is not known ahead.

    `before` is what bounds them, if that is known. No number of the new first moment is beyond `b1 m + g`, none of the
    second beyond `b2 v + g^2`, none of the updates beyond the first one times `scale / eps`.
    """
    p, m, v = old
    if eps < float(np.finfo(p.dtype).tiny):
        return None
    if has_rows(g) and (b1 <= _LEAST or math.copysign(1, scale) > 0):  # then zeros of both signs come and go
        return None
    spans = decay.spans if decay else ()
    # what a flush has set to zero is looked for when the next one comes
    plan = planned(g, m, v, before.live if before and not flush else None, spans)
    if plan is None:
        return None
    if before is None:
        if not v.min() >= 0:  # nor NaN
            return None
        before = Bounds(largest(p), largest(m), largest(v), {})
    slope = math.sqrt(sum(largest(in_use(piece)) ** 2 for piece in g))
    pull = 1 + abs(decay.scale) if decay else 1.0
    first = b1 * before.m + slope
    bounds = Bounds(pull * before.p + abs(scale) * first / eps, first, b2 * before.v + slope**2, plan.live)
    if not max(*bounds[:3], first / eps) < _FAR:  # nor NaN
        return None
    dtype = p.dtype
    passes, drawn = adam_passes(b1, b2, scale, eps, dtype), np.array(decay.scale if decay else 0.0, dtype)

    def calls(old: Sequence[Array], new: Sequence[Array]) -> Calls:
        size = min(longer(BLOCK), old[0].size)
        room, other = np.empty(size, dtype), np.empty(size if spans else 0, dtype)
        kept, moving = np.empty((2, size if flush else 0), np.bool_)

        def stepped(g: Array | None, old: Sequence[Array], new: Sequence[Array], where: Spans) -> Calls:
            """Of all that these vectors have, block by block; between some places it decays."""
            rows: Calls = []
            for start in range(0, old[0].size, size):
                s = slice(start, start + size)
                (x, m, v), (y, a, b) = (vector[s] for vector in old), (vector[s] for vector in new)
                u = room[: x.size]
                rows += passes(None if g is None else g[s], m, v, a, b, u)
                for i, j in cut(where, start, start + x.size):
                    rows += [(np.multiply, x[i:j], drawn, other[i:j]), (np.add, u[i:j], other[i:j], u[i:j])]
                rows.append((np.add, x, u, y))
                if flush:
                    truths = u, kept[: x.size], moving[: x.size]
                    rows += [*flush_passes(a, None, *truths), *flush_passes(b, a, *truths)]
            return rows

        rows: Calls = []
        for piece, start, end, width, chosen, fading in plan.parts:
            there, then = [vector[start:end] for vector in old], [vector[start:end] for vector in new]
            where = cut(spans, start, end)
            if chosen is None:
                rows += stepped(piece, there, then, where)
                continue
            few: list[Array] = [x.reshape(-1, width).take(chosen, 0) for x in (piece, *there)]
            part, *taken = (x.reshape(-1) for x in few)
            rows += stepped(part, taken, taken, [(0, part.size)] if where else ())
            if fading:
                rows += stepped(None, there, then, where)
            else:
                rows += [(np.copyto, y, x) for x, y in zip(there, then) if not _same(x, y)]
            rows += [(operator.setitem, y.reshape(-1, width), chosen, x) for x, y in zip(few[1:], then)]
        return rows

    return Pending(old, calls, bounds)


def _same(x: Array, y: Array) -> bool:
    """Do they begin at one place of memory?"""
    there: bool = x.__array_interface__["data"][0] == y.__array_interface__["data"][0]
    return there
