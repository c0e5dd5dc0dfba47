"""Laws at ties and zeros, where functions have kinks: the pullback lies between the derivatives of both sides."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from funcnn.testing import nested
from funcnn.testing.casebook.of_layers import Case
from funcnn.testing.judging.derivatives import moved
from funcnn.testing.judging.verdicts import FLOAT64, Law, Verdict, broken
from funcnn.testing.lawbook.derivatives import basis, entry, named_entry, real_leaves, y_leaf

STEPS: Final = (2.0**-10, 2.0**-16)
TINY: Final = 2.0**-24  # a step so short that it leads over no kink, from a point that is further from all of them
NEAR: Final = 24  # points
FEW: Final = 3  # outputs, and entries of the input, that are looked at in a case


def at_ties(case: Case) -> Verdict | None:
    """Along one entry, and along all entries that are tied: both keep to one kink, which has two sides and no more.

    At the params that `init` gives, which are 0 or 1, or all alike, they are params.
    """
    at_start = getattr(case, "kind", "ties") == "start"
    leaves = real_leaves({"params": case.z["params"]} if at_start else {"x": case.x})
    real = [(path, a) for path, a in leaves if at_start or case.domain is None]
    if not real:
        return Verdict.MOOT
    with np.errstate(all="ignore"):
        y, pullback = case.bare_pull(case.z)
        outs: list[tuple[str, int]] = [(path, i) for path, a in real_leaves({"y": y}) for i in range(a.size)]
        if not outs or not nested.all_finite(y):
            return Verdict.MOOT
        chosen = [outs[int(i)] for i in case.generator("outputs").permutation(len(outs))[:FEW].tolist()]
        rows = [dict(nested.leaves(pullback(basis({"y": y}, at)["y"]))) for at in chosen]
        said = False
        for path, leaf in real:
            for what, d in _directions(case, path, leaf):
                for at, row, found in zip(chosen, rows, _sides(case, path, d, y, chosen), strict=True):
                    if found is None:
                        continue
                    said = True
                    low, high = min(found), max(found)
                    claimed = float(np.multiply(row[path], d).sum())
                    slack = 1e-3 * (abs(low) + abs(high)) + 1e-6 * (1 + nested.largest(y_leaf(y, at[0])))
                    if not low - slack <= claimed <= high + slack:
                        near = _near(case, path, d, y, at)
                        if min([low, *near]) - slack <= claimed <= max([high, *near]) + slack:
                            continue  # as in sorting, where several entries are tied, and the one in the middle stays
                        into = named_entry(at[0], y_leaf(y, at[0]), at[1])
                        raise broken(
                            f"the derivative of {into} along {what}: the pullback says {claimed:.6g}, from one side it "
                            f"is {low:.6g}, from the other {high:.6g}; a derivative at a kink lies between"
                        )
    return None if said else Verdict.NONE


def _directions(case: Case, path: str, leaf: Any) -> list[tuple[str, Any]]:
    """Entries, zeros first, and groups of entries that are equal, each moved as one."""
    flat = leaf.reshape(-1)
    order = case.generator("entries").permutation(flat.size)
    order = order[np.argsort(flat[order] != 0, kind="stable")][:FEW]
    found = [(named_entry(path, leaf, int(i)), entry(leaf, int(i))) for i in order]
    for value in (-1.0, 0.0, 1.0):
        tied = leaf == value
        if tied.sum() > 1:
            found.append((f"all entries of {nested.spoken(path)} that are {value:g}", tied.astype(np.float64)))
    return found


def _near(case: Case, path: str, d: Any, y: Any, at: tuple[str, int]) -> list[float]:
    """The derivatives of an output at points nearby, where nothing is tied: a derivative at a kink lies between these.

    Source: Clarke, Optimization and Nonsmooth Analysis (1983), theorem 2.5.1.
    """
    rng, found = case.generator("near"), list[float]()
    leaf = dict(nested.leaves(case.z))[path]
    for _ in range(NEAR):
        there = moved(case.z, path, rng.uniform(-1, 1, leaf.shape), 2.0**-12)
        sides = [y_leaf(case.bare_value(moved(there, path, d, h)), at[0]).reshape(-1)[at[1]] for h in (-TINY, TINY)]
        found.append(float(sides[1] - sides[0]) / (2 * TINY))
    return found


def _sides(case: Case, path: str, d: Any, y: Any, outs: list[tuple[str, int]]) -> list[tuple[float, float] | None]:
    """The derivatives of outputs from both sides, None where two steps do not agree: at jumps, and without a bound."""

    def phi(t: float) -> Any:
        there = case.bare_value(moved(case.z, path, d, t))
        return np.array([y_leaf(there, at).reshape(-1)[i] for at, i in outs])

    middle = np.array([y_leaf(y, at).reshape(-1)[i] for at, i in outs])
    sides: list[Any] = []
    agree = np.ones(len(outs), bool)
    for sign in (1, -1):
        coarse, fine = (sign * (4 * phi(sign * h) - phi(2 * sign * h) - 3 * middle) / (2 * h) for h in STEPS)
        agree &= np.abs(coarse - fine) <= 1e-4 * (1 + np.abs(fine))
        sides.append(fine)
    return [(float(up), float(down)) if sure else None for up, down, sure in zip(*sides, agree, strict=True)]


TIE_LAWS = (
    Law(
        "at_ties",
        "where entries are tied, or zero, the pullback lies between the derivatives of the two sides",
        "numeric", at_ties, dtypes=FLOAT64, kinds=("ties",), shrinks=False, rare=("start",),
    ),
)  # fmt: skip
