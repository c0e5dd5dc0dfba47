"""Laws of random layers: the key decides, and it decides something; rows are drawn apart."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from funcnn.keys import Key
from funcnn.networks.definitions import Definition
from funcnn.testing import nested
from funcnn.testing.casebook.of_layers import Case
from funcnn.testing.judging.tolerances import compare_exactly
from funcnn.testing.judging.verdicts import Law, Verdict, broken
from funcnn.testing.lawbook.exact import resized

KEYS: Final = 8
MANY: Final = 1000  # keys, before a layer is said to ignore them: what happens once in a hundred passes has happened
ROWS: Final = 16
MANY_ROWS: Final = 48  # at every fourth seed
SELDOM: Final = 8  # times that something has to happen before its spread can be told
ALIKE: Final = 1e-4  # of their size that shares of one draw may differ by, rounded as they are
SURE: Final = 24  # passes in which two rows are drawn alike, and never apart: they are drawn as one


def _key_decides(case: Case) -> None:
    apply, params, x = case.layer.apply, case.params, case.x
    first, calm = apply(params, x, rng=case.seed), apply(params, x)
    apply(params, x, rng=Key(case.seed).fold("another"))
    compare_exactly({"y": apply(params, x, rng=Key(case.seed))}, {"y": first}, "a training pass with the same key")
    compare_exactly({"y": apply(params, x)}, {"y": calm}, "inference after a training pass")


def keeps_statistics(layer: Definition) -> bool:
    """Does this layer, or one inside, keep statistics of the batch? Then it trains otherwise without drawing."""
    return layer.statistics is not None or any(map(keeps_statistics, layer.children.values()))


def _passes(case: Case, x: Any, n: int) -> list[list[bytes]]:
    keys = (Key(case.seed).fold(i) for i in range(n))
    return [nested.bits(case.layer.apply(case.params, x, rng=key)) for key in keys]


def _keys_differ(case: Case) -> Verdict | None:
    if keeps_statistics(case.layer.definition) or case.batch_axis != 0:
        return Verdict.MOOT
    x = case.like(shape=resized(case.shape, ROWS if case.seed % 4 else MANY_ROWS)).x
    calm, drawn = nested.bits(case.layer.apply(case.params, x)), _passes(case, x, KEYS)
    if any(bits != drawn[0] for bits in drawn):
        return None
    if drawn[0] == calm:
        return Verdict.MOOT
    if all(bits == drawn[0] for bits in _passes(case, x, MANY)):
        raise broken(f"{MANY} keys give the same bits, and not those of inference: the layer is to draw from the key")
    return None


def _rows_differ(case: Case) -> Verdict | None:
    """Rows that are equal; a decision for a batch as a whole is none about its entries, and is let pass."""
    if keeps_statistics(case.layer.definition) or len(case.params) or case.batch_axis != 0:
        return Verdict.MOOT
    one = case.like(shape=resized(case.shape, 1)).x
    x = nested.mapped(lambda a: np.repeat(a, ROWS, axis=0), one)
    calm = case.layer.apply(case.params, x)
    alike, times = np.triu(np.ones((ROWS, ROWS), bool), 1), np.zeros((ROWS, ROWS), int)
    for i in range(2 * SURE):
        y = case.layer.apply(case.params, x, rng=Key(case.seed).fold(i))
        for (_, a), (_, b) in zip(nested.leaves(y), nested.leaves(calm), strict=True):
            if a.shape[:1] == (ROWS,):
                equal, drawn = _equal_rows(a, b)
                alike &= equal
                times += equal & drawn[:, None]
        if i == 2 and alike.sum() == ROWS * (ROWS - 1) // 2:
            if not times.any():
                return Verdict.MOOT
            raise broken(f"{ROWS} equal rows come out equal with three keys, though entries differ: one mask for all; "
                         f"if that is meant, say except_={{'rows_differ': 'one draw for the batch'}}")  # fmt: skip
        if not alike.any() or (i == SURE // 2 and times[alike].max() < SURE // 4):
            return None
        if times[alike].max() >= SURE:
            at = np.argwhere(alike & (times >= SURE))[0].tolist()
            raise broken(f"rows {at[0]} and {at[1]}, which are equal, come out so with {i + 1} keys: they share a mask")
    return None


def _equal_rows(a: Any, calm: Any) -> tuple[Any, Any]:
    """Which rows come out equal, two by two; and in which rows something is drawn for the entries, one by one."""
    rows, still = (v.reshape(len(v), -1) for v in (a, calm))
    with np.errstate(all="ignore"):
        shares = np.where((rows == 0) & (still == 0), np.nan, rows / still) if nested.is_real(a) else rows == still
        low, high = np.fmin.reduce(shares, 1, initial=np.inf), np.fmax.reduce(shares, 1, initial=-np.inf)
        drawn = (low < high) & ~(high - low <= ALIKE * np.maximum(abs(low), abs(high)))
    return (rows[:, None] == rows[None]).all(-1), drawn


def _unbiased(case: Case) -> Verdict | None:
    n = 600
    calm = case.layer.apply(case.params, case.x)
    keys = (Key(case.seed).fold(case.attempt).fold(i) for i in range(n))
    drawn = [case.layer.apply(case.params, case.x, rng=key) for key in keys]
    for (path, wanted), *rows in zip(nested.leaves(calm, "y"), *map(nested.leaves, drawn), strict=True):
        values = np.stack([a for _, a in rows]).astype(np.float64)
        off = np.abs(values.mean(0) - wanted)
        room = 6 * values.std(0) / np.sqrt(n) + 1e-5 * np.abs(wanted)
        seldom = np.minimum((values != values[0]).sum(0), (values == values[0]).sum(0)) < SELDOM
        room += seldom * SELDOM / n * (np.abs(wanted) + np.abs(values - wanted).max(initial=0.0))
        if wanted.size and (off > room).any():
            at = int(np.argmax(off - room))
            raise broken(
                f"the mean of {n} training passes is {values.mean(0).reshape(-1)[at]:.4g}, where inference says "
                f"{wanted.reshape(-1)[at]:.4g}: {path} is off by {off.reshape(-1)[at]:.3g}, chance allows "
                f"{room.reshape(-1)[at]:.3g}"
            )
    return None


RANDOM_LAWS = (
    Law(
        "key_decides",
        "the key decides a training pass, and nothing else does; inference draws nothing",
        "exact", _key_decides, passes="inference", wants="random",
    ),
    Law(
        "keys_differ",
        "another key gives another training pass, where a training pass differs from inference at all",
        "exact", _keys_differ, kinds=("normal",), passes="inference", wants="random",
    ),
    Law(
        "rows_differ",
        "a layer without params draws for every row: equal rows come out different",
        "exact", _rows_differ, kinds=("separated",), passes="inference", wants="random",
    ),
)  # fmt: skip

UNBIASED = Law(
    "unbiased", "the mean of training passes over many keys is what inference gives",
    "numeric", _unbiased, dtypes=("float64",), kinds=("normal",), passes="inference", wants="random", shrinks=False,
)  # fmt: skip
"""For dropout and its like; asked for."""
