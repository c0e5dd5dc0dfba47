"""What comes in a run of a law does not depend on luck: every kind in turn, at every seed of Hypothesis's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import core, settings

from funcnn import Dense, Dropout, accuracy, he_normal, l2, sgd, squared_error
from funcnn.testing import KINDS, Case, LawBroken, LossCase, MetricCase, OptimizerCase, Trial, broken, contents
from funcnn.testing.judging.verdicts import Law
from funcnn.testing.trials.of_layers import trials
from funcnn.testing.trials.of_losses import loss_trials
from funcnn.testing.trials.of_optimizers import optimizer_trials
from funcnn.testing.trials.of_parts import initializer_trials, metric_trials, penalty_trials

SEEDS = (1, 2, 3)
BOTH = ("float32", "float64")


@pytest.fixture(autouse=True, params=SEEDS)
def draws(request: pytest.FixtureRequest) -> Iterator[None]:
    """Hypothesis draws by this seed, and keeps nothing."""
    known = vars(core)
    before, profile = known["global_force_seed"], settings.get_current_profile_name()
    settings.register_profile("seeded", deadline=None, database=None)
    settings.load_profile("seeded")
    known["global_force_seed"] = request.param
    yield
    known["global_force_seed"] = before
    settings.load_profile(profile)


def seen(trial: Trial, examples: int = 30) -> tuple[list[Any], Mapping[str, list[Any]]]:
    """The cases that a trial is run on: those of all kinds, and the few others by name."""
    found: list[Any] = []
    trial._replace(law=_noting(trial.law, found.append)).run(examples)
    count = Counter({name: max(4, examples // 8) for name in trial.more})
    others: dict[str, list[Any]] = {}
    at = len(found) - count.total()
    assert at == examples
    for name in trial.more:
        others[name], at = found[at : at + count[name]], at + count[name]
    return found[:examples], others


def _noting(law: Law[Any], note: Callable[[Any], None]) -> Law[Any]:
    return law._replace(check=lambda case: note(case))


def test_layers_have_every_kind() -> None:
    """Every dtype with every kind, in either pass; no seed comes twice, and few shapes; laws look at seeds, too."""
    cases, _ = seen(trials(Dropout(0.5), ("B", "D"))["pure"])
    assert set(Counter((c.dtype.name, c.kind) for c in cases).values()) == {3}
    assert len({(c.dtype.name, c.kind, c.training) for c in cases}) == 20
    assert len({c.seed for c in cases}) == 30 and max(Counter(c.shape for c in cases).values()) <= 6
    assert all(Counter(c.seed % n for c in cases)[0] >= 30 // n - 1 for n in (2, 3, 4, 8))
    assert {c.shape[0] for c in cases} == {c.shape[1] for c in cases} == {1, 2, 3, 4, 5}


def test_both_passes_come() -> None:
    """As often, in laws of one kind and one dtype, too."""
    for law in ("pure", "leaves_random_state", "writes_nothing"):
        assert Counter(c.training for c in seen(trials(Dropout(0.5), ("B", "D"))[law])[0])[True] == 15


def test_sizes_are_large_in_turn() -> None:
    """Every free size lies in the upper half once of four cases, odd and even ones among them."""
    _, others = seen(trials(Dense(3), ("B", "T", "D"))["true_pullback"])
    assert list(others) == ["large", "wide", "faint", "heavy", "start"]
    for i in range(3):
        assert max(c.shape[i] for c in others["large"]) >= 36
    large = [d for c in others["large"] for d in c.shape if d > 9]
    assert {d % 2 for d in large} == {0, 1}
    _, others = seen(trials(Dense(3), ("B", 4))["pure"])
    assert sum(c.shape[0] >= 36 for c in others["large"]) == 3


def test_large_numbers_are_there() -> None:
    """Both ends among wide ones; params that are large; all below zero."""
    tried = trials(Dense(3), ("B", "D"), value=lambda p, x: x @ p["w"] + p["b"])["plain_value"]
    _, others = seen(tried)
    wide: list[Case] = [c for c in others["wide"] if c.x.size > 1]
    assert len(wide) >= 2
    assert all(np.abs(c.x).max() > 400 and np.abs(c.x).min() < 3e-3 for c in wide)
    assert all(np.abs(c.params.at("w")).max() > 5 for c in others["heavy"])
    assert all((c.x < -3).all() for c in others["negative"])
    assert contents(np.random.default_rng(0), (1,), "wide").shape == (1,)


def test_losses_and_metrics_have_every_kind() -> None:
    """With weights and without."""
    cases, _ = seen(loss_trials(squared_error, ("B", "D"))["pure"])
    found: list[LossCase] = cases
    assert min(Counter((c.dtype.name, c.kind) for c in found).values()) >= 2
    assert min(Counter((c.kind, c.weighted) for c in found).values()) >= 2
    metrics: list[MetricCase] = seen(metric_trials(accuracy, ("B", 3), target="labels")["pure"])[0]
    assert {(c.dtype.name, c.kind) for c in metrics} == {(dtype, kind) for dtype in BOTH for kind in KINDS}


def test_optimizers_have_every_kind() -> None:
    """Runs of one to four steps in either dtype; of four long ones, two begin with params and gradients of zero."""
    trial = optimizer_trials(sgd(0.1), steps=lambda o: lambda g, p: {k: -0.1 * a for k, a in g.items()})["closed_form"]
    cases, others = seen(trial)
    found: list[OptimizerCase] = cases
    assert {(c.dtype.name, c.steps) for c in found} == {(dtype, steps) for dtype in BOTH for steps in (1, 2, 3, 4)}
    assert len({c.seed for c in found}) == 30
    assert Counter(c.dtype.name for c in others["long"]) == {"float32": 2, "float64": 2}
    assert sum(any(not c.params.at(path).any() for path in c.shapes) for c in others["long"]) == 2
    assert sum(any(not c.gradients[0].at(path).any() for path in c.shapes) for c in others["long"]) == 2


@pytest.mark.parametrize("made", [lambda: initializer_trials(he_normal)["as_asked"],
                                  lambda: penalty_trials(l2(0.5))["tree"]])  # fmt: skip
def test_parts_have_both_dtypes(made: Callable[[], Trial]) -> None:
    """As often."""
    assert Counter(c.dtype.name for c in seen(made())[0]) == {"float32": 15, "float64": 15}


def breaking(where: Callable[[Case], bool]) -> Trial:
    """A trial that such cases break."""

    def check(case: Case) -> None:
        if where(case):
            raise broken("here")

    law: Law[Case] = Law("never", "nothing breaks it", "exact", check)
    return trials(Dense(3), ("B", "D"), also=[law])["never"]


def test_what_breaks_is_shrunk() -> None:
    """To a case that is small in all that does not matter, and breaks the law again."""
    with pytest.raises(LawBroken) as raised:
        breaking(lambda case: len(case.x) > 2).run(30)
    case = raised.value.case
    assert (case.shape, case.seed, case.kind, case.dtype) == ((3, 1), 0, "normal", "float32")
    with pytest.raises(LawBroken) as raised:
        breaking(lambda case: case.kind == "mixed" and len(case.x) > 1).run(30)
    assert raised.value.case.kind == "mixed" and raised.value.case.shape == (2, 1)
