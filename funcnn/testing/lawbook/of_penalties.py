"""Laws about penalties: the pullback is the derivative of the number, and zero where nothing is selected."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

import numpy as np

from funcnn.params import Params
from funcnn.testing import nested
from funcnn.testing.casebook.copies import copies
from funcnn.testing.casebook.of_parts import PenaltyCase
from funcnn.testing.drawing.contents import contents, signs
from funcnn.testing.judging.cancelling import SINGLE, promoted, tracked
from funcnn.testing.judging.derivatives import Line, judge, moved
from funcnn.testing.judging.left_alone import left_alone
from funcnn.testing.judging.scaling import commutes, times
from funcnn.testing.judging.verdicts import FLOAT64, Law, Verdict, broken, listed
from funcnn.testing.lawbook.of_every_part import common_laws, pulled_bits
from funcnn.testing.lawbook.ties import at_ties


NEAR: Final = 2.0**-10  # of a way: where a penalty is flat, as within a margin, it does not move so near


def _one_number(case: PenaltyCase) -> None:
    value = case.penalty(case.params)
    if type(value) is not float or not np.isfinite(value):
        raise broken(f"the penalty is {value!r}, a {type(value).__name__}; a finite Python float is wanted")
    if case.pull()[0] != value:
        raise broken(f"vjp's value is {case.pull()[0]!r}, the call's {value!r}")


def _true_pullback(case: PenaltyCase) -> Verdict | None:
    params = nested.mapped(np.array, case.params)
    value, pullback = case.pull()
    gradients = dict(nested.leaves(pullback(1.0)))
    undecided = False
    for path, leaf in nested.leaves(params):
        g = gradients[path]

        def line(attempt: int, path: str = path, leaf: Any = leaf, g: Any = g) -> Line:
            d = signs(case.generator(f"direction {path} {attempt}"), leaf.shape)

            def at(t: Any) -> Any:
                return case.penalty.rule(moved(params, path, d, t))[0]

            return Line(at, float(nested.dot(g, d)), value, nested.absolute_dot(g, d), abs(value) + 1.0)

        finding = judge(line)
        if finding.outcome is False:
            raise broken(f"gradient of {path}: {finding}")
        undecided = undecided or finding.outcome is None
    return Verdict.NONE if undecided else None


def _tree(case: PenaltyCase) -> None:
    gradients = dict(nested.leaves(case.pull()[1](1.0)))
    for path, a in nested.leaves(case.params):
        g = gradients.pop(path, None)
        if g is None or g.dtype != case.dtype or g.shape != a.shape:
            got = "nothing" if g is None else f"{g.dtype} {g.shape}"
            raise broken(f"the gradient of {path} is {got}, expected {case.dtype} {a.shape}")
        if np.shares_memory(g, a):
            raise broken(f"the gradient of {path} shares memory with it")
    if gradients:
        raise broken(f"there are gradients of what the params have not: {', '.join(gradients)}")


def _finite(case: PenaltyCase) -> None:
    """A leaf of zeros, as a bias is at first. An infinite value may be meant there, as of a logarithm."""
    for path in case.params.paths():
        at = case.params.set(path, np.zeros_like(case.params.at(path)))
        with np.errstate(all="ignore"):
            value, pullback = case.pull(at)
            for name, a in (("penalty", np.asarray(value)), *nested.leaves(pullback(1.0))):
                what = name if name == "penalty" else f"gradient of {name}"
                if np.isnan(a).any():
                    raise broken(f"where {path} is all 0 the {what} is NaN, as of 0 / 0")


def _linear_pullback(case: PenaltyCase) -> None:
    pullback = case.pull()[1]
    one = pullback(1.0)
    for factor in (2.0, -1.0, 0.0, 2.0**-20):
        said, scaled = f"pullback({factor:g}) is not {factor:g} pullback(1)", times(factor, one)
        commutes(said, factor, pullback(factor), scaled, lambda: case.pull()[1](factor), units=4)  # noqa: B023


def _selected(case: PenaltyCase) -> None:
    """A leaf that does not move the penalty has no gradient, and one that has none does not move it."""
    value, pullback = case.pull()
    gradients = dict(nested.leaves(pullback(1.0)))
    for path, a in nested.leaves(case.params):
        there, near = (
            case.penalty(Params({p: (b + by * (0.5 * b + 1)).astype(b.dtype) if p == path else b  # noqa: B023
                                 for p, b in nested.leaves(case.params)})) for by in (1.0, NEAR)
        )  # fmt: skip
        size = nested.largest(gradients[path])
        rounding = 1024 * float(np.finfo(case.dtype).eps) * (1 + abs(value)) / min(1.0, nested.largest(a) or 1.0)
        if there == value and size > rounding:  # one that is 0 may come from terms that cancel
            raise broken(f"{path} does not move the penalty, and has a gradient of {size:.3g}")
        moves = all(abs(moved - value) > 1e-3 * by * abs(value) for moved, by in ((there, 1.0), (near, NEAR)))
        if moves and not gradients[path].any() and a.any():  # it moves at once: it is flat nowhere in between
            raise broken(f"{path} moves the penalty from {value:.6g} to {there:.6g}, and has no gradient")


def _pure(case: PenaltyCase) -> None:
    before = nested.bits(case.params)
    value, pullback = case.pull()
    g = pullback(1.0)
    kept = nested.bits(g)
    pullback(3.0)
    case.again(1).pull()[1](1.0)
    if nested.bits(g) != kept:
        raise broken("what the pullback returned has changed since")
    if case.pull()[0] != value or nested.bits(case.pull()[1](1.0)) != kept:
        raise broken("twice the same gives something else")
    if nested.bits(case.params) != before:
        raise broken("the params have changed")
    ours = {path: np.array(a) for path, a in nested.leaves(case.params)}
    with left_alone():
        case.penalty.rule(ours)[1](1.0)
    if nested.bits(ours) != before:
        raise broken("the rule wrote into params that are writeable")


class _Tied:
    """What the law about ties asks of a case of a layer, of params that are whole numbers."""

    domain = None

    def __init__(self, case: PenaltyCase) -> None:
        self._penalty, self.generator = case.penalty, case.generator
        tied = {p: contents(case.generator(f"ties {p}"), a.shape, "ties") for p, a in nested.leaves(case.params)}
        self.x, self.z = tied, {"x": tied}

    def bare_pull(self, z: Any) -> tuple[Any, Callable[[Any], dict[str, Any]]]:
        """The penalty and its pullback, without the door."""
        value, back = self._penalty.rule(z["x"])
        return np.asarray(value), lambda dy: {"x": back(float(dy))[0]}

    def bare_value(self, z: Any) -> Any:
        """The penalty."""
        return self.bare_pull(z)[0]


def _at_ties(case: PenaltyCase) -> Verdict | None:
    return at_ties(cast(Any, _Tied(case)))


def _float32_tracks_float64(case: PenaltyCase) -> None:
    def both(params: Any) -> Any:
        value, pullback = case.pull(Params(params))
        return {"value": np.asarray(value), "gradients": dict(nested.leaves(pullback(1.0)))}

    def floor(path: str, b: Any) -> float:
        return 1024 * SINGLE * (nested.largest(b) + 1)

    def spoken(path: str) -> str:
        return "penalty" if path == "value" else f"gradient of {path.removeprefix('gradients/')}"

    params = dict(nested.leaves(case.params))
    tracked(case, both, both(params), promoted(params), floor, spoken)


def _order_blind(case: PenaltyCase) -> None:
    turned = {name: case.params.at(name) for name in reversed(case.params.paths())}
    value, other = case.penalty(case.params), case.penalty(turned)
    if not np.isclose(value, other, rtol=64 * float(np.finfo(case.dtype).eps), atol=0):
        raise broken(f"with the names in another order the penalty is {other!r}, not {value!r}")


def _is_data(case: PenaltyCase) -> Verdict | None:
    others = copies(case.penalty)
    for what, other in others.items():
        same = other == case.penalty and repr(other) == repr(case.penalty)
        if not same or other(case.params) != case.penalty(case.params):
            raise broken(f"{what} gives another penalty, {other!r}")
    return None if others else Verdict.MOOT


PENALTY_LAWS: Final[Mapping[str, Law[Any]]] = listed(
    "PENALTY_LAWS",
    Law("one_number", "the penalty is a Python float, and vjp gives the same", "exact", _one_number),
    Law("true_pullback", "the pullback is the derivative of the value, for every leaf", "derivative", _true_pullback,
        dtypes=FLOAT64, large=True),
    Law("at_ties", "where params are tied, or zero, the pullback lies between the derivatives of the two sides", "numeric",
        _at_ties, dtypes=FLOAT64, shrinks=False),
    Law("float32_tracks_float64", "value and gradients in float32 are those in float64, up to rounding", "numeric",
        _float32_tracks_float64, dtypes=("float32",), large=True),
    Law("tree", "gradients have the structure, the shapes and the dtype of the params", "exact", _tree),
    Law("finite", "where a leaf is all 0 nothing is NaN", "exact", _finite),
    Law("linear_pullback", "the pullback is linear", "exact", _linear_pullback),
    Law("selected", "the gradient is zero where the penalty does not look, and there alone", "exact", _selected),
    Law("pure", "nothing is changed, not the global random state either, and nothing remembered", "exact", _pure,
        large=True),
    *common_laws(pulled_bits),
    Law("order_blind", "the order of names in params does not matter", "exact", _order_blind),
    Law("is_data", "a penalty comes back equal from pickle and deepcopy", "exact", _is_data),
)  # fmt: skip
"""Every law about penalties, by name."""
