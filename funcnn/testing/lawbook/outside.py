"""Laws about what lies outside a layer: the caller's memory, the global random state, other threads."""

from __future__ import annotations

import random
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from funcnn.testing import nested
from funcnn.testing.casebook.of_layers import Case
from funcnn.testing.judging.verdicts import Law, Verdict, broken

THREADS = 8


def _writes_nothing(case: Case) -> None:
    ours = nested.mapped(np.array, case.z)
    before = nested.bits(ours)
    case.bare_value(ours)
    if nested.bits(ours) != before:
        raise broken("the value is computed in the memory of the params or of the input, where that is writeable")
    y, pullback = case.bare_pull(ours)
    pullback(nested.mapped(np.array, case.cotangent(y)))
    if nested.bits(ours) != before:
        raise broken("the rule wrote into the params or the input, where they are writeable")


def _leaves_random_state(case: Case) -> None:
    ours, theirs = np.random.get_state(), random.getstate()
    try:
        np.random.seed(case.seed + 12345)  # noqa: NPY002  (Hypothesis seeds with 0, as many a layer would)
        random.seed(case.seed + 12345)
        before = _random_states()
        y, pullback = case.pull()
        pullback(case.cotangent(y))
        if _random_states() != before:
            raise broken("the global random state of NumPy or Python is another one afterwards; draw from the key")
    finally:
        np.random.set_state(ours)
        random.setstate(theirs)


def _random_states() -> tuple[Any, ...]:
    name, numbers, *rest = np.random.get_state()
    return name, np.asarray(numbers).tobytes(), rest, random.getstate()


def _threads(case: Case) -> Verdict | None:
    if case.seed % 3:
        return Verdict.MOOT  # eight passes are dear, and one case of three finds what threads do to each other
    cases = [case.again(i) for i in range(THREADS)]

    def run(one: Case) -> list[bytes]:
        with np.errstate(all="ignore"):
            y, pullback = one.pull()
            return nested.bits((y, pullback(one.cotangent(y))))

    wanted = [run(one) for one in cases]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(THREADS) as pool:
            got: list[Any] = list(pool.map(run, cases * 2))
    finally:
        sys.setswitchinterval(interval)
    if got != wanted * 2:
        raise broken(f"{THREADS} threads get other values than one: they share something that is written to")
    return None


OUTSIDE_LAWS = (
    Law(
        "writes_nothing",
        "value and pullback write into neither params nor input, be they writeable",
        "exact", _writes_nothing, kinds=("normal",),
    ),
    Law(
        "leaves_random_state",
        "the global random state is left alone: what is random comes from the key",
        "exact", _leaves_random_state, dtypes=("float32",), kinds=("normal",),
    ),
    Law(
        "threads",
        "eight threads get what one gets",
        "exact", _threads, dtypes=("float32",), kinds=("normal",), shrinks=False,
    ),
)  # fmt: skip
