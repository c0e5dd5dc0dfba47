"""Laws about metrics: whichever way the data are cut, ordered and weighted, the result is the same."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from funcnn.errors import FuncnnError
from funcnn.testing import nested
from funcnn.testing.casebook.of_parts import MetricCase
from funcnn.testing.drawing.contents import KINDS
from funcnn.testing.judging.left_alone import left_alone
from funcnn.testing.judging.verdicts import Law, Verdict, broken, listed
from funcnn.testing.lawbook.of_every_part import common_laws


def _same(case: MetricCase, got: Any, wanted: Any, what: str) -> None:
    a, b = np.asarray(got, np.float64), np.asarray(wanted, np.float64)
    unit = max(256 * float(np.finfo(case.dtype).eps), 1e-11)  # moments that are kept add up what is rounded
    if a.shape != b.shape or not np.allclose(a, b, rtol=unit, atol=unit, equal_nan=True):
        raise broken(f"{what}: {got!r}, expected {wanted!r}")


def _where_defined(check: Callable[[MetricCase], Verdict | None]) -> Callable[[MetricCase], Verdict | None]:
    """A law about rows that have a result: there is no curve of labels that are all the same."""

    def checked(case: MetricCase) -> Verdict | None:
        try:
            case.result()
        except FuncnnError:
            return Verdict.MOOT
        return check(case)

    return checked


@_where_defined
def _batches_agree(case: MetricCase) -> Verdict | None:
    """Uneven batches, one of a single row, and none of no rows."""
    n, rng = case.rows, case.generator("cuts")
    cuts = np.unique([0, min(1, n), *rng.integers(0, n + 1, 2), n]).tolist()
    state = case.metric.init()
    for low, high in zip(cuts[:-1], cuts[1:], strict=True):
        state = case.update(state, slice(low, high))
    sizes = np.diff(cuts).tolist()
    _same(case, case.metric.compute(state), case.result(), f"batches of {sizes} rows, one after the other")
    return None


def _given(case: MetricCase) -> list[bytes]:
    return [np.asarray(case.result()).tobytes()]


@_where_defined
def _any_order(case: MetricCase) -> Verdict | None:
    order = case.generator("order").permutation(case.rows)
    _same(case, case.result(order), case.result(), "rows in another order")
    return None


@_where_defined
def _weights_are_copies(case: MetricCase) -> Verdict | None:
    n = case.rows
    counts = np.arange(n) % 3 + (n < 2)
    copies = np.repeat(np.arange(n), counts)
    try:
        wanted = case.result(copies)
    except FuncnnError:
        return Verdict.MOOT
    weights, half = counts.astype(case.dtype), (n + 1) // 2
    _same(case, case.result(weights=weights), wanted, "a row of weight 2 is not two rows, or weight 0 not none")
    if half < n:
        first = case.update(case.metric.init(), slice(0, half), weights[:half])
        both = case.metric.compute(case.update(first, slice(half, n), weights[half:]))
        _same(case, both, wanted, "two batches with weights are not the whole with them")
    _same(case, case.result(weights=np.ones(n, case.dtype)), case.result(), "weights of 1")
    return None


@_where_defined
def _pure(case: MetricCase) -> Verdict | None:
    before = nested.bits(case.z)
    start = case.metric.init()
    kept = pickle.dumps(start)
    state = case.update(start)
    after = pickle.dumps(state)
    first = case.metric.compute(state)
    case.update(state)
    other = case.again(1)
    other.update(other.metric.init())
    if pickle.dumps(start) != kept or pickle.dumps(state) != after:
        raise broken("update changed the state that it was given")
    for what, again in (("compute", case.metric.compute(state)), ("another run", case.result())):
        if not np.array_equal(np.asarray(again), np.asarray(first), equal_nan=True):
            raise broken(f"{what} gives {again!r} the second time, {first!r} at first")
    if nested.bits(case.z) != before:
        raise broken("the prediction or the target has changed")
    ours = nested.mapped(np.array, case.z)
    with left_alone():
        case.metric.compute(case.metric.update(case.metric.init(), ours["prediction"], ours["target"]))
    if nested.bits(ours) != before:
        raise broken("update wrote into the prediction or the target, where they are writeable")
    return None


@_where_defined
def _state_is_data(case: MetricCase) -> Verdict | None:
    half = case.update(case.metric.init(), slice(0, case.rows // 2 + 1))
    rest = slice(case.rows // 2 + 1, case.rows)
    for what, state in (("pickle", pickle.loads(pickle.dumps(half))), ("deepcopy", copy.deepcopy(half))):
        done = case.update(state, rest) if rest.start < rest.stop else state
        _same(case, case.metric.compute(done), case.result(), f"with the state of half the rows from {what}")
    return None


_SAY_SO: Final = 'let `compute` raise ShapeError("no row has been seen")'


def _nothing_seen(case: MetricCase) -> None:
    try:
        value = case.metric.compute(case.metric.init())
    except FuncnnError:
        return
    except ArithmeticError as error:
        raise broken(f"where no row has been seen there is a {type(error).__name__}; {_SAY_SO}") from error
    raise broken(f"where no row has been seen the metric is {value!r}; {_SAY_SO}")


def _nan_in_nan_out(case: MetricCase) -> None:
    def poisoned(path: str, a: Any) -> Any:
        out = np.array(a)
        out.reshape(-1)[case.generator(path).integers(a.size)] = np.nan
        return out

    spoilt = case.like()
    spoilt.__dict__["prediction"] = nested.located(poisoned, case.prediction)
    with np.errstate(all="ignore"):
        try:
            value = spoilt.result()
        except FuncnnError:
            return
    if not np.isnan(np.asarray(value, np.float64)).any():
        raise broken(f"a NaN among the predictions gives {value!r}, expected NaN or an error")


def plain_metric(formula: Callable[[Any, Any], Any]) -> Law[MetricCase]:
    """The law that a metric is a plain formula, `formula(prediction, target)`, over all rows."""

    def check(case: MetricCase) -> None:
        z = nested.mapped(lambda a: a.astype(np.float64) if nested.is_real(a) else a, case.z)
        _same(case, case.result(), formula(z["prediction"], z["target"]), "the plain formula says otherwise")

    statement = "the metric is that of the plain formula"
    made_by = (plain_metric, formula)
    return Law(
        "plain_value", statement, "exact", check, kinds=(*KINDS, "ties"), made_by=made_by, large=True,
        rare=("negative", "ties"),
    )  # fmt: skip


METRIC_LAWS: Final[Mapping[str, Law[MetricCase]]] = listed(
    "METRIC_LAWS",
    Law("batches_agree", "batches of any size, one after the other, give what the whole gives", "exact", _batches_agree,
        large=True),
    Law("any_order", "the order of the rows does not matter", "exact", _any_order, large=True),
    Law("weights_are_copies", "a row of weight 2 counts like two rows, one of weight 0 like none", "exact",
        _weights_are_copies, wants="weights"),
    Law("pure", "states never change, and nothing is remembered beside them", "exact", _pure),
    Law("state_is_data", "a state goes on from a pickle and a copy as it would have", "exact", _state_is_data),
    Law("nothing_seen", "where no row has been seen there is no result, but an error", "exact", _nothing_seen),
    Law("nan_in_nan_out", "a NaN among the predictions gives NaN, or an error", "exact", _nan_in_nan_out,
        kinds=("normal",), wants="nan"),
    *common_laws(_given),
)  # fmt: skip
"""Every law about metrics, by name."""
