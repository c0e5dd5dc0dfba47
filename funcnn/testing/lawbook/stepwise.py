"""The law about time: a network step by step is the network."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from funcnn.decoding import decoder
from funcnn.testing import nested
from funcnn.testing.casebook.of_layers import Case
from funcnn.testing.judging.tolerances import compare, floor, wiggle
from funcnn.testing.judging.verdicts import Law, Verdict


def _steps_agree(case: Case) -> Verdict | None:
    """Cut into pieces at random, single steps among them; what is no sequence goes in every time."""
    n = _steps(case.x)
    try:
        step = decoder(case.layer)
    except TypeError:
        return Verdict.MOOT  # it says that it cannot
    if n < 2:
        return Verdict.MOOT
    rng = case.generator("pieces")
    cuts = [0, *sorted({int(c) for c in rng.integers(1, n, size=int(rng.integers(1, n)))}), n]
    pieces: list[Any] = []
    memory = None
    for start, end in zip(cuts, cuts[1:], strict=False):
        piece = nested.mapped(partial(_cut, n, slice(start, end)), case.x)
        y, memory = step(case.params, piece, memory)
        pieces.append(y)
    wanted = case.apply()
    got = _joined(pieces, wanted)
    moves, rounding = wiggle(case, case.bare_value, case.z), floor(case, wanted, wanted)["y"]
    allowed = nested.mapped(lambda a, b: 4 * (a + b), moves, rounding)
    compare({"y": got}, {"y": wanted}, {"y": allowed}, f"step by step, cut at {cuts[1:-1]}")
    return None


def _is_sequence(a: Any, n: int) -> bool:
    return bool(a.ndim > (2 if nested.is_real(a) else 1) and a.shape[1] == n)


def _cut(n: int, steps: slice, a: Any) -> Any:
    return np.ascontiguousarray(a[:, steps]) if _is_sequence(a, n) else a


def _steps(x: Any) -> int:
    sizes = [a.shape[1] for _, a in nested.leaves(x) if a.ndim > (2 if nested.is_real(a) else 1)]
    return int(sizes[0]) if sizes else 0


def _joined(pieces: list[Any], wanted: Any) -> Any:
    """The pieces one after the other; of what is no sequence, the last."""
    if nested.is_tuple(wanted):
        return tuple(_joined([p[i] for p in pieces], w) for i, w in enumerate(wanted))
    whole = wanted.ndim > 1 and sum(p.shape[1] for p in pieces) == wanted.shape[1]
    return np.concatenate(pieces, 1) if whole else pieces[-1]


STEPWISE_LAWS = (
    Law(
        "steps_agree",
        "a network that says how it goes on gives piece by piece what it gives for the whole sequence",
        "numeric", _steps_agree, kinds=("normal", "mixed"), passes="inference", wants="steps", large=True,
    ),
)  # fmt: skip
