"""Laws of a domain, which hold for some layers and are asked for: `laws(Softmax, ..., also=["rows_sum_to_one"])`.

The set is open: a `Law` with a function of a `Case` is all it takes, and `also=` takes such values too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from funcnn.testing import nested
from funcnn.testing.casebook.of_layers import Case
from funcnn.testing.judging.tolerances import compare, compare_exactly, floor, wiggle
from funcnn.testing.judging.verdicts import FLOAT64, Law, Verdict, broken
from funcnn.types import is_array


def _of_one_array(check: Callable[[Case], Verdict | None]) -> Callable[[Case], Verdict | None]:
    """A law about one array that makes one array: of others it says nothing, which is told."""

    def checked(case: Case) -> Verdict | None:
        return check(case) if is_array(case.x) and is_array(case.apply()) else Verdict.MOOT

    return checked


def _allowed(case: Case, y: Any) -> Any:
    return nested.mapped(lambda a, b: a + b, wiggle(case, case.bare_value, case.z), floor(case, y, y)["y"])


@_of_one_array
def _rows_sum_to_one(case: Case) -> None:
    y = case.apply()
    if y.size and not (y >= 0).all():
        raise broken(f"an output is negative, {y.min():.3g}")
    off = nested.largest(y.sum(-1) - 1)
    allowed = 64 * float(np.finfo(y.dtype).eps) * max(1, y.shape[-1])
    if off > allowed:
        raise broken(f"a row sums to 1 ± {off:.3g}, rounding allows {allowed:.3g}")


@_of_one_array
def _shift_invariant(case: Case) -> None:
    y = case.apply()
    shifted = case.apply(x=(case.x + 2.0).astype(case.dtype))
    allowed = _allowed(case, y) * 4
    compare({"y": shifted}, {"y": y}, {"y": allowed}, "adding a number to every feature")


@_of_one_array
def _scale_invariant(case: Case) -> Verdict | None:
    if case.x.size and (np.ptp(case.x, axis=-1) < 0.1).any():
        return Verdict.MOOT  # rows that are constant have no scale
    big = 2.0**12 * case.x
    compare(
        {"y": case.apply(x=4 * big)}, {"y": case.apply(x=big)}, {"y": 1e-8}, "multiplying all features by a number"
    )
    return None


def _reach(case: Case, y: Any) -> int:
    """How far from a border it is felt: as far as the values that another first or last input changes."""
    found = [0]
    for at, ends in ((0, 1), (-1, -1)):
        other = np.array(case.x)
        other[:, at] += 1
        changed = (case.apply(x=other) != y).any((0, *range(2, y.ndim)))[::ends]
        found.append(int(np.flatnonzero(changed).max(initial=0)))
    return max(found)


@_of_one_array
def _translation_equivariant(case: Case) -> Verdict | None:
    y = case.apply()
    margin = 0 if y.shape[1] < case.x.shape[1] else _reach(case, y)  # without padding borders are felt nowhere
    inside = slice(margin, y.shape[1] - 1 - margin)
    if inside.start >= inside.stop:
        return Verdict.MOOT
    moved = case.apply(x=np.ascontiguousarray(case.x[:, 1:]))
    compare(
        {"y": moved[:, inside]}, {"y": y[:, 1:][:, inside]}, {"y": _allowed(case, y)}, "moving the input by one place"
    )
    return None


def _order(case: Case) -> tuple[Any, Any]:
    """Another order of axis 1, and all inputs in it that have so many entries there."""
    n = next(a.shape[1] for _, a in nested.leaves(case.x))
    order = case.generator("order").permutation(n)
    return order, nested.mapped(lambda a: a[:, order] if a.shape[1:2] == (n,) else a, case.x)


def _permutation_equivariant(case: Case) -> None:
    order, turn = _order(case)
    y = case.apply()
    turned = case.apply(x=turn)
    compare({"y": turned}, {"y": y[:, order]}, {"y": _allowed(case, y)}, "another order of axis 1")


def _permutation_invariant(case: Case) -> None:
    _, turn = _order(case)
    y = case.apply()
    compare({"y": case.apply(x=turn)}, {"y": y}, {"y": _allowed(case, y)}, "another order of axis 1")


def _identity_at_inference(case: Case) -> None:
    compare_exactly({"y": case.layer.apply(case.params, case.x)}, {"y": case.x}, "at inference the input is passed on")


@_of_one_array
def _within_input(case: Case) -> None:
    y, slack = case.apply(), 64 * float(np.finfo(case.dtype).eps) * nested.largest(case.x)
    if y.size and (y.max() > case.x.max() + slack or y.min() < case.x.min() - slack):
        inputs = f"{case.x.min():.6g} to {case.x.max():.6g}"
        raise broken(f"values from {y.min():.6g} to {y.max():.6g} from inputs in {inputs}")


@_of_one_array
def _unit_interval(case: Case) -> None:
    y = case.apply()
    if y.size and not (y.min() >= 0 and y.max() <= 1):
        raise broken(f"values from {y.min():.6g} to {y.max():.6g}")


@_of_one_array
def _increasing(case: Case) -> None:
    order = np.argsort(case.x, axis=None)
    y = case.apply().reshape(-1)[order]
    drops = np.diff(y)
    if drops.size and drops.min() < -64 * float(np.finfo(case.dtype).eps) * (nested.largest(y) + 1):
        raise broken(f"a larger input gives a smaller value, by {-drops.min():.3g}")


@_of_one_array
def _odd(case: Case) -> None:
    y = case.apply()
    compare({"y": case.apply(x=-case.x)}, {"y": -y}, {"y": _allowed(case, y)}, "f(-x) is not -f(x)")


def _propagates_nan(case: Case) -> Verdict | None:
    real = [path for path, a in nested.leaves(case.x, "x") if nested.is_real(a) and a.size]
    if not real:
        return Verdict.MOOT

    def poisoned(path: str, a: Any) -> Any:
        if path != real[0]:
            return a
        out = np.array(a)
        out.reshape(-1)[case.generator("nan").integers(a.size)] = np.nan
        return out

    with np.errstate(all="ignore"):
        y = case.apply(x=nested.located(poisoned, case.x, "x"))
    if not any(a.dtype.kind == "f" and np.isnan(a).any() for _, a in nested.leaves(y)):
        raise broken(f"a NaN in {real[0]} leaves none in the value")
    return None


DOMAIN_LAWS = (
    Law("rows_sum_to_one", "along the last axis values are positive and sum to 1", "exact", _rows_sum_to_one),
    Law(
        "shift_invariant", "adding a number to all features changes nothing",
        "numeric", _shift_invariant, passes="inference",
    ),
    Law(
        "scale_invariant", "multiplying all features by a positive number changes nothing",
        "numeric", _scale_invariant, dtypes=FLOAT64, kinds=("normal", "separated"), passes="inference",
    ),
    Law(
        "translation_equivariant", "moving the input along axis 1 moves the output, away from the borders",
        "numeric", _translation_equivariant, passes="inference",
    ),
    Law(
        "permutation_equivariant", "another order along axis 1 gives the same output in that order",
        "numeric", _permutation_equivariant, passes="inference",
    ),
    Law(
        "permutation_invariant", "the order along axis 1 does not matter",
        "numeric", _permutation_invariant, passes="inference",
    ),
    Law("identity_at_inference", "without a key the input comes out as it is", "exact", _identity_at_inference),
    Law(
        "within_input", "no value is above the largest or below the smallest input",
        "exact", _within_input, passes="inference",
    ),
    Law("unit_interval", "values lie between 0 and 1", "exact", _unit_interval),
    Law("increasing", "a larger input never gives a smaller value", "exact", _increasing, passes="inference"),
    Law("odd", "f(-x) = -f(x)", "numeric", _odd, passes="inference"),
    Law(
        "propagates_nan", "a NaN in the input shows in the output",
        "exact", _propagates_nan, dtypes=("float32",), kinds=("normal",), passes="inference",
    ),
)  # fmt: skip
