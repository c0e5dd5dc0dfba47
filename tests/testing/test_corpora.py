"""The corpora from the second on: each planted fault is found at default effort by the law that names it, and nobody
is accused."""

from __future__ import annotations

from collections import Counter

import pytest

from funcnn.testing import LawBroken
from tests.testing.fifth_acquittals import FIFTH_RIGHT
from tests.testing.fifth_corpus import FIFTH
from tests.testing.fourth_corpus import FOURTH
from tests.testing.second_acquittals import SECOND_RIGHT, Right
from tests.testing.second_corpus import SECOND, Fault
from tests.testing.sixth_acquittals import SIXTH_RIGHT
from tests.testing.sixth_corpus import SIXTH
from tests.testing.third_acquittals import THIRD_RIGHT
from tests.testing.third_corpus import THIRD

pytestmark = pytest.mark.usefixtures("same_cases")


FAULTS = (*SECOND, *THIRD, *FOURTH, *FIFTH, *SIXTH)
RIGHT = (*SECOND_RIGHT, *THIRD_RIGHT, *FIFTH_RIGHT, *SIXTH_RIGHT)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.kind}: {fault.fault}")
def test_the_law_finds_the_fault(fault: Fault) -> None:
    """In a layer, a loss, an optimizer, a metric, a schedule, an initializer, a combinator, a pair."""
    with pytest.raises(LawBroken, match=fault.law):
        fault.tried()[fault.law].run(30, shrink=False)


@pytest.mark.parametrize("right", RIGHT, ids=lambda right: right.what)
def test_what_is_right_is_acquitted(right: Right) -> None:
    """By every law it is held to, however odd it is, and nothing is said to be hardly tested."""
    for trial in right.tried().values():
        trial.run(8, shrink=False)


def test_the_corpora_have_every_kind() -> None:
    """Faults of all kinds of parts, and enough of both."""
    kinds = {fault.kind for fault in SECOND}
    assert kinds == {"layer", "loss", "optimizer", "metric", "schedule", "initializer", "combinator", "pair"}
    assert len(SECOND) > 60 and len(SECOND_RIGHT) > 50
    many = Counter(fault.kind for fault in THIRD)
    assert many["layer"] >= 40 and many["loss"] >= 15 and many["optimizer"] >= 15
    assert many.total() - many["layer"] - many["loss"] - many["optimizer"] >= 10 and len(THIRD_RIGHT) >= 40
