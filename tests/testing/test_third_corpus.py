"""The third corpus: faults that hide at sizes, numbers, layouts and in memory, and right parts that look odd."""

from __future__ import annotations

import pytest

from funcnn.testing import LawBroken
from tests.testing.second_acquittals import Right
from tests.testing.second_corpus import Fault
from tests.testing.third_acquittals import THIRD_RIGHT
from tests.testing.third_losses import LOSS_FAULTS
from tests.testing.third_mathematics import MATHEMATICS
from tests.testing.third_numbers import NUMBER_FAULTS
from tests.testing.third_optimizers import OPTIMIZER_FAULTS
from tests.testing.third_parts import PART_FAULTS
from tests.testing.third_states import STATE_FAULTS

pytestmark = pytest.mark.usefixtures("same_cases")

THIRD = (*NUMBER_FAULTS, *STATE_FAULTS, *MATHEMATICS, *LOSS_FAULTS, *OPTIMIZER_FAULTS, *PART_FAULTS)


@pytest.mark.parametrize("fault", THIRD, ids=lambda fault: f"{fault.kind}: {fault.fault}")
def test_the_law_finds_the_fault(fault: Fault) -> None:
    """At default effort, by the law that names it."""
    with pytest.raises(LawBroken, match=fault.law):
        fault.tried()[fault.law].run(30, shrink=False)


@pytest.mark.parametrize("right", THIRD_RIGHT, ids=lambda right: right.what)
def test_what_is_right_is_acquitted(right: Right) -> None:
    """By every law it is held to, and nothing is said to be hardly tested."""
    for trial in right.tried().values():
        trial.run(5, shrink=False)


def test_the_corpus_is_large() -> None:
    """Of every kind as many as were asked for."""
    kinds = [fault.kind for fault in THIRD]
    assert kinds.count("layer") >= 40 and kinds.count("loss") >= 15 and kinds.count("optimizer") >= 15
    assert len(THIRD) - kinds.count("layer") - kinds.count("loss") - kinds.count("optimizer") >= 10
    assert len(THIRD_RIGHT) >= 40
