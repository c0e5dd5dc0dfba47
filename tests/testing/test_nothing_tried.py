"""Where nothing was tried the kit says so: no call passes because it looked at nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable

from funcnn import Dense, MaxPool, Tanh, accuracy, l2, sgd, squared_error
from funcnn.testing import (
    LawBroken, OptimizerCase, PenaltyCase, holds, initializer_laws, laws, loss_laws, metric_laws, optimizer_laws,
    parametrize_with_laws, penalty_laws, schedule_laws, shapes,
)  # fmt: skip
from funcnn.testing.trials.of_losses import loss_trials
from funcnn.testing.trials.of_optimizers import optimizer_trials
from funcnn.testing.trials.of_parts import metric_trials

pytestmark = pytest.mark.usefixtures("same_cases")
HALF: Any = 0.5
NO_NUMBERS: Any = ("a", "b")
TEXT: Any = "pure"


def labels_of_two_axes(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> Any:
    """No target that accuracy takes."""
    return rng.integers(0, 4, (shape[0], 2))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        # no cases
        (lambda: holds(Tanh, ("B", "D"), examples=0), ValueError, "examples is at least 1, got 0"),
        (lambda: holds(Tanh, ("B", "D"), examples=-1), ValueError, "examples is at least 1, got -1"),
        (lambda: holds(Tanh, ("B", "D"), examples=HALF), TypeError, "how many cases a law is tried on, got 0.5"),
        (lambda: loss_laws(squared_error, ("B",), examples=0), ValueError, "examples is at least 1"),
        (lambda: optimizer_laws(sgd(0.1), examples=0), ValueError, "examples is at least 1"),
        (lambda: metric_laws(accuracy, ("B", 4), target="labels", examples=0), ValueError, "examples is at least 1"),
        (lambda: penalty_laws(l2(0.1), examples=0), ValueError, "examples is at least 1"),
        (lambda: schedule_laws(lambda step: 0.1, examples=0), ValueError, "examples is at least 1"),
        (lambda: initializer_laws(lambda key, s, dtype: np.zeros(s, dtype), examples=0), ValueError, "at least 1"),
        # no layers, no laws
        (lambda: parametrize_with_laws([], ("B",)), ValueError, "got no layers: there is nothing to try"),
        (lambda: laws(Tanh, ("B",), only=TEXT), TypeError, r"only takes a list of laws, got 'pure'; write \['pure'\]"),
        (lambda: laws(Tanh, ("B",), also=TEXT), TypeError, "also takes a list of laws"),
        # nothing to draw
        (lambda: holds(Tanh, st.nothing(), only=["pure"]), Unsatisfiable, "Unable to satisfy"),
        (lambda: holds(st.nothing(), ("B",), only=["pure"]), Unsatisfiable, "Unable to satisfy"),
        (lambda: holds(Tanh, shapes("B").filter(lambda s: False), only=["pure"]), Unsatisfiable, "Unable to satisfy"),
        # no numbers
        (lambda: holds(Dense(3), (0, 4)), LawBroken, "cases of Dense(3) without a number in them"),
        (lambda: loss_trials(squared_error, (0, 4))["pure"].run(), LawBroken, "empty batch"),
        (lambda: metric_trials(accuracy, (0, 4), "labels")["any_order"].run(), LawBroken, "without a number"),
        (lambda: OptimizerCase(sgd(0.1), {"w": (2,)}, steps=0), ValueError, "got 0 steps of"),
        (lambda: OptimizerCase(sgd(0.1), {}), ValueError, "got 3 steps of {}"),
        (lambda: PenaltyCase(l2(0.1), {}), ValueError, "tried on some params, got none"),
        # domains
        (lambda: holds(Tanh, ("B",), domain=(3, 1)), ValueError, r"the lower one first, got \(3, 1\)"),
        (lambda: holds(Tanh, ("B",), domain=(1, 1)), ValueError, "the lower one first"),
        (lambda: holds(Tanh, ("B",), domain=(-np.inf, 1)), ValueError, "two finite numbers"),
        (lambda: holds(Tanh, ("B",), domain=(0, np.nan)), ValueError, "two finite numbers"),
        (lambda: holds(Tanh, ("B",), domain=NO_NUMBERS), TypeError, "domain takes two numbers"),
        (lambda: loss_laws(squared_error, ("B",), domain=(1, 0)), ValueError, "the lower one first"),
        (lambda: metric_laws(accuracy, ("B", 4), domain=(1, 0)), ValueError, "the lower one first"),
        (lambda: holds(Tanh, ("B",), domain=lambda rng, s: np.full(s, np.nan)), LawBroken, "what is not finite"),
        (lambda: holds(Tanh, ("B",), domain=lambda rng, s: np.ones(9)), LawBroken, "it draws float64 of shape"),
        # nothing said
        (lambda: holds(Dense(3), ("B", 4), only=["residual"]), LawBroken, "residual has nothing to say of any of"),
        (lambda: holds(Dense(3), ("B", 4), only=["own_keys"]), ValueError, "not held to own_keys"),
        (
            lambda: metric_trials(accuracy, ("B", 4), labels_of_two_axes)["any_order"].run(), LawBroken,
            "nothing to say of any of",
        ),
        (
            lambda: optimizer_trials(sgd(0.1), steps=lambda o: lambda g, p: {})["closed_form"].run(), LawBroken,
            "the formula gives updates of nothing, the optimizer of b",
        ),
        # what is said to fail fails for another reason
        (
            lambda: holds(MaxPool((2, 2)), ("B", "D"), only=["pure"], except_={"pure": "why"}), LawBroken,
            r"but MaxPool\(\(2, 2\)\) does not even take its input",
        ),
    ],
)  # fmt: skip
def test_nothing_is_no_pass(call: Callable[[], object], error: type[Exception], message: str) -> None:
    """It is said aloud, with what to do."""
    with pytest.raises(error) as raised:
        call()
    assert re.search(message if "\\" in message or "|" in message else re.escape(message), str(raised.value))


def test_a_profile_without_cases_is_told() -> None:
    """Where Hypothesis generates nothing, nothing has been tried."""
    before = settings.get_current_profile_name()
    settings.register_profile("nothing", phases=[Phase.explicit], database=None)
    settings.load_profile("nothing")
    try:
        with pytest.raises(LawBroken, match="pure was tried on no case of Tanh; .*Phase.generate"):
            holds(Tanh, ("B", "D"), only=["pure"])
    finally:
        settings.load_profile(before)


def test_a_report_tells_it_too() -> None:
    """A law that said nothing, and was named, has not held."""
    report = holds(Dense(3), ("B", 4), only=["residual"], report=True)
    assert not report.held and report.lines[0].verdict == "BROKEN"


def test_an_empty_case_among_others_is_none_of_this() -> None:
    """Nor is a law that has nothing to say and that nobody asked for."""
    holds(Dense(3), st.sampled_from([(0, 4), (3, 4)]), only=["pure"])
    assert holds(Dense(3), ("B", 4), report=True, examples=4).held
