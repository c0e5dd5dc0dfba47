"""A recurrent cell on several cores: sequences know nothing of each other, so that each thread takes a part of them.

Within a step there is too little to share: its product takes 170 us, and to wake another thread 40. A part of the batch
goes through all steps by itself, with arrays of its own. The threads take turns with the interpreter's lock, which costs
little where products are long: 64 features and 256 units over 64 steps, batch 32, take 8.2 ms forward on two cores and
29 both ways, as one part 14.7 and 41.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np

from funcnn.kernels.cell_parts import Gates
from funcnn.kernels.cell_steps import States
from funcnn.kernels.recurrence import (
    Cotangents, Pass, Single,
    input_cotangent as _input_cotangent, outputs as _outputs, recur as _recur, recur_pullback as _pullback,
)  # fmt: skip
from funcnn.kernels.threads import spread
from funcnn.types import Array, Mask

_REPAYS: Final = 1 << 20  # multiplications of a step's product, of one part
_FEWEST: Final = 8  # sequences of a part: kernels for AVX2 multiply eight columns at once


class Parts(NamedTuple):
    """What passes over parts of a batch leave, and where these begin."""

    passes: tuple[Pass, ...]
    starts: tuple[int, ...]

    @property
    def spans(self) -> tuple[slice, ...]:
        """The sequences of each part."""
        return tuple([slice(i, i + done.batch) for i, done in zip(self.starts, self.passes, strict=True)])

    @property
    def final(self) -> States:
        """(units, batch) each."""
        return tuple([np.concatenate(states, 1) for states in zip(*[done.final for done in self.passes], strict=True)])


Done = Pass | Single | Parts
"""What a pass leaves."""


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
) -> Done:
    """`funcnn.kernels.recurrence.recur`, by parts where they are long enough."""
    least = max(_FEWEST, _REPAYS // ((len(w) + len(u)) * w.shape[1]))
    given = (w, u, b, x, *(initial or ()))
    if len(x) < 2 * least or x.shape[1] == 1 or not all(type(a) is np.ndarray for a in given):
        return _recur(gates, w, u, b, x, mask, initial, keep=keep, ends=ends)
    found: dict[int, Any] = {}

    def part(i: int, j: int) -> None:
        rows = None if mask is None else mask[i:j]
        first = None if initial is None else tuple([a[i:j] for a in initial])
        found[i] = _recur(gates, w, u, b, x[i:j], rows, first, keep=keep, ends=ends)

    spread(len(x), least, part)
    starts = tuple(sorted(found))
    return found[0] if len(starts) == 1 else Parts(tuple([found[i] for i in starts]), starts)


def outputs(done: Done) -> Array:
    """The outputs of all steps, (batch, time, units)."""
    if not isinstance(done, Parts):
        return _outputs(done)
    return _together(done, lambda k: _outputs(done.passes[k]))


def recur_pullback(done: Done, dy: Array | None, final: tuple[Array | None, ...]) -> Cotangents:
    """`funcnn.kernels.recurrence.recur_pullback`; the cotangents of weights are the sums of those of the parts."""
    if not isinstance(done, Parts):
        return _pullback(done, dy, final)
    found: dict[int, Cotangents] = {}
    spans = done.spans

    def part(k: int) -> None:
        at = spans[k]
        behind = tuple([None if f is None else f[:, at] for f in final])
        found[k] = _pullback(done.passes[k], None if dy is None else dy[at], behind)

    _side_by_side(len(spans), part)
    each = [found[k] for k in range(len(spans))]
    dw, du, db = ([getattr(d, name) for d in each] for name in ("w", "u", "b"))
    initial = tuple([np.concatenate(states, 1) for states in zip(*[d.initial for d in each], strict=True)])
    return Cotangents(_sum(dw), _sum(du), _sum(db), [d.rows for d in each], initial)


def input_cotangent(done: Done, rows: Any) -> Array:
    """That of the input, (batch, time, features)."""
    if not isinstance(done, Parts):
        return _input_cotangent(done, rows)
    return _together(done, lambda k: _input_cotangent(done.passes[k], rows[k]))


def _together(done: Parts, of: Callable[[int], Array]) -> Array:
    """What comes of each part, one behind the other."""
    found: dict[int, Array] = {}
    _side_by_side(len(done.passes), lambda k: found.__setitem__(k, of(k)))
    whole: Array = np.concatenate([found[k] for k in range(len(done.passes))])
    return whole


def _side_by_side(count: int, part: Callable[[int], object]) -> None:
    """Every part by a thread, if one is free."""

    def some(i: int, j: int) -> None:
        for k in range(i, j):
            part(k)

    spread(count, 1, some)


def _sum(parts: list[Array]) -> Array:
    total = parts[0]
    for part in parts[1:]:
        total += part
    return total
