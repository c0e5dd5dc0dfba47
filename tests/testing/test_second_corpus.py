"""The second corpus: each planted fault is found at default effort by the law that names it, and nobody is accused."""

from __future__ import annotations

import pytest

from funcnn.testing import LawBroken
from tests.testing.second_acquittals import SECOND_RIGHT, Right
from tests.testing.second_corpus import SECOND, Fault

pytestmark = pytest.mark.usefixtures("same_cases")


@pytest.mark.parametrize("fault", SECOND, ids=lambda fault: f"{fault.kind}: {fault.fault}")
def test_the_law_finds_the_fault(fault: Fault) -> None:
    """In a layer, a loss, an optimizer, a metric, a schedule, an initializer, a combinator, a pair."""
    with pytest.raises(LawBroken, match=fault.law):
        fault.tried()[fault.law].run(30, shrink=False)


@pytest.mark.parametrize("right", SECOND_RIGHT, ids=lambda right: right.what)
def test_what_is_right_is_acquitted(right: Right) -> None:
    """By every law it is held to, however odd it is."""
    for trial in right.tried().values():
        trial.run(8, shrink=False)


def test_the_corpus_has_every_kind() -> None:
    """Faults of all kinds of parts, and enough of both."""
    kinds = {fault.kind for fault in SECOND}
    assert kinds == {"layer", "loss", "optimizer", "metric", "schedule", "initializer", "combinator", "pair"}
    assert len(SECOND) > 60 and len(SECOND_RIGHT) > 50
