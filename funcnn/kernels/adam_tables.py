"""Adam's step of tables that know their rows, see `funcnn.kernels.tables`: which are stepped with a gradient, and
whether the others are stepped at all.

A row without a gradient moves on, by its moments, which shrink: that takes seven passes, not eleven, and reads no
gradient. Where both moments are zero, as of tokens that have not been met yet, nothing changes; so it is kept from step
to step which rows have others. The bits are those of a step by a gradient of zeros.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from funcnn.kernels.tables import Rows, rows_of
from funcnn.types import Array, Tokens

_FEW: Final = 4  # times as many rows as are taken out and put back, which costs twice what it takes to step them there

Live: TypeAlias = "Mapping[int, npt.NDArray[np.bool_]]"
"""Where tables begin: which of their rows may have moments other than zero. Of tables that are not there, all may."""

Spans: TypeAlias = "Sequence[tuple[int, int]]"
"""Where what decays begins and ends."""


class Part(NamedTuple):
    """A piece of the gradient, from `start` to `end`. Of a table that knows its rows, `chosen` ones are stepped with
    their gradient, and the others too if they are `fading`."""

    piece: Array
    start: int
    end: int
    width: int = 0
    chosen: Tokens | None = None
    fading: bool = False


class Plan(NamedTuple):
    """What is stepped how, and which rows are live after it."""

    parts: list[Part]
    live: dict[int, npt.NDArray[np.bool_]]


def planned(pieces: Sequence[Array], m: Array, v: Array, before: Live | None, spans: Spans) -> Plan | None:
    """`before` is what was live before, if that is known; all rows move that decay. None where a moment is -0, which a
    gradient of zeros makes 0."""
    plan, start = Plan([], {}), 0
    for piece in pieces:
        end, rows = start + piece.size, rows_of(piece)
        if rows is None:
            plan.parts.append(Part(piece, start, end))
        else:
            mask = before.get(start) if before is not None else _fresh(m[start:end], v[start:end], rows.width)
            if before is None and mask is None:
                return None
            live = None if mask is None or cut(spans, start, end) else _joined(mask, rows)
            if live is not None:
                plan.live[start] = live
            chosen = np.sort(rows.places) if live is None else np.flatnonzero(live)
            plan.parts.append(Part(piece, start, end, rows.width, chosen, live is None))
        start = end
    return plan


def cut(spans: Spans, start: int, end: int) -> list[tuple[int, int]]:
    """What of them lies between two places, counted from the first. Of a leaf it is all or nothing."""
    found = ((max(i, start) - start, min(j, end) - start) for i, j in spans)
    return [(i, j) for i, j in found if i < j]


def _fresh(m: Array, v: Array, width: int) -> npt.NDArray[np.bool_] | None:
    """The rows in which a bit is set of a moment; None where that is the sign of a zero."""
    found: npt.NDArray[np.bool_] = np.zeros(m.size // width, np.bool_)
    kind: Any = f"i{m.itemsize}"
    for moment in (m, v) if m is not v else (m,):
        bits: npt.NDArray[Any] = moment.view(kind)
        if bool((bits == np.iinfo(kind).min).any()):
            return None
        found |= bits.reshape(-1, width).any(1)
    return found


def _joined(mask: npt.NDArray[np.bool_], rows: Rows) -> npt.NDArray[np.bool_] | None:
    """These and the rows of the gradient; None if they are many."""
    joined = mask.copy()
    joined[rows.places] = True
    return joined if _FEW * np.count_nonzero(joined) <= joined.size else None
