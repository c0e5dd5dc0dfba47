"""The trials of metrics, schedules, initializers and penalties: every law they are held to, with its cases."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypedDict, TypeVar

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from funcnn.keys import Initializer
from funcnn.losses.penalties import Penalty
from funcnn.metrics import Metric
from funcnn.schedules import Schedule
from funcnn.testing.casebook.of_losses import Target, checked_target
from funcnn.testing.casebook.of_parts import InitializerCase, MetricCase, PenaltyCase, ScheduleCase
from funcnn.testing.drawing.strategies import seeds
from funcnn.testing.drawing.templates import Template, larger
from funcnn.testing.drawing.turns import Changes, in_turn
from funcnn.testing.judging.causes import Told
from funcnn.testing.judging.verdicts import Law
from funcnn.testing.lawbook.of_every_part import SAMPLED, as_new
from funcnn.testing.lawbook.of_initializers import INITIALIZER_LAWS, scale_by_fan
from funcnn.testing.lawbook.of_metrics import METRIC_LAWS, plain_metric
from funcnn.testing.lawbook.of_penalties import PENALTY_LAWS
from funcnn.testing.lawbook.of_schedules import SCHEDULE_LAWS, plain_rate
from funcnn.testing.trials.choosing import common, selected, several
from funcnn.testing.trials.of_layers import shape_strategy
from funcnn.testing.trials.refusals import demand, demand_cases, demand_domain
from funcnn.testing.trials.running import Trial
from funcnn.types import Shape

C = TypeVar("C")


class PartOptions(TypedDict, total=False):
    """How a part is to be tried: the keyword arguments that the laws of all parts have."""

    examples: int | None
    only: Iterable[str]
    also: Iterable[str | Law[Any]]
    except_: Mapping[str, str]
    may_fail: Mapping[str, str]


def _trials(
    about: Any,
    label: str,
    table: Mapping[str, Law[Any]],
    chosen: Mapping[str, str],
    cases: Callable[[Law[Any]], SearchStrategy[Any]],
    options: PartOptions,
    more: Sequence[Law[Any]] = (),
    others: Callable[[Law[Any]], dict[str, SearchStrategy[Any]]] = lambda law: {},
    dtypes: Sequence[str] = ("float32", "float64"),
    *,
    speaks: bool = False,
) -> dict[str, Trial]:
    """The trials of a part, which is that of the case `about`; where it `speaks`, each law has something to say."""
    demand_cases(options.get("examples"))
    told = Told()
    also = several("also", options.get("also", ()), *more)
    laws = selected(
        table, chosen, options.get("only", ()), also, options.get("except_", {}), options.get("may_fail", {}), dtypes
    )
    return {
        name: Trial(
            as_new(law, about), cases(law), label, reason, options.get("examples"), told, others(law),
            asked or (speaks and name not in SAMPLED),
        )
        for name, (law, reason, asked) in laws.items()
    }


def _kinds(dtypes: Sequence[str], kinds: Sequence[str] = ()) -> Callable[[int, Any], Changes]:
    """Every dtype in turn, and every kind."""
    each = [{"dtype": np.dtype(d), "kind": k} for d in dtypes for k in kinds] or [{"dtype": np.dtype(d)} for d in dtypes]
    return lambda turn, case: each[turn % len(each)]


@st.composite
def _metric_cases(
    draw: DrawFn,
    metric: Metric[Any, Any, Any, Any],
    shape: SearchStrategy[Shape],
    target: Target,
    dtypes: Sequence[str],
    kinds: Sequence[str],
    domain: tuple[float, float] | None,
) -> MetricCase:
    dtype, kind = draw(st.sampled_from(dtypes)), draw(st.sampled_from(kinds))
    return MetricCase(metric, draw(shape), target=target, dtype=dtype, kind=kind, seed=draw(seeds()), domain=domain)


def metric_trials(
    metric: Metric[Any, Any, Any, Any],
    shape: Template | Shape | SearchStrategy[Shape],
    target: Target = "like",
    domain: tuple[float, float] | None = None,
    value: Callable[[Any, Any], Any] | None = None,
    weighted: bool = True,
    nan: bool = True,
    options: PartOptions = {},
) -> dict[str, Trial]:
    """Every law a metric is held to, with its cases. The arguments are those of `metric_laws`."""
    demand(metric, "a metric", Metric)
    checked_target(target)
    demand_domain(domain)
    has = {"": True, "weights": weighted, "nan": nan}
    chosen = {law.name: "" for law in METRIC_LAWS.values() if has[law.wants]}
    drawn = shape_strategy(shape)
    wide = larger(drawn)

    def cases(law: Law[Any]) -> SearchStrategy[MetricCase]:
        return tried(law, drawn, law.kinds)

    def tried(law: Law[Any], shape: SearchStrategy[Shape], kinds: Sequence[str]) -> SearchStrategy[MetricCase]:
        cases = _metric_cases(metric, shape, target, law.dtypes, kinds, domain)
        return in_turn(cases, _kinds(law.dtypes, kinds), shape)

    def others(law: Law[Any]) -> dict[str, SearchStrategy[MetricCase]]:
        return {
            **({"large": tried(law, wide, law.kinds)} if wide is not None and law.large else {}),
            **{kind: tried(law, drawn, [kind]) for kind in law.rare},
        }

    return _trials(
        MetricCase(metric, ()), repr(metric), METRIC_LAWS, chosen, cases, options,
        [plain_metric(value)] if value else [], others, speaks=True,
    )


def schedule_trials(
    schedule: Schedule, value: Callable[[int], Any] | None = None, options: PartOptions = {}
) -> dict[str, Trial]:
    """Every law a schedule is held to, with its cases. The arguments are those of `schedule_laws`."""
    steps = st.builds(ScheduleCase, st.just(schedule), st.one_of(st.integers(0, 20), st.integers(0, 10**6)))
    more = [plain_rate(value)] if value else []
    return _trials(
        ScheduleCase(schedule, 0), repr(schedule), SCHEDULE_LAWS, dict.fromkeys(SCHEDULE_LAWS, ""), lambda law: steps,
        options, more,
    )


_sizes: Final = st.lists(st.integers(1, 5), min_size=2, max_size=4).map(tuple)


def initializer_trials(
    initializer: Initializer,
    dtypes: Sequence[str] = ("float32", "float64"),
    variance: Callable[[int, int], float] | None = None,
    options: PartOptions = {},
) -> dict[str, Trial]:
    """Every law an initializer is held to, with its cases. The arguments are those of `initializer_laws`."""

    def cases(law: Law[Any]) -> SearchStrategy[InitializerCase]:
        of = common(dtypes, law.dtypes)
        cases = st.builds(InitializerCase, st.just(initializer), _sizes, dtype=st.sampled_from(of), seed=seeds())
        return in_turn(cases, _kinds(of))

    label = getattr(initializer, "__name__", repr(initializer))
    more = [scale_by_fan(variance)] if variance else []
    return _trials(
        InitializerCase(initializer, ()), label, INITIALIZER_LAWS, dict.fromkeys(INITIALIZER_LAWS, ""), cases, options,
        more, dtypes=dtypes,
    )


def penalty_trials(
    penalty: Penalty, dtypes: Sequence[str] = ("float32", "float64"), options: PartOptions = {}
) -> dict[str, Trial]:
    """Every law a penalty is held to, with its cases. The arguments are those of `penalty_laws`."""
    size = st.integers(1, 3)
    trees = st.fixed_dictionaries({"w": st.tuples(size, size), "b": st.tuples(size)})
    wide = st.integers(4, 12)
    large = st.fixed_dictionaries({"w": st.tuples(wide, wide), "b": st.tuples(wide), "kernel": st.tuples(size, size, wide)})

    def cases(law: Law[Any]) -> SearchStrategy[PenaltyCase]:
        return tried(law, trees, wide=False)

    def tried(law: Law[Any], trees: SearchStrategy[Any], *, wide: bool) -> SearchStrategy[PenaltyCase]:
        of, is_wide = common(dtypes, law.dtypes), st.just(wide)
        cases = st.builds(PenaltyCase, st.just(penalty), trees, dtype=st.sampled_from(of), seed=seeds(), wide=is_wide)
        return in_turn(cases, _kinds(of))

    def others(law: Law[Any]) -> dict[str, SearchStrategy[PenaltyCase]]:
        return {"large": tried(law, large, wide=True)} if law.large else {}

    laws, about = dict.fromkeys(PENALTY_LAWS, ""), PenaltyCase(penalty, {"w": ()})
    return _trials(about, repr(penalty), PENALTY_LAWS, laws, cases, options, others=others, dtypes=dtypes)
