"""Metrics, schedules, initializers and penalties with planted faults: the law that names the fault is broken."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from funcnn import Metric, ShapeError, he_normal, l2
from funcnn.calculus import Differentiable
from funcnn.params import plain_tree
from funcnn.testing import INITIALIZER_LAWS, METRIC_LAWS, PENALTY_LAWS, SCHEDULE_LAWS, LawBroken, Trial
from funcnn.testing.trials.of_parts import initializer_trials, metric_trials, penalty_trials, schedule_trials
from tests.testing.fifth_corpus import FIFTH

pytestmark = pytest.mark.usefixtures("same_cases")


# metrics: a state is (sum, count) -------------------------------------------------------------------------------------
def _weighed(y: Any, t: Any, w: Any) -> tuple[Any, float]:
    errors = np.abs(np.asarray(y, np.float64) - t).reshape(len(y), -1).mean(1)
    by = np.ones(len(y)) if w is None else np.asarray(w, np.float64)
    return (errors * by).sum(), float(by.sum())


def _update(state: Any, y: Any, t: Any, weights: Any = None) -> Any:
    total, n = _weighed(y, t, weights)
    return state[0] + total, state[1] + n


def _compute(state: Any) -> float:
    if not state[1]:
        raise ShapeError("no row has been seen")
    return float(state[0] / state[1])


def metric(
    update: Any = _update, compute: Any = _compute, init: Any = lambda: (0.0, 0.0)
) -> Metric[Any, Any, Any, Any]:
    """The mean absolute error, with something wrong."""
    return Metric(init, update, compute, "mutant")


def _mean_of_means(state: Any, y: Any, t: Any, weights: Any = None) -> Any:
    total, n = _weighed(y, t, weights)
    return state[0] + total / max(n, 1), state[1] + 1


def _first_counts_twice(state: Any, y: Any, t: Any, weights: Any = None) -> Any:
    total, n = _weighed(y, t, weights)
    first, one = _weighed(y[:1], t[:1], None) if not state[1] else (0.0, 0.0)
    return state[0] + total + first, state[1] + n + one


def _unweighted(state: Any, y: Any, t: Any, weights: Any = None) -> Any:
    return _update(state, y, t)


def _in_place(state: Any, y: Any, t: Any, weights: Any = None) -> Any:
    state += _weighed(y, t, weights)
    return state


class Forgetful(tuple):  # type: ignore[type-arg]
    """A state that comes back from a pickle without what it holds."""

    def __reduce__(self) -> Any:
        return Forgetful, ((0.0, 0.0),)


def _forgetful(state: Any, y: Any, t: Any, weights: Any = None) -> Any:
    return Forgetful(_update(state, y, t, weights))


def _blind(state: Any, y: Any, t: Any, weights: Any = None) -> Any:
    return _update(state, np.nan_to_num(y), t, weights)


# schedules, initializers, penalties -----------------------------------------------------------------------------------
_asked = itertools.count()


class Shifting:
    """A schedule that a pickle makes another one of."""

    def __init__(self, by: int = 0) -> None:
        self.by = by

    def __call__(self, step: int) -> float:
        return 0.1 / (1 + step + self.by)

    def __reduce__(self) -> Any:
        return Shifting, (self.by + 1,)


class Drifting(Shifting):
    """An initializer that a pickle makes another one of."""

    def __call__(self, key: Any, shape: Any = (), dtype: Any = None) -> Any:
        return np.full(shape, self.by, dtype)

    def __reduce__(self) -> Any:
        return Drifting, (self.by + 1,)


def _drawing(f: Callable[[Any, Any], Any]) -> Callable[[Any, Any, Any], Any]:
    return lambda key, shape, dtype: np.asarray(f(key, shape), dtype)


_ROOM: dict[Any, Any] = {}


def _reused(key: Any, shape: Any, dtype: Any) -> Any:
    room = _ROOM.setdefault((shape, np.dtype(dtype)), np.empty(shape, dtype))
    room[...] = key.generator().standard_normal(shape)
    return room


def _seeding(key: Any, shape: Any, dtype: Any) -> Any:
    np.random.seed(3)  # noqa: NPY002
    return np.zeros(shape, dtype)


def _by_fan_out(key: Any, shape: Any, dtype: Any) -> Any:
    return (key.generator().standard_normal(shape) * np.sqrt(2 / (np.prod(shape[:-2]) * shape[-1]))).astype(dtype)


def _steep(fan_in: int, fan_out: int) -> float:
    return 2 / fan_in


def penalty(value: Callable[[Any], Any], slope: Callable[[Any, float], Any]) -> Any:
    """The sum of `value` over matrices, and its gradients, by `slope(w, d)`."""

    def rule(params: Any) -> Any:
        tree: dict[str, Any] = dict(plain_tree(params))
        total = sum((value(w) for w in tree.values() if w.ndim > 1), 0.0)
        return (total if np.iscomplexobj(total) else float(np.real(total))), lambda d: (
            {name: slope(w, d) if w.ndim > 1 else np.zeros_like(w) for name, w in tree.items()},
        )

    return Differentiable(rule)


def _squares(w: Any) -> Any:
    return (w * w).sum()


def _everywhere(params: Any) -> Any:
    tree: dict[str, Any] = dict(plain_tree(params))
    total = sum((_squares(w) for w in tree.values() if w.ndim > 1), 0.0)
    return (total if np.iscomplexobj(total) else float(total)), lambda d: (
        {name: 2 * d * w.astype(w.dtype) for name, w in tree.items()},
    )


def _by_place(params: Any) -> Any:
    tree: dict[str, Any] = dict(plain_tree(params))
    total = sum(((i + 1) * _squares(w) for i, w in enumerate(tree.values())), 0.0)
    return (total if np.iscomplexobj(total) else float(total)), lambda d: (
        {name: (2 * (i + 1) * d * w).astype(w.dtype) for i, (name, w) in enumerate(tree.items())},
    )


def _remembering(params: Any) -> Any:
    value, back = l2(0.5).rule(params)
    return value * (1 + 1e-3 * next(_asked)), back


Tried = Callable[[], dict[str, Trial]]
METRICS: dict[str, tuple[str, Tried]] = {
    "the mean of the means of batches": ("batches_agree", lambda: metric_trials(metric(_mean_of_means), ("B", 3))),
    "the first row counts twice": ("any_order", lambda: metric_trials(metric(_first_counts_twice), ("B", 3))),
    "weights ignored": ("weights_are_copies", lambda: metric_trials(metric(_unweighted), ("B", 3))),
    "a state that changes": (
        "pure", lambda: metric_trials(metric(_in_place, init=lambda: np.zeros(2)), ("B", 3)),
    ),
    "a state that a pickle empties": ("state_is_data", lambda: metric_trials(metric(_forgetful), ("B", 3))),
    "nothing is zero": (
        "nothing_seen", lambda: metric_trials(metric(compute=lambda s: float(s[0] / max(s[1], 1))), ("B", 3)),
    ),
    "NaN is zero": ("nan_in_nan_out", lambda: metric_trials(metric(_blind), ("B", 3))),
    "half the error": (
        "plain_value", lambda: metric_trials(metric(), ("B", 3), value=lambda y, t: np.mean(np.abs(y - t)) / 2),
    ),
}  # fmt: skip
SCHEDULES: dict[str, tuple[str, Tried]] = {
    "a rate of NumPy's": ("a_rate", lambda: schedule_trials(lambda step: np.float64(0.1) / (step + 1))),
    "below zero in the end": ("a_rate", lambda: schedule_trials(lambda step: 0.1 - 1e-3 * step)),
    "counts for itself": ("pure", lambda: schedule_trials(lambda step: 0.1 / (1 + next(_asked)))),
    "Python's integers alone": (
        "any_integer", lambda: schedule_trials(lambda step: 0.1 if isinstance(step, int) else 0.2),
    ),
    "another one after a pickle": ("is_data", lambda: schedule_trials(Shifting())),
    "a tenth too much": ("plain_value", lambda: schedule_trials(lambda step: 0.11, lambda step: 0.1)),
}  # fmt: skip
INITIALIZERS: dict[str, tuple[str, Tried]] = {
    "float64 whatever is asked": (
        "as_asked", lambda: initializer_trials(lambda key, shape, dtype: key.generator().standard_normal(shape)),
    ),
    "the shape turned": (
        "as_asked", lambda: initializer_trials(lambda key, shape, dtype: np.zeros(shape[::-1], dtype)),
    ),
    "one array for all": ("repeatable", lambda: initializer_trials(_reused)),
    "its key ignored": (
        "key_decides", lambda: initializer_trials(_drawing(lambda k, s: np.random.default_rng(0).standard_normal(s))),
    ),
    "seeds NumPy": ("leaves_random_state", lambda: initializer_trials(_seeding)),
    "other numbers after a pickle": ("is_data", lambda: initializer_trials(Drifting())),
    "fan-out for fan-in": ("scale_by_fan", lambda: initializer_trials(_by_fan_out, variance=_steep)),
    "a mean": (
        "scale_by_fan", lambda: initializer_trials(lambda *a: he_normal(*a) + a[2].type(0.02), variance=_steep),
    ),
}  # fmt: skip
PENALTIES: dict[str, tuple[str, Tried]] = {
    "a NumPy scalar": ("one_number", lambda: penalty_trials(Differentiable(
        lambda p: (np.float64(1.0), lambda d: ({k: np.zeros_like(v) for k, v in plain_tree(p).items()},))))),
    "half the gradient": (
        "true_pullback", lambda: penalty_trials(penalty(_squares, lambda w, d: (d * w).astype(w.dtype))),
    ),
    "a group of zeros": ("finite", lambda: penalty_trials(penalty(
        lambda w: np.sqrt((w * w).sum()), lambda w, d: (d * w / np.sqrt((w * w).sum())).astype(w.dtype)))),
    "gradients in float64": (
        "tree", lambda: penalty_trials(penalty(_squares, lambda w, d: 2 * d * w.astype(np.float64))),
    ),
    "an offset": (
        "linear_pullback", lambda: penalty_trials(penalty(_squares, lambda w, d: (2 * d * w + 1e-3).astype(w.dtype))),
    ),
    "gradients of what it does not look at": ("selected", lambda: penalty_trials(Differentiable(_everywhere))),
    "a hidden counter": ("pure", lambda: penalty_trials(Differentiable(_remembering))),
    "by the order of the dict": ("order_blind", lambda: penalty_trials(Differentiable(_by_place))),
    "another one after a pickle": ("is_data", lambda: penalty_trials(Differentiable(l2(0.5).rule, l2(0.25).record))),
}  # fmt: skip
COUNT = len(METRICS) + len(SCHEDULES) + len(INITIALIZERS) + len(PENALTIES)


@pytest.mark.parametrize("table", ["METRICS", "SCHEDULES", "INITIALIZERS", "PENALTIES"])
def test_the_law_finds_the_fault(table: str) -> None:
    """The law that names the fault is broken."""
    for fault, (law, tried) in globals()[table].items():
        with pytest.raises(LawBroken, match=law):
            tried()[law].run(20, shrink=False)
            pytest.fail(f"{fault} escapes {law}")


def test_every_law_of_parts_is_seen_to_fail() -> None:
    """A mutant names each of them."""
    tables: list[tuple[str, Any, Any]] = [
        ("metric", METRICS, METRIC_LAWS), ("schedule", SCHEDULES, SCHEDULE_LAWS),
        ("initializer", INITIALIZERS, INITIALIZER_LAWS), ("penalty", PENALTIES, PENALTY_LAWS),
    ]  # fmt: skip
    for kind, mutants, laws in tables:
        named = {law for law, _ in mutants.values()} | {fault.law for fault in FIFTH if fault.kind == kind}
        assert named - {"plain_value", "scale_by_fan"} == set(laws)


def test_what_they_are_made_of_has_no_fault() -> None:
    """Nor is it accused."""
    for tried in (
        metric_trials(metric(), ("B", 3)),
        schedule_trials(lambda step: 0.1 / (step + 1)),
        penalty_trials(penalty(_squares, lambda w, d: (2 * d * w).astype(w.dtype))),
    ):
        for trial in tried.values():
            trial.run(20)
