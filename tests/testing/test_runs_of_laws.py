"""Runs of laws: what is counted, what convicts, what exceptions and reports are."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

import funcnn
from funcnn import Dense, MaxPool, Tanh, squared_error
from funcnn.testing import (
    LAWS,
    Case,
    Law,
    LawBroken,
    Report,
    Trial,
    Verdict,
    broken,
    cases,
    holds,
    initializer_laws,
    laws,
    loss_laws,
    optimizer_laws,
    penalty_laws,
    shapes,
)
from funcnn.testing.trials.of_layers import trials
from funcnn.testing.trials.of_losses import loss_trials
from funcnn.testing.trials.of_optimizers import optimizer_trials
from funcnn.testing.trials.of_parts import penalty_trials
from tests.evaluated import public_names


def trial(check: Any, kind: Any = "exact", reason: str = "") -> Trial:
    """A law of one's own, tried on Tanh."""
    return Trial(Law("mine", "a sentence", kind, check), cases(Tanh, shapes("B", "D")), "Tanh", reason)


def test_what_holds_is_counted() -> None:
    """So is what does not apply."""
    tally = trial(lambda case: Verdict.MOOT if case.seed % 2 else None).run(20)
    assert tally.holds + tally.moot == 20 and tally.undecided == 0


def test_a_run_without_any_verdict_fails() -> None:
    """A law that says nothing has tested nothing."""
    with pytest.raises(LawBroken, match="no verdict in any of 60 cases"):
        trial(lambda case: Verdict.NONE).run(20)


@pytest.mark.usefixtures("same_cases")
def test_a_law_that_decides_little_says_so() -> None:
    """With the share of cases, which nobody overlooks where warnings are errors; after as many again, and more."""
    tried = itertools.count()
    with pytest.warns(UserWarning, match=r"mine decided 7 % of its cases of Tanh, 4 of 60: "):
        trial(lambda case: Verdict.NONE if next(tried) % 15 else None).run(20)


@pytest.mark.usefixtures("same_cases")
def test_a_law_that_decides_enough_in_the_end_is_tested() -> None:
    """A third of three times as many cases is as good as all of half of them."""
    tried = itertools.count()
    assert trial(lambda case: Verdict.NONE if next(tried) % 3 else None).run(20).holds == 20


@pytest.mark.filterwarnings("ignore:mine decided")
def test_outliers_are_not_convicted() -> None:
    """A numeric law that fails once, and not again on fresh values, gives no verdict."""

    def check(case: Case) -> None:
        if case.attempt == 0 and case.seed > 0:
            raise broken("once")

    assert trial(check, "numeric").run(20).none > 0


def test_the_last_line_of_a_failure_is_a_program() -> None:
    """It breaks the law again."""
    with pytest.raises(LawBroken) as raised:
        holds(Tanh, ("B", "D"), only=["unit_interval"], also=["unit_interval"])
    again = str(raised.value).splitlines()[-1].removeprefix("  again:")
    with pytest.raises(LawBroken, match="values from"):
        eval(again.strip(), {**public_names(), "LAWS": LAWS, "Case": Case})


def test_exact_laws_convict_at_once() -> None:
    """Once is enough."""

    def check(case: Case) -> None:
        if case.attempt == 0:
            raise broken("once")

    with pytest.raises(LawBroken, match="once"):
        trial(check).run(20)


def test_a_law_that_is_broken_once_is_broken() -> None:
    """Even if the same case passes when it is tried again: a layer that changes its mind is at fault."""
    calls = itertools.count()

    def check(case: Case) -> None:
        if next(calls) == 5:
            raise broken("once")

    with pytest.raises(LawBroken, match="not at every run"):
        trial(check).run(20)


def test_flags_that_do_not_come_again_are_nobodys_fault() -> None:
    """Once is chance."""
    calls = itertools.count()

    def check(case: Case) -> None:
        if next(calls) == 5:
            raise FloatingPointError("invalid value encountered in multiply")

    assert trial(check).run(20).holds == 20


