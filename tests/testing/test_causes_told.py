"""Broken laws name the cause: the pullback where it is the pullback, and what to say or to write."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from funcnn import Layer, Metric, adamw
from funcnn.authoring import axes
from funcnn.initializers import zeros
from funcnn.testing import LawBroken, holds
from funcnn.testing.trials.of_layers import trials
from funcnn.testing.trials.of_optimizers import optimizer_trials
from funcnn.testing.trials.of_parts import metric_trials

pytestmark = pytest.mark.usefixtures("same_cases")


def found(layer: Layer[Any, Any], law: str) -> LawBroken:
    """How a law is broken."""
    with pytest.raises(LawBroken) as raised:
        trials(layer, ("B", "D"), only=[law])[law].run(30)
    return raised.value


def test_a_long_message_is_told_in_full_once() -> None:
    """The others begin with its first words."""

    def f(x: Any) -> Any:
        raise ValueError("word " * 100)

    report = holds(
        Layer.lift(lambda shape: axes("f", shape, at_least=1), f), (2, 3), report=True, examples=2,
        only=["pure", "dtype_kept"],
    )  # fmt: skip
    first, second = (str(line.broken) for line in report.lines)
    assert "word " * 99 in first and len(second) < 300 and second.endswith("word ...")


def test_what_is_wrong_in_the_pullback_alone_is_not_said_of_the_value() -> None:
    """Values of rows that agree mix nothing; a constant answers from memory only if its pullback is right."""

    def averaged(p: Any, x: Any) -> Any:
        return x + p["b"], lambda dy: ({"b": dy.mean(0)}, dy * 1)

    made = Layer.of(
        lambda shape: axes("averaged", shape, exactly=2),
        lambda shape: {"b": (zeros, axes("averaged", shape, exactly=2)[1:])}, averaged,
    )  # fmt: skip
    error = found(made, "independent_rows")
    assert "true_pullback" in error.what and "mixes_batch" not in error.what
    constant = Layer.lift(lambda shape: axes("constant", shape, exactly=2), lambda x: (0 * x, lambda dy: dy * 1))
    assert "first mend what true_pullback finds" in found(constant, "remembers_nothing").what


def test_a_pullback_that_is_said_to_be_wrong_is_not_believed() -> None:
    """Rounding with the pullback of the identity remembers nothing."""
    made = Layer.lift(lambda shape: axes("straight", shape, exactly=2), lambda x: (np.round(x), lambda dy: dy * 1))
    said = {"true_pullback": "straight through", "full_jacobian": "straight through"}
    holds(made, (2, 3), examples=10, except_=said)


def test_an_optimizer_that_decays_is_told_what_to_say() -> None:
    """And a metric that has seen nothing, what to raise."""
    with pytest.raises(LawBroken, match=re.escape('say except_={"fixed_point": "weights decay"}')):
        optimizer_trials(adamw(0.1))["fixed_point"].run(5)
    mean: Metric[Any, Any, Any, float] = Metric(
        lambda: (0.0, 0), lambda s, y, t: (s[0] + float((y - t).sum()), s[1] + y.size), lambda s: s[0] / s[1], "mean"
    )
    trial = metric_trials(mean, ("B", 2), "like", None, None, False, True, {})["nothing_seen"]
    with pytest.raises(LawBroken, match="ZeroDivisionError; let `compute` raise ShapeError"):
        trial.run(5)
