"""Laws about losses: the pullback is the derivative of the number that is returned, reductions mean what they say."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final, cast

import numpy as np

from funcnn.errors import FuncnnError, ShapeError
from funcnn.testing import nested
from funcnn.testing.casebook.copies import copies
from funcnn.testing.casebook.fields import number_beside
from funcnn.testing.casebook.of_losses import LossCase
from funcnn.testing.judging.derivatives import Line, judge, moved, scale_of
from funcnn.testing.judging.flags import strictly
from funcnn.testing.judging.left_alone import left_alone
from funcnn.testing.judging.scaling import commutes, times
from funcnn.testing.judging.tolerances import shaken
from funcnn.testing.judging.verdicts import FLOAT64, Law, Verdict, broken, listed
from funcnn.testing.lawbook.exact import resized
from funcnn.testing.lawbook.numeric import LAYOUTS
from funcnn.testing.lawbook.of_every_part import common_laws, pulled_bits
from funcnn.testing.lawbook.of_losses_at_points import AT_TIES, FULL_PRECISION
from funcnn.testing.lawbook.of_losses_in_float32 import float32_tracks_float64
from funcnn.testing.lawbook.values import ADDS_UP

_KINDS = ("normal", "separated", "small", "large")


def _one_number(case: LossCase) -> None:
    value = case.value()
    if type(value) is not float:
        kind = type(value).__name__
        raise broken(f"the loss is a {kind}, a Python float is wanted: .item() keeps float32 out of sums")
    if case.pull()[0] != value:
        raise broken(f"vjp's value is {case.pull()[0]!r}, the call's {value!r}")


def _pure(case: LossCase) -> None:
    before = nested.bits(case.z)
    value, pullback = case.pull()
    g = pullback(1.0)
    first = nested.bits(g)
    pullback(3.0)
    case.again(1).pull()[1](1.0)
    if nested.bits(g) != first:
        raise broken("what the pullback returned has changed since: it is memory that is used again")
    if nested.bits(pullback(1.0)) != first or case.value() != value:
        raise broken("twice the same gives something else")
    if nested.bits(case.z) != before:
        raise broken("the prediction or the target has changed")
    ours = nested.mapped(np.array, case.z)
    with left_alone():
        case.bare(ours)[1](1.0)
    if nested.bits(ours) != before:
        raise broken("the rule wrote into the prediction or the target, where they are writeable")
    others = case.again(1).z
    if nested.structure(others) != nested.structure(ours):
        return
    wanted = case.bare(nested.mapped(np.array, others))[0]
    for (_, a), (_, b) in zip(nested.leaves(ours), nested.leaves(others), strict=True):
        a[...] = b
    if repr(case.bare(ours)[0]) != repr(wanted):
        raise broken("arrays with new numbers in them give another value than fresh ones with the same numbers: the "
                     "loss knows them by id()")  # fmt: skip


def _true_pullback(case: LossCase) -> Verdict | None:
    value, pullback = case.pull()
    gradients = dict(nested.leaves(pullback(1.0)))
    scale = scale_of(case.z, np.asarray(value), np.asarray(1.0))
    undecided = False
    for path, leaf in nested.leaves(case.z):
        if not nested.is_real(leaf) or (path.startswith("target") and case.target != "like"):
            continue  # what is beside a distribution, or a count, is refused
        g = gradients[path]

        def line(attempt: int, path: str = path, leaf: Any = leaf, g: Any = g) -> Line:
            d = case.direction(leaf, f"{path} {attempt}")

            def at(t: Any) -> Any:
                return number_beside(case, lambda: case.bare(moved(case.z, path, d, t))[0])

            def noise() -> float:
                rng = case.generator("noise")
                moving = case.z if case.target == "like" else {"prediction": case.prediction}  # others may be refused
                there = ({**case.z, **nested.mapped(partial(shaken, rng), moving)} for _ in range(3))
                moved_g = (dict(nested.leaves(case.bare(z)[1](1.0)))[path] for z in there)
                return max(nested.absolute_dot(other - g, d) for other in moved_g)

            return Line(at, float(nested.dot(g, d)), value, nested.absolute_dot(g, d), scale, noise)

        finding = judge(line)
        if finding.outcome is False:
            raise broken(f"gradient of the {path}: {finding}")
        undecided = undecided or finding.outcome is None
    return Verdict.NONE if undecided else None


def _linear_pullback(case: LossCase) -> None:
    _, pullback = case.pull()
    one = pullback(1.0)
    for factor in (2.0, -1.0, 0.0):
        said = f"pullback({factor:g}) is not {factor:g} pullback(1)"
        commutes(said, factor, pullback(factor), times(factor, one), lambda: case.pull()[1](factor))  # noqa: B023


def _dtype_kept(case: LossCase) -> None:
    gradients = case.pull()[1](1.0)
    for (path, g), (_, a) in zip(nested.leaves(gradients), nested.leaves(case.z), strict=True):
        if g.dtype != case.dtype or g.shape != a.shape:
            raise broken(f"the cotangent of the {path} is {g.dtype} {g.shape}, expected {case.dtype} {a.shape}")


def _fresh_cotangents(case: LossCase) -> None:
    gradients = case.bare(case.z)[1](1.0)
    leaves = [*nested.leaves(gradients), *((f"given {path}", a) for path, a in nested.leaves(case.z))]
    for i, (path, g) in enumerate(leaves):
        for other, a in leaves[:i]:
            if not (path.startswith("given") and other.startswith("given")) and np.shares_memory(g, a):
                raise broken(f"the cotangent of {other} shares memory with that of {path}")


def _reductions(case: LossCase) -> None:
    terms = [a for _, a in nested.leaves(case.like(weighted=False).value(reduce="none"))]
    plain = case.like(weighted=False)
    unit = 64 * float(np.finfo(case.dtype).eps)
    for term in terms:
        if term.dtype != case.dtype or term.shape[:1] != (case.rows,):
            raise broken(f"the terms are {term.dtype} {term.shape}, expected {case.dtype} and a row for every row")
    (term,) = terms
    whole = nested.structure(case.prediction)
    if not any(isinstance(d, tuple) for d in whole) and term.shape != whole[: term.ndim]:
        raise broken(f"the terms have shape {term.shape}, expected the first axes of the predictions, {whole}")
    for how, wanted in (("sum", term.sum()), ("mean", term.mean()), ("batch", term.sum() / len(term))):
        got = plain.value(reduce=how)
        if not abs(got - float(wanted)) <= unit * (float(np.abs(term).sum()) + 1e-30):
            raise broken(f"reduce={how!r} gives {got!r}, the terms say {float(wanted)!r}")


def _weights_are_copies(case: LossCase) -> None:
    n, loss = case.rows, cast(Any, case.loss)
    for how in ("mean", "sum", "batch"):
        ones = loss(case.prediction, case.wanted, weights=np.ones(n, case.dtype), reduce=how)
        _near(ones, loss(case.prediction, case.wanted, reduce=how), case, f"reduce={how!r}: weights of 1")
        counts = np.arange(n) % 3 + (n < 2)
        copies = np.repeat(np.arange(n), counts)
        if not len(copies):
            continue
        twice = nested.mapped(lambda a: a[copies], case.z)  # noqa: B023
        weighted = loss(case.prediction, case.wanted, weights=counts.astype(case.dtype), reduce=how)
        repeated = loss(twice["prediction"], twice["target"], reduce=how)
        _near(weighted, repeated, case, f"reduce={how!r}: a row of weight 2 is not two rows, or weight 0 not none")


def _near(got: float, wanted: float, case: LossCase, what: str) -> None:
    if case.loss.parts:  # a joint loss: its terms need not have one shape
        size = abs(wanted) * case.rows
    else:
        size = float(np.abs(case.loss(case.prediction, case.wanted, reduce="none")).sum())
    if not abs(got - wanted) <= 256 * float(np.finfo(case.dtype).eps) * (size + 1e-30):
        raise broken(f"{what}: {got!r}, expected {wanted!r}")


def _any_order(case: LossCase) -> None:
    order = case.generator("order").permutation(case.rows)
    z = nested.mapped(lambda a: a[order], case.z)
    weights = None if case.weights is None else case.weights[order]
    got, wanted = case.loss(z["prediction"], z["target"], weights=weights), case.value()
    _near(got, wanted, case, "rows in another order")


def _layout_blind(case: LossCase) -> None:
    value, pullback = case.pull()
    g = pullback(1.0)
    for name, laid in LAYOUTS.items():
        z = nested.mapped(laid, case.z)
        _near(case.pull(z)[0], value, case, name)
        for (path, a), (_, b) in zip(nested.leaves(case.pull(z)[1](1.0)), nested.leaves(g), strict=True):
            if nested.largest(a - b) > 64 * float(np.finfo(case.dtype).eps) * (nested.largest(b) + 1e-30):
                raise broken(f"{name}: the cotangent of the {path} is another one")


def _finite(case: LossCase) -> None:
    scale = 1.0 if case.domain is not None else 1e4
    z = {**case.z, "prediction": nested.mapped(lambda a: (a * scale).astype(a.dtype), case.prediction)}

    def out() -> dict[str, Any]:
        value, pullback = case.pull(z)
        return {"value": np.asarray(value), **pullback(1.0)}

    for path, a in nested.leaves(strictly(out)):
        if not np.isfinite(a).all():
            raise broken(f"predictions of size 10000 give a {path} that is not finite")


def _refuses_misfits(case: LossCase) -> None:
    z = case.like(shape=resized(case.shape, 0)).z
    try:
        value = case.loss(z["prediction"], z["target"], reduce="mean")
    except ShapeError:
        pass
    else:
        raise broken(f"the mean over an empty batch is {value!r}, expected a ShapeError")
    longer = nested.mapped(lambda a: np.concatenate([a, a[:1]]), case.wanted)
    spread = nested.mapped(lambda a: a[..., None], case.wanted)
    for what, target in (("a row too many", longer), ("one axis more", spread)):
        try:
            value = case.loss(case.prediction, target)
        except FuncnnError:
            continue
        raise broken(
            f"a target with {what} gives {value!r}: nothing may be broadcast; compare the shapes, and raise ShapeError"
        )


def _is_data(case: LossCase) -> Verdict | None:
    loss, others = case.loss, copies(case.loss)
    value = case.value()
    for what, other in others.items():
        if other != loss or repr(other) != repr(loss) or hash(other) != hash(loss):
            raise broken(f"{what} gives another loss, {other!r}")
        if case.like(loss=other).value() != value:
            raise broken(f"the loss from {what} has another value")
    return None if others else Verdict.MOOT


LOSS_LAWS: Final[Mapping[str, Law[LossCase]]] = listed(
    "LOSS_LAWS",
    Law("one_number", "the loss is a Python float, and vjp gives the same", "exact", _one_number),
    Law("pure", "nothing is changed, not the global random state either, and nothing remembered", "exact", _pure,
        large=True),
    Law("true_pullback", "the pullback is the derivative of the value: <pullback(1), d> = d/dt loss(y + t d)",
        "derivative", _true_pullback, dtypes=FLOAT64, kinds=_KINDS, large=True, rare=("wide", "edges")),
    ADDS_UP,
    AT_TIES,
    FULL_PRECISION,
    Law("linear_pullback", "the pullback commutes with doubling, negation and zero, to the last bit", "exact",
        _linear_pullback),
    Law("dtype_kept", "cotangents have the dtype of the prediction, and the shapes of what they belong to", "exact",
        _dtype_kept),
    Law("fresh_cotangents", "cotangents share memory with nothing", "exact", _fresh_cotangents),
    Law("reductions", '"sum", "mean" and "batch" are those of the terms that "none" gives', "exact", _reductions,
        wants="terms", large=True),
    Law("weights_are_copies", "a row of weight 2 counts like two rows, one of weight 0 like none", "exact",
        _weights_are_copies, kinds=_KINDS, wants="weights", large=True),
    Law("any_order", "the order of the rows does not matter", "exact", _any_order, kinds=_KINDS, large=True),
    Law("float32_tracks_float64", "value and gradients in float32 are those in float64, up to rounding", "numeric",
        float32_tracks_float64, dtypes=("float32",), kinds=_KINDS, rare=("wide",), large=True),
    Law("layout_blind", "how arrays lie in memory does not matter", "exact", _layout_blind, kinds=_KINDS),
    Law("finite", "predictions of size 10000 give a finite loss and gradient, and no warning", "exact", _finite,
        kinds=_KINDS, rare=("edges",)),
    Law("refuses_misfits", "empty batches and targets that do not fit are refused; nothing is broadcast", "exact",
        _refuses_misfits, kinds=("normal",)),
    *common_laws(pulled_bits),
    Law("is_data", "a loss comes back equal from pickle and deepcopy", "exact", _is_data, kinds=("normal",)),
)  # fmt: skip
"""Every law about losses, by name."""
