"""Hold any layer to the laws, in one line: `TestMyLayer = laws(MyLayer(), shapes("B", ..., "D"))`.

Needs Hypothesis and pytest: `pip install 'funcnn[testing]'`.
"""

from importlib.util import find_spec

from funcnn.errors import MissingExtraError

for _package in ("hypothesis", "pytest"):
    if find_spec(_package) is None:
        raise MissingExtraError(f"the laws need {_package}: pip install 'funcnn[testing]'")

# one line a layer
from funcnn.testing.suites import laws, parametrize_with_laws
from funcnn.testing.loss_suites import loss_laws, optimizer_laws
from funcnn.testing.reports import Line, Report, holds

# laws as values
from funcnn.testing.casebook.of_layers import Case
from funcnn.testing.registry import LAWS, Claims, laws_for
from funcnn.testing.runs import Tally, Trial
from funcnn.testing.casebook.of_losses import TARGETS, LossCase
from funcnn.testing.lawbook.of_losses import LOSS_LAWS
from funcnn.testing.casebook.of_optimizers import OptimizerCase
from funcnn.testing.lawbook.of_optimizers import OPTIMIZER_LAWS, closed_form
from funcnn.testing.verdicts import Law, LawBroken, Verdict, broken

# the derivative judge
from funcnn.testing.judging import Estimate, Finding, complex_step, judge, ladder

# what type checkers say
from funcnn.testing.typing_cases import TypingCase, mypy_cases

# strategies
from funcnn.testing.drawn_networks import Drawn, IllFormed, ill_formed_networks, layers, networks
from funcnn.testing.filling import KINDS, contents
from funcnn.testing.strategies import (
    Template,
    arrays,
    cases,
    cotangents,
    directions,
    dtypes,
    keys,
    kinds,
    masks,
    params,
    shapes,
    tokens,
    trees,
)

__all__ = [
    # one line a layer
    "laws", "parametrize_with_laws",
    "loss_laws", "optimizer_laws",
    "Line", "Report", "holds",
    # laws as values
    "Case", "LossCase", "OptimizerCase", "TARGETS",
    "LAWS", "LOSS_LAWS", "OPTIMIZER_LAWS", "Claims", "closed_form", "laws_for",
    "Tally", "Trial",
    "Law", "LawBroken", "Verdict", "broken",
    # the derivative judge
    "Estimate", "Finding", "complex_step", "judge", "ladder",
    # what type checkers say
    "TypingCase", "mypy_cases",
    # strategies
    "Drawn", "IllFormed", "ill_formed_networks", "layers", "networks",
    "KINDS", "contents",
    "Template", "arrays", "cases", "cotangents", "directions", "dtypes", "keys", "kinds", "masks", "params", "shapes",
    "tokens", "trees",
]  # fmt: skip
