"""Laws of layers over (batch, time, ...): nobody sees the future, and padding is never looked at."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np

from funcnn.testing import nested
from funcnn.testing.casebook.of_layers import Case
from funcnn.testing.judging.tolerances import compare_exactly
from funcnn.testing.judging.verdicts import Law, Verdict, broken

_SPOILING: Final = (np.nan, np.inf)
_PADDING: Final = (*_SPOILING, 1e30)
"""Numbers that spoil what they are multiplied with, by 0 too; their steps are to be left out before."""

_UNITS: Final = 64
"""In the last place, that gradients may move where tokens are others: they are added up in another order."""

Chosen = Callable[[Any], Any]
"""Which steps of an array are meant, (batch, time); None of an array that is no such sequence."""


def _causal(case: Case) -> Verdict | None:
    time = next((a.shape[1] for _, a in nested.leaves(case.x) if a.ndim > 1), 0)
    if time < 2:
        return Verdict.MOOT

    def from_on(start: int, a: Any) -> Any:
        return np.broadcast_to(np.arange(time) >= start, a.shape[:2]) if _is_sequence(a, time) else None

    wanted = case.pull()[0]
    for start in range(1, time):
        after = partial(from_on, start)
        other = case.pull(x=_replaced(case, after, None))[0]
        _same_outputs(wanted, other, after, f"what comes at step {start} and later")
    first = int(case.generator("future").integers(1, time))
    later = partial(from_on, first)
    _unseen(case, later, f"what comes at step {first} and later")
    y = case.pull()[0]
    for number in _SPOILING:  # cotangents of 0 are multiplied with it by later steps of their own, a cell's say
        with np.errstate(all="ignore"):  # what comes of it there may be anything
            z = case.pull(x=_replaced(case, later, number))[0]
        _same_outputs(y, z, later, f"{number} at step {first} and later")
    return None


def _padding_inert(case: Case) -> Verdict | None:
    masks = [a for _, a in nested.leaves(case.x) if a.dtype == np.bool_]
    if not masks:
        raise broken("there is no mask in the input: this is a law about layers with one")
    mask = masks[-1]
    if mask.all():
        return Verdict.MOOT

    def padded(a: Any) -> Any:
        beside = a.ndim > mask.ndim or a.dtype.kind in "iu"
        return ~mask if beside and a.shape[: mask.ndim] == mask.shape else None

    with np.errstate(all="ignore" if case.kind == "wide" else None):  # far out a layer may overflow
        _unseen(case, padded, "what stands where the mask is false")
        for padding in _PADDING:
            _unseen(case, padded, f"{padding} where the mask is false", padding)
    return None


def _unseen(case: Case, where: Chosen, what: str, filled: float | None = None) -> Verdict | None:
    """Another input there changes no bit of the outputs elsewhere, nor of what their cotangents give: 0 there.

    Another one is drawn, or features are all of one number.
    """
    (y, pull), (z, back) = case.pull(), case.pull(x=_replaced(case, where, filled))
    _same_outputs(y, z, where, what)
    dy = _elsewhere(case.cotangent(y), where)
    gradients, others = pull(dy), back(dy)
    tokens = any(a.dtype.kind in "iu" for _, a in nested.leaves(case.x))
    said = f"{what} changes gradients of the outputs elsewhere"
    compare_exactly(others, gradients, said, units=_UNITS if tokens else 0)

    def there(a: Any, d: Any) -> Any:
        found = where(a)
        return np.zeros(1) if found is None else d * _wide(found, d)

    reached = nested.mapped(there, case.x, gradients["x"])
    for path, d in nested.leaves(reached, "x"):
        if d.any():
            raise broken(f"{what} gets a cotangent from outputs elsewhere: that of {path} reaches {nested.largest(d):.3g}")
    return None


def _replaced(case: Case, where: Chosen, filled: float | None) -> Any:
    """The input with other features there, drawn or all of one number, and with other tokens."""
    drawn = case.again(1).like(kind="large").x

    def chosen(a: Any, b: Any) -> Any:
        if a.dtype == np.bool_:
            return a
        return _put(a, where(a), b if filled is None or not nested.is_real(a) else np.full_like(a, filled))

    return nested.mapped(chosen, case.x, drawn)


def _same_outputs(y: Any, z: Any, where: Chosen, what: str) -> None:
    got, wanted = _elsewhere(z, where), _elsewhere(y, where)
    compare_exactly({"y": got}, {"y": wanted}, f"{what} changes the outputs elsewhere")


def _elsewhere(tree: Any, where: Chosen) -> Any:
    """With 0 there."""
    return nested.mapped(lambda a: _put(a, where(a), np.zeros_like(a)), tree)


def _put(a: Any, where: Any, b: Any) -> Any:
    if where is None:
        return a
    out: Any = np.array(a)
    np.copyto(out, b, "unsafe", where=_wide(where, a))
    return out


def _wide(where: Any, a: Any) -> Any:
    return where.reshape(*where.shape, *(1,) * (a.ndim - where.ndim))


def _is_sequence(a: Any, time: int) -> bool:
    return bool(a.ndim > (2 if nested.is_real(a) else 1) and a.shape[1] == time)


ALONG_TIME_LAWS = (
    Law(
        "causal", "an output depends on no later step, one of NaN too, and gives it no cotangent",
        "exact", _causal, kinds=("normal", "mixed"), passes="inference", large=True,
    ),
    Law(
        "padding_inert", "what stands where the mask is false, NaN too, changes no other output and no gradient, and gets none",
        "exact", _padding_inert, kinds=("normal", "mixed"), passes="inference", large=True, rare=("wide",),
    ),
)  # fmt: skip
