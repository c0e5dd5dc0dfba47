"""What a report says to a newcomer: what is broken, where it stands, and a program that breaks it again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from funcnn import Layer, Loss, loss
from funcnn.testing import Case, LawBroken, Line, LossCase, Report, Tally, as_html, broken
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