@pytest.mark.parametrize("product", ["dot", "matmul"])
@pytest.mark.parametrize("error", [FloatingPointError, RuntimeWarning])
def test_flags_of_products_are_no_evidence(product: str, error: type[Exception]) -> None:
    """BLAS sets them for memory beyond short rows, in some runs whenever it is called."""

    def check(case: Case) -> None:
        if np.geterr()["invalid"] == "raise":
            raise error(f"invalid value encountered in {product}")

    with np.errstate(invalid="raise"):
        assert trial(check).run(20).holds == 20


def test_flags_of_other_operations_are_evidence() -> None:
    """What is the layer's own comes again."""

    def check(case: Case) -> None:
        np.sqrt(np.array([-1.0]))

    with np.errstate(invalid="raise"), pytest.raises(LawBroken, match="invalid value encountered in sqrt"):
        trial(check).run(20)


def test_an_exception_must_be_needed() -> None:
    """A law that is said not to hold, and does, fails."""
    with pytest.raises(LawBroken, match="is said not to hold .a lookup table.*drop what is said"):
        trial(lambda case: None, reason="a lookup table").run(20)


def test_an_exception_makes_a_failing_law_pass() -> None:
    """It fails as it was said to."""

    def check(case: Case) -> None:
        raise broken("always")

    assert sum(trial(check, reason="a lookup table").run(20)) == 0


def test_an_error_of_the_layer_breaks_the_law() -> None:
    """Whatever it raises, with its cause."""
    with pytest.raises(LawBroken, match="ZeroDivisionError") as raised:
        trial(lambda case: 1 // 0).run(20)
    assert isinstance(raised.value.__cause__, ZeroDivisionError)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"except_": {"pure": ""}}, "takes {law: reason}, got 'pure': ''; say why it does not hold"),
        ({"except_": {"puer": "why"}}, "takes {law: reason}"),
        ({"except_": {"pure": "why"}, "only": ["odd"], "also": ["odd"]}, "pure does not hold, which only= leaves out"),
        ({"only": ["puer"]}, "not held to puer"),
        ({"also": ["puer"]}, "there is no law 'puer'"),
    ],
)
def test_names_of_laws_are_checked(wrong: dict[str, Any], message: str) -> None:
    """A typing error does not leave a law out."""
    with pytest.raises(ValueError, match=message):
        laws(Tanh, ("B", "D"), **wrong)


WRONG_EXCEPTION: dict[str, Any] = {"except_": ["pure"]}
WRONG_KINKS: dict[str, Any] = {"kinks": "no"}
WRONG_TARGET: dict[str, Any] = {"target": ("like", 3)}


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (lambda: laws(Tanh, ("B", "D"), **WRONG_EXCEPTION), TypeError, r"except_ takes {law: reason}, got \['pure'\]"),
        (lambda: laws(Tanh, ("B", "D"), **WRONG_KINKS), TypeError, "kinks is True, False, or None"),
        (lambda: holds(Tanh, (-1, 3)), ValueError, "at least 0, got -1; write 'B' for one that is free"),
        (lambda: loss_laws(squared_error, ("B",), target="label"), ValueError, "no target 'label'; there are like, "),
        (lambda: loss_laws(squared_error, ("B",), **WRONG_TARGET), TypeError, "a target is a name or a function"),
    ],
)
def test_arguments_are_checked(wrong: Callable[[], object], error: type[Exception], message: str) -> None:
    """At once, and none is blamed on the layer."""
    with pytest.raises(error, match=message):
        wrong()


def test_reports_are_tables() -> None:
    """One line a law, and the message of what is broken."""
    report: Report = holds(
        Tanh, (2, 3), report=True, only=["pure", "odd", "unit_interval"], also=["odd", "unit_interval"]
    )
    assert (report.held, len(report.lines)) == (False, 3)
    assert "unit_interval  BROKEN" in str(report) and "values from" in str(report)


