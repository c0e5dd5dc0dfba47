"""What a report says to a newcomer: what is broken, where it stands, and a program that breaks it again."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from funcnn import Layer, Loss, loss
from funcnn.testing import LAWS, Case, LawBroken, Line, LossCase, Report, Tally, Verdict, as_html, broken, holds, shapes
from funcnn.testing.judging.verdicts import Law
from tests.testing import third_states
from tests.testing.reported import REPORTED

pytestmark = pytest.mark.usefixtures("same_cases")

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("what", REPORTED)
def test_a_report_is_told_once_and_makes_it_again(what: str) -> None:
    """The law, the place and one cause; the program imports the part by its name, and breaks the law elsewhere."""
    law, function, tried = REPORTED[what]
    with pytest.raises(LawBroken) as raised:
        tried()[law].run(30, shrink=False)
    told, again = str(raised.value), raised.value.again
    assert told.count(f"{law} is broken") == told.count("  the law:") == told.count("  found:") == 1
    assert f"  where:    {function} (" in told and ".py:" in told.partition("  where:")[2].partition("\n")[0]
    assert what in again and "..." not in again
    there = subprocess.run([sys.executable, "-c", again], capture_output=True, text=True, cwd=ROOT)
    assert f"{law} is broken" in there.stderr, there.stderr


class Silent:
    """Prints as nothing at all."""

    def __call__(self, x: Any) -> Any:
        return np.sin(x), lambda dy: dy

    def __repr__(self) -> str:
        raise RuntimeError("no words")


UNPRINTABLE: dict[str, Any] = {
    "what cannot be printed": (Silent(), 1),
    "a ufunc": (np.sin, 1),
    "lambdas": (lambda x: x, [lambda y: y]),
    "a huge array": (np.zeros(10**6), 1),
    "a class": (Silent, {Silent: 1}),
    "itself": [],
}
UNPRINTABLE["itself"].append(UNPRINTABLE["itself"])


def _squares(y: Any, t: Any) -> Any:
    return (y - t) ** 2, lambda d: (2 * d * (y - t), 2 * d * (t - y))


def _never(case: Any) -> None:
    raise broken("never")


@pytest.mark.parametrize("what", UNPRINTABLE)
def test_whatever_it_is_made_of_it_can_be_printed(what: str) -> None:
    """As a domain, as a target, as the argument of a law; and as a cell of a table."""
    thing = UNPRINTABLE[what]
    plain: Loss[Any, Any] = loss(_squares)
    layer: Layer[Any, Any] = third_states.lifted(Silent())
    law: Law[Any] = Law("never", "nothing obeys it", "exact", _never, made_by=(_never, thing))
    for case in (Case(layer, (2, 3), domain=thing), LossCase(plain, (2, 3), target=thing)):
        with pytest.raises(LawBroken) as raised:
            law(case)
        told = str(raised.value)
        assert "never is broken" in told and len(told) < 3000
        report = Report((Line("never", "<b>", Tally(0, 0, 0), 0.0, raised.value),))
        assert "&lt;b&gt;" in as_html({"<i>": report}) and "never is broken" in str(report)


def _logarithm() -> Layer[Any, Any]:
    """NaN for numbers below 0, though the pullback gives something there."""
    return third_states.lifted(lambda x: (np.log(x), lambda dy: dy / x))


def test_what_layers_warn_of_is_told_once_a_place() -> None:
    """And nothing that floating-point flags say of the laws' own arithmetic."""
    with warnings.catch_warnings(record=True) as heard, np.errstate(all="warn"):
        warnings.simplefilter("always")
        report = holds(_logarithm(), shapes("B", "D"), report=True)
    told = [(str(one.message), one.filename, one.lineno) for one in heard]
    assert len(told) == len(set(told))
    assert any(file == __file__ for _, file, _ in told)
    assert not [one for one in heard if one.category is RuntimeWarning and "funcnn/testing" in one.filename]
    verdicts = {line.law: line.verdict for line in report.lines}
    assert verdicts["true_pullback"] == "hardly"  # where the input is below 0 there is no derivative
    assert [law for law, verdict in verdicts.items() if verdict == "BROKEN"] == ["finite"]


def test_what_is_not_finite_moves_nowhere() -> None:
    """Two inputs at which a value is NaN are no sign of a memory."""
    with np.errstate(all="ignore"):
        assert LAWS["remembers_nothing"](Case(_logarithm(), (1, 1), seed=3)) is Verdict.HOLDS


def test_one_exception_is_one_message() -> None:
    """The other laws that it breaks are named below it."""
    layer = third_states.lifted(lambda x: (x * np.ones(1), lambda dy: dy))
    report = holds(layer, shapes("B", "D"), report=True)
    broken_laws, text = [line.law for line in report.lines if line.broken], str(report)
    (first,) = (line.law for line in report.lines if line.broken and not line.broken.told)
    assert len(broken_laws) > 20
    assert text.count("ParamsError") == 1 and text.count("is broken") == 1
    told = text.partition("the same exception breaks ")[2].replace("\n", " ")
    assert told.split(", ") == [law for law in broken_laws if law != first]


@pytest.mark.parametrize("law", ["true_pullback", "full_jacobian"])
def test_a_staircase_is_called_one(law: str) -> None:
    """Far out a value of float32 stays where it is at every step, and the pullback is right all the same."""

    def rounded(x: Any) -> Any:
        y = np.tanh(x.astype(np.float32)).astype(x.dtype)
        return y, lambda dy: (1 - y * y) * dy

    layer = third_states.lifted(rounded)
    told = set[str]()
    for seed in range(400):
        try:
            LAWS[law](Case(layer, (1, 1), seed=seed, kind="large"))
        except LawBroken as error:
            told.add("full_precision first" if "full_precision first" in str(error) else str(error))
    assert told == {"full_precision first"}
