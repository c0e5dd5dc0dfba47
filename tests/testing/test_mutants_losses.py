"""Losses and optimizers with planted faults: the law that names the fault is broken."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from funcnn import Loss, Optimizer, ShapeError, Updates, loss, momentum, sgd, tree_map
from funcnn.params import packed
from funcnn.records import Record
from funcnn.testing import LawBroken
from funcnn.testing.trials.of_losses import loss_trials
from funcnn.testing.trials.of_optimizers import optimizer_trials
from tests import closed_forms
from tests.testing.escapes_losses import LOSS_ESCAPES, OPTIMIZER_ESCAPES, Escape

pytestmark = pytest.mark.usefixtures("same_cases")


Arrays = Callable[[Any, Any], Any]


def _square(y: Any, t: Any) -> Any:
    return (y - t) ** 2


def _slope(y: Any, t: Any, d: Any) -> Any:
    return 2 * (y - t) * d


def squares(value: Arrays = _square, back: Callable[[Any, Any, Any], Any] = _slope) -> Loss[Any, Any]:
    """Squared error, with another value or pullback."""

    @loss
    def mutant(prediction: Any, target: Any) -> Any:
        if prediction.shape != target.shape or not prediction.size:
            raise ShapeError("these do not fit")

        def pullback(d: Any) -> Any:
            return back(prediction, target, d), -_slope(prediction, target, d)

        return value(prediction, target), pullback

    return mutant


def bent(bend: Callable[[Any, Any, str | None], Any]) -> Loss[Any, Any]:
    """Squared error, its value passed through `bend(value, weights, reduction)`."""
    right = squares()

    def run(y: Any, t: Any, weights: Any, how: str | None, options: dict[str, Any]) -> Any:
        value, back = right.run(y, t, weights, how, options)
        return bend(value, weights, how), back

    return Loss(run, right.record, "mean")


def unweighted() -> Loss[Any, Any]:
    """Squared error that forgets its weights."""
    right = squares()
    return Loss(lambda y, t, weights, how, options: right.run(y, t, None, how, options), right.record, "mean")


def broadcasting(prediction: Any, target: Any) -> Any:
    """Squared error of whatever can be broadcast."""
    return _square(prediction, target), lambda d: (_slope(prediction, target, d), 0 * target)


def by_row(y: Any, t: Any) -> Any:
    """Squared error, every row times its number."""
    return _square(y, t) * np.arange(1, len(y) + 1).astype(y.dtype).reshape(-1, *[1] * (y.ndim - 1))


def in_memory_order(y: Any, t: Any) -> Any:
    """Squared error, every entry times its number in memory."""
    entries = (np.ravel(y, "K") - np.ravel(t, "K")) ** 2
    return (entries * np.arange(1, y.size + 1).astype(y.dtype)).reshape(y.shape)


calls = itertools.count()

LOSSES: list[tuple[str, str, Loss[Any, Any]]] = [
    ("a NumPy scalar for a float", "one_number", bent(lambda value, weights, how: np.float64(value))),
    ("a hidden counter", "pure", bent(lambda value, weights, how: value * (1 + 1e-3 * next(calls)))),
    ("half the gradient", "true_pullback", squares(back=lambda y, t, d: (y - t) * d)),
    ("a pullback with an offset", "linear_pullback", squares(back=lambda y, t, d: 2 * (y - t) * d + 1e-3)),
    ("a gradient in float64", "dtype_kept", squares(back=lambda y, t, d: (2 * (y - t) * d).astype(np.float64))),
    ("the prediction for its cotangent", "fresh_cotangents", squares(back=lambda y, t, d: y)),
    ("a sum halved", "reductions", bent(lambda value, weights, how: value / 2 if how == "sum" else value)),
    ("weights ignored", "weights_are_copies", unweighted()),
    ("later rows count more", "any_order", squares(by_row)),
    ("cancellation", "float32_tracks_float64", squares(back=lambda y, t, d: 2 * d * ((y - t + 1e5) - 1e5))),
    ("assumes C order", "layout_blind", squares(in_memory_order)),
    ("overflows", "finite", squares(lambda y, t: np.exp(y - t))),
    ("broadcasts", "refuses_misfits", loss(broadcasting)),
    (
        "another loss after a pickle",
        "is_data",
        Loss(squares().run, Record("funcnn.losses", "sum_squared_error"), "mean"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "law", "mutant"), LOSSES, ids=[fault for fault, *_ in LOSSES])
def test_the_law_finds_the_loss(fault: str, law: str, mutant: Loss[Any, Any]) -> None:
    """The law that names the fault of the loss is broken."""
    with pytest.raises(LawBroken, match=law):
        loss_trials(mutant, ("B", "D"), only=[law])[law].run(20, shrink=False)


def test_the_loss_they_are_made_of_has_no_fault() -> None:
    """Nor is it accused."""
    for trial in loss_trials(squares(), ("B", "D")).values():
        trial.run(20)


def stepping(step: Callable[[Any, Any, Any], tuple[Any, Any]], state: Any = 0) -> Optimizer[Any]:
    """An optimizer out of one function."""
    return Optimizer(lambda params: state(params) if callable(state) else state, step)


def descent(change: Callable[[Any], Any]) -> Optimizer[Any]:
    """Gradient descent, every leaf of the updates passed through `change`."""
    return stepping(lambda g, s, p: (Updates(tree_map(lambda a: change(-0.5 * a), g)), s))


def _by_place(g: Any, s: Any, p: Any) -> tuple[Updates, Any]:
    def scaled(tree: Mapping[str, Any]) -> dict[str, Any]:
        return {name: scaled(a) if isinstance(a, Mapping) else -a * (1 + i) for i, (name, a) in enumerate(tree.items())}

    return Updates(scaled(g)), s


def _packed_only(g: Any, s: Any, p: Any) -> tuple[Updates, Any]:
    return Updates(tree_map(lambda a: -a if packed(g) else -2 * a, g)), s


def _remembering() -> Optimizer[Any]:
    seen = itertools.count(1)
    return stepping(lambda g, s, p: (Updates(tree_map(lambda a: -a / next(seen), g)), s))


def _by_last_value() -> Optimizer[Any]:
    """Descent by the value of the objective that was told at the step before, which no state holds."""
    last = [1.0]

    def update(g: Any, s: Any, p: Any, *, value: float = 1.0) -> tuple[Updates, Any]:
        by, last[0] = last[0], value
        return Updates(tree_map(lambda a: -by * a, g)), s

    return Optimizer(lambda params: 0, update)


def _wide_value(g: Any, s: Any, p: Any, *, value: float = 1.0) -> tuple[Updates, Any]:
    return Updates(tree_map(lambda a: -np.float64(value) * a, g)), s


def _leaking(g: Any, s: Any, p: Any) -> tuple[Updates, Any]:
    return Updates(tree_map(lambda a: a * -np.float64(0.5), g)), s


def _float16(a: Any) -> Any:
    return a.astype(np.float16).astype(a.dtype) if a.dtype == np.float32 else a


OPTIMIZERS: list[tuple[str, str, Optimizer[Any]]] = [
    ("drifts without gradients", "fixed_point", descent(lambda a: a + a.dtype.type(1e-6))),
    ("the norm of all leaves", "splits", stepping(lambda g, s, p: (Updates(tree_map(lambda a: -a / (1 + sum(
        abs(float(np.sum(g.at(path)))) for path in g.paths())), g)), s))),
    ("a writeable array in the state", "plain_state", stepping(lambda g, s, p: (Updates(g), s), lambda p: (np.zeros(3),))),
    ("a hidden counter", "pure", _remembering()),
    ("updates leak into float64", "dtype_kept", stepping(_leaking)),
    ("the value of the step before, kept aside", "pure", _by_last_value()),
    ("float64 by the value of the objective", "dtype_kept", stepping(_wide_value)),
    ("rates by the order of the dict", "order_blind", stepping(_by_place)),
    ("other steps where params are packed", "packing_blind", stepping(_packed_only)),
    ("float16 inside", "float32_tracks_float64", descent(_float16)),
    ("another optimizer after a pickle", "is_data", Optimizer(sgd(0.5).init, momentum(0.5, 0.5).update)),
    ("velocity without its mass", "closed_form", momentum(0.1, 0.5)),
]  # fmt: skip


def _formula(optimizer: Optimizer[Any]) -> Any:
    return closed_forms.momentum(0.1, 0.6)


@pytest.mark.parametrize(("fault", "law", "mutant"), OPTIMIZERS, ids=[fault for fault, *_ in OPTIMIZERS])
def test_the_law_finds_the_optimizer(fault: str, law: str, mutant: Optimizer[Any]) -> None:
    """The law that names the fault of the optimizer is broken."""
    with pytest.raises(LawBroken, match=law):
        optimizer_trials(mutant, steps=_formula, only=[law])[law].run(20, shrink=False)


@pytest.mark.parametrize("escape", LOSS_ESCAPES, ids=lambda escape: escape.fault)
def test_rare_faults_of_losses_are_found(escape: Escape) -> None:
    """At default effort, by the law that names them."""
    with pytest.raises(LawBroken, match=escape.law):
        loss_trials(escape.made, escape.shape, only=[escape.law], **escape.options)[escape.law].run(20, shrink=False)


@pytest.mark.parametrize("escape", OPTIMIZER_ESCAPES, ids=lambda escape: escape.fault)
def test_rare_faults_of_optimizers_are_found(escape: Escape) -> None:
    """At default effort, by the law that names them."""
    trial = optimizer_trials(escape.made, **escape.options)[escape.law]
    with pytest.raises(LawBroken, match=escape.law):
        trial.run(20, shrink=False)
