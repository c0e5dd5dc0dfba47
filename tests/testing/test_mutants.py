"""The tests of the laws: every planted fault is found, by the law that names it, and nobody else is accused."""

from __future__ import annotations

import pytest

from funcnn import Dense, Layer, Tanh
from funcnn.testing import LawBroken, Trial, holds
from funcnn.testing.trials.of_layers import trials
from tests.testing.escapes import ESCAPES
from tests.testing.faulty_combinators import after, alike, drawing, in_order, scaled, twice
from tests.testing.faulty_layers import PLAIN, moving_average, residual_sum
from tests.testing.mutants import MUTANTS, STRANGERS, Mutant

pytestmark = pytest.mark.usefixtures("same_cases")

EXAMPLES = 20
COMBINATORS = [
    alike(), drawing(), scaled(Dense(3)), twice(Dense(3) >> Tanh, add=True), after(Dense(3), Tanh, asked=in_order),
]  # fmt: skip


def ids(mutant: Mutant) -> str:
    """The fault."""
    return mutant.fault


@pytest.mark.parametrize("mutant", [*MUTANTS, *ESCAPES], ids=ids)
def test_the_law_finds_the_fault(mutant: Mutant) -> None:
    """The law that names the fault is broken, and says by what."""
    trial = trials(mutant.layer, mutant.shape, only=[mutant.law], **mutant.claims)[mutant.law]
    with pytest.raises(LawBroken, match=mutant.law):
        trial.run(EXAMPLES, shrink=False)


def fails(trial: Trial) -> bool:
    """Is the law broken?"""
    try:
        trial.run(EXAMPLES, shrink=False)
    except LawBroken:
        return True
    return False


@pytest.mark.parametrize("mutant", [m for m in [*MUTANTS, *ESCAPES] if m.alone], ids=ids)
def test_no_other_law_finds_it(mutant: Mutant) -> None:
    """Without this law the fault would pass."""
    tried = trials(mutant.layer, mutant.shape, **mutant.claims)
    assert {name for name, trial in tried.items() if fails(trial)} == {mutant.law}


@pytest.mark.parametrize("law", STRANGERS)
def test_laws_of_domains_fail_outside_them(law: str) -> None:
    """A law of a domain fails for a layer from elsewhere."""
    layer, shape = STRANGERS[law]
    with pytest.raises(LawBroken, match=law):
        trials(layer, shape, only=[law], also=[law])[law].run(EXAMPLES)


@pytest.mark.parametrize(
    "layer", [PLAIN, moving_average(pad=1), residual_sum(shortcut=1.0), *COMBINATORS], ids=repr
)
def test_what_mutants_are_made_of_has_no_fault(layer: Layer[object, object]) -> None:
    """The layers the faults were planted in obey every law."""
    shape = ("B", 3) if layer in COMBINATORS else ("B", range(2, 5))
    holds(layer, shape, kinks=False, analytic=True, examples=EXAMPLES)
