"""Hold any layer to the laws, in one line: `TestMyLayer = laws(MyLayer(), shapes("B", ..., "D"))`.

Needs Hypothesis, and pytest where tests are made: `pip install 'funcnn[testing]'`. The rooms:

    judging   is it so? verdicts, derivatives, how far rounding goes
    casebook  what a law is tried on: cases that print as source
    drawing   what Hypothesis draws: shapes, contents, params, networks, cases
    lawbook   the laws, a family a file
    trials    which laws are tried on what, how often, and how that is told
"""

from importlib.util import find_spec

from funcnn.errors import MissingExtraError

if find_spec("hypothesis") is None:
    raise MissingExtraError("the laws need hypothesis: pip install 'funcnn[testing]'")

# one line a layer
# laws as values
from funcnn.testing.casebook.of_layers import Case
from funcnn.testing.casebook.of_losses import TARGETS, LossCase
from funcnn.testing.casebook.of_optimizers import OptimizerCase
from funcnn.testing.casebook.of_parts import InitializerCase, MetricCase, PenaltyCase, ScheduleCase
from funcnn.testing.casebook.pairs import pair
from funcnn.testing.drawing.contents import KINDS, contents, positive_definite

# strategies
from funcnn.testing.drawing.networks import Drawn, IllFormed, ill_formed_networks, layers, networks
from funcnn.testing.drawing.strategies import (
    arrays,
    cases,
    cotangents,
    directions,
    dtypes,
    keys,
    kinds,
    masks,
    params,
    tokens,
    trees,
)
from funcnn.testing.drawing.templates import Template, shapes

# the derivative judge
from funcnn.testing.judging.derivatives import Estimate, Finding, complex_step, judge, ladder
from funcnn.testing.judging.verdicts import Law, LawBroken, Verdict, broken
from funcnn.testing.lawbook.of_initializers import INITIALIZER_LAWS, scale_by_fan
from funcnn.testing.lawbook.of_losses import LOSS_LAWS
from funcnn.testing.lawbook.of_metrics import METRIC_LAWS, plain_metric
from funcnn.testing.lawbook.of_optimizers import OPTIMIZER_LAWS, closed_form
from funcnn.testing.lawbook.of_penalties import PENALTY_LAWS
from funcnn.testing.lawbook.of_schedules import SCHEDULE_LAWS, plain_rate
from funcnn.testing.lawbook.values import plain_loss, plain_value
from funcnn.testing.trials.choosing import LAWS, Claims, laws_for
from funcnn.testing.trials.reports import Line, Report, as_html, holds
from funcnn.testing.trials.running import Tally, Trial
from funcnn.testing.trials.suites import (
    combinator_laws,
    initializer_laws,
    laws,
    loss_laws,
    metric_laws,
    optimizer_laws,
    parametrize_with_laws,
    penalty_laws,
    schedule_laws,
)

# what type checkers say
from funcnn.testing.typing_cases import TypingCase, mypy_cases

__all__ = [
    # one line a layer
    "laws", "pair", "parametrize_with_laws",
    "combinator_laws", "loss_laws", "metric_laws", "optimizer_laws", "initializer_laws", "penalty_laws", "schedule_laws",
    "Line", "Report", "as_html", "holds",
    # laws as values
    "Case", "LossCase", "OptimizerCase", "TARGETS", "InitializerCase", "MetricCase", "PenaltyCase", "ScheduleCase",
    "INITIALIZER_LAWS", "METRIC_LAWS", "PENALTY_LAWS", "SCHEDULE_LAWS", "plain_metric", "plain_rate", "scale_by_fan",
    "LAWS", "LOSS_LAWS", "OPTIMIZER_LAWS", "Claims", "closed_form", "laws_for", "plain_loss", "plain_value",
    "Tally", "Trial",
    "Law", "LawBroken", "Verdict", "broken",
    # the derivative judge
    "Estimate", "Finding", "complex_step", "judge", "ladder",
    # what type checkers say
    "TypingCase", "mypy_cases",
    # strategies
    "Drawn", "IllFormed", "ill_formed_networks", "layers", "networks",
    "KINDS", "contents", "positive_definite",
    "Template", "arrays", "cases", "cotangents", "directions", "dtypes", "keys", "kinds", "masks", "params", "shapes",
    "tokens", "trees",
]  # fmt: skip