def test_families_of_layers_are_tried_too() -> None:
    """A strategy of layers stands where a layer may."""
    holds(st.builds(Dense, st.integers(1, 3)), shapes("B", "D"), only=["true_pullback", "key_decides"], examples=10)


def test_a_layer_that_refuses_the_template_is_told_so() -> None:
    """The message is the layer's own."""
    with pytest.raises(LawBroken, match="ShapeError: .*MaxPool"):
        holds(MaxPool((2, 2)), ("B", "D"), only=["pure"])


@pytest.mark.parametrize(
    "tried",
    [
        trials(Tanh, ("B", "D"), dtypes=("float64",)),
        loss_trials(squared_error, ("B", "D"), dtypes=("float64",)),
        optimizer_trials(funcnn.sgd(0.1), dtypes=("float64",)),
    ],
    ids=["layer", "loss", "optimizer"],
)
def test_dtypes_are_honoured(tried: dict[str, Trial]) -> None:
    """Laws about float32 alone are left out where nobody asks for float32."""
    assert tried and "float32_tracks_float64" not in tried


IN_FLOAT32 = ("float32",)
OF_FLOAT32: Law[Any] = Law("of_float32", "a sentence", "exact", lambda case: None, dtypes=IN_FLOAT32)


@pytest.mark.parametrize(
    ("tried", "message"),
    [
        (
            lambda: laws(Tanh, ("B", "D"), dtypes=IN_FLOAT32, only=["pure", "true_pullback"]),
            "dtypes=('float32',) leaves out what is asked for: true_pullback is for float64; add the dtype, or drop",
        ),
        (
            lambda: holds(Tanh, ("B", "D"), dtypes=("float64",), only=["float32_tracks_float64"]),
            "float32_tracks_float64 is for float32; add",
        ),
        (lambda: laws(Tanh, ("B", "D"), dtypes=IN_FLOAT32, also=["scale_invariant"]), "scale_invariant is for float64"),
        (lambda: laws(Tanh, ("B", "D"), dtypes=IN_FLOAT32, except_={"at_ties": "none"}), "at_ties is for float64"),
        (lambda: laws(Tanh, ("B", "D"), dtypes=IN_FLOAT32, may_fail={"at_ties": "none"}), "at_ties is for float64"),
        (
            lambda: loss_laws(squared_error, ("B", "D"), dtypes=IN_FLOAT32, only=["true_pullback"]),
            "true_pullback is for float64",
        ),
        (
            lambda: optimizer_laws(funcnn.sgd(0.1), dtypes=("float64",), only=["float32_tracks_float64"]),
            "float32_tracks_float64 is for float32",
        ),
        (
            lambda: penalty_laws(funcnn.l2(0.1), dtypes=IN_FLOAT32, only=["true_pullback"]),
            "true_pullback is for float64",
        ),
        (
            lambda: initializer_laws(funcnn.he_normal, dtypes=("float64",), also=[OF_FLOAT32]),
            "of_float32 is for float32",
        ),
        (lambda: laws(Tanh, ("B", "D"), dtypes=("float16",)), "tuple of some of float32, float64, got ('float16',)"),
        (lambda: laws(Tanh, ("B", "D"), dtypes="float32"), "tuple of some of float32, float64, got 'float32'"),
        (lambda: laws(Tanh, ("B", "D"), dtypes=()), "tuple of some of float32, float64, got ()"),
    ],
)
def test_dtypes_leave_out_nothing_that_is_named(tried: Callable[[], object], message: str) -> None:
    """A law that a user asks for, or excepts, and that is for other dtypes, is no silent nothing."""
    with pytest.raises(ValueError, match=re.escape(message)):
        tried()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_parts_are_tried_in_one_dtype(dtype: str) -> None:
    """Laws of penalties that are for float64 alone are left out in float32."""
    tried = penalty_trials(funcnn.l2(0.1), dtypes=(dtype,))
    assert ("true_pullback" in tried) == (dtype == "float64")
    for found in tried.values():
        found.run(4)
