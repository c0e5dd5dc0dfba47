"""Laws about what layers remember: nothing, however much one input looks like another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

import numpy as np

from funcnn.networks import Layer
from funcnn.params import plain_tree
from funcnn.shapes import shape_of
from funcnn.testing import nested
from funcnn.testing.casebook.of_layers import Case
from funcnn.testing.judging.reach import Reach
from funcnn.testing.judging.verdicts import FLOAT64, Law, Verdict, broken
from funcnn.types import is_array


NEW: Final = 5  # an attempt that nothing else here makes
ROUNDS: Final = 4  # times that Python is asked for an object where another one was


def _remembers_nothing(case: Case, new: Reach | None = None) -> Verdict | None:
    """After a pass, one over values that a careless key would take for the same; and again, in the caller's memory.

    `new` is what the layer remembered before it was tried.
    """
    if case.seed % 4 == 0:  # these are dear, and one case of four finds what there is
        _afresh(case, new or Reach(case.layer))
        _where_others_were(case)
    _in_place(case)
    _in_another_shape(case)
    y, pullback = case.bare_pull(case.z)
    dy = case.cotangent(y)
    g, kept = pullback(dy), nested.bits(y)
    tried = False
    for what, z in _alike(case):
        case.bare_value(case.z)
        there, back = case.bare_pull(z)
        if nested.structure(there) != nested.structure(y):
            continue
        tried = True
        if nested.bits(there) != kept or not nested.all_finite(there):
            continue
        step = nested.mapped(lambda a, b: b - a if nested.is_real(a) else np.zeros(a.shape), case.z, z)
        slopes = nested.mapped(lambda a, b: (a + b) / 2, g, back(dy))
        moves = float(nested.dot(slopes, step))
        if abs(moves) > 1e-6 * (1 + nested.absolute_dot(slopes, step)):
            raise broken(
                f"after a pass, {what} gives the same value to the last bit, though the pullback says that it moves by "
                f"{moves:.3g}: the layer answers from memory, or its pullback is wrong; first mend what true_pullback "
                f"finds"
            )
    return None if tried else Verdict.MOOT


def _in_place(case: Case) -> None:
    """The caller may write new numbers into an array between two passes."""
    real = [a for _, a in nested.leaves(case.x) if nested.is_real(a)]
    if not real:
        return
    other = case.again(1).x
    fresh = nested.mapped(np.array, other)  # alive until the end, so that nothing else comes to lie there
    wanted = case.apply(x=fresh)
    ours = nested.mapped(np.array, case.x)
    case.apply(x=ours)
    for a, b in zip((a for _, a in nested.leaves(ours)), (b for _, b in nested.leaves(other)), strict=True):
        a[...] = b
    got = case.apply(x=ours)
    if nested.bits(got) != nested.bits(wanted):
        raise broken("an array with new numbers in it gives another value than a fresh one with the same numbers")


def _in_another_shape(case: Case) -> None:
    """The same numbers in another shape are another input."""
    if not is_array(case.x) or len(case.params) or case.x.shape == case.x.shape[::-1]:
        return
    turned = case.x.reshape(case.x.shape[::-1])
    try:
        wanted = shape_of(case.bare_value({**case.z, "x": case.again(NEW).x.reshape(turned.shape)}))
    except Exception:  # it takes no such input
        return
    case.bare_value(case.z)
    got = shape_of(case.bare_value({**case.z, "x": turned}))
    if got != wanted:
        raise broken(f"after a pass over an input of shape {case.x.shape}, the same numbers in shape {turned.shape} "
                     f"give a value of shape {got}: the layer answers from memory")  # fmt: skip


def _where_others_were(case: Case) -> None:
    """New params may be the same objects to Python as old ones that are gone: in training they are at every step."""
    others = case.again(1)
    wanted = nested.bits(case.bare_value({**case.z, "params": plain_tree(others.params)}))
    ours = nested.mapped(np.array, case.z["params"])
    case.bare_value({**case.z, "params": ours})
    places = {path: id(a) for path, a in nested.leaves(ours)}
    del ours
    missed: list[Any] = []

    def again(path: str, a: Any) -> Any:
        for _ in range(ROUNDS):
            found = np.array(a)
            if id(found) == places[path]:
                return found
            missed.append(found)
        return missed.pop()

    theirs = nested.located(again, plain_tree(others.params))
    if nested.bits(case.bare_value({**case.z, "params": theirs})) != wanted:
        raise broken(
            "params that are where others have been give another value than elsewhere: the layer finds what it keeps "
            "by id(), which is another array's once the first is gone"
        )


def _afresh(case: Case, new: Reach) -> None:
    def run(one: Case) -> list[bytes]:
        y, back = one.pull()
        return nested.bits((y, back(one.cotangent(y))))

    as_new_or_not(case, run, new, Reach(case.layer))


def as_new_or_not(case: Any, run: Callable[[Any], list[bytes]], new: Reach, now: Reach) -> None:
    """After all that was; as new; and as new but for a pass over another input: what it has seen does not matter.

    Errors
        LawBroken   it does
    """
    if not new.memories and not new.memos:
        return
    try:
        worn = run(case)
        new.restore()
        wanted = run(case)
        if worn != wanted:
            raise broken("after many passes it gives something else than as new: it keeps what it has seen, or counts")
        if not new.changed:
            return
        new.restore()
        run(case.again(1))
        if run(case) != wanted:
            raise broken("where another input of the same shape has come first, it gives something else: it keeps "
                         "what it has seen first")  # fmt: skip
    finally:
        now.restore()


def _alike(case: Case) -> Iterator[tuple[str, Any]]:
    """Other inputs of the same shape that have something in common with this one: nothing, the sum, the ends, all."""
    z = case.z
    others = case.again(1)
    if any(nested.is_real(a) and a.size for _, a in nested.leaves(case.x)):
        yield "another input of the same shape", {**z, "x": others.x}
    if case.domain is None and any(nested.is_real(a) and a.size > 1 for _, a in nested.leaves(case.x)):
        yield "an input with the same sum", {**z, "x": nested.mapped(_same_sum, case.x)}
        yield "an input with the same ends", {**z, "x": nested.mapped(_same_ends, case.x, others.x)}
    if len(case.params):
        yield "the same input, with other params,", {**z, "params": nested.mapped(lambda a: a, others.params)}


def _same_sum(a: Any) -> Any:
    if not nested.is_real(a) or a.size < 2:
        return a
    out = np.array(a)
    flat = out.reshape(-1)
    by = 1.0 + 2 * nested.largest(a)
    flat[np.argmin(flat)] += by
    flat[np.argmax(a)] -= by
    return out


def _same_ends(a: Any, other: Any) -> Any:
    if not nested.is_real(a) or a.size < 3:
        return a
    out = np.array(other)
    out.reshape(-1)[[0, -1]] = a.reshape(-1)[[0, -1]]
    return out


MEMORY_LAWS = (
    Law(
        "remembers_nothing",
        "values depend on this input and these params, not on passes over others, however much they look alike",
        "exact", _remembers_nothing, dtypes=FLOAT64, kinds=("normal",), large=True,
    ),
)  # fmt: skip


def as_new(law: Law[Case], layer: Layer[Any, Any]) -> Law[Case]:
    """The same law; the one about memory knows what the layer remembers now, before it is tried."""
    return law._replace(check=partial(_remembers_nothing, new=Reach(layer))) if law.name == MEMORY_LAWS[0].name else law
