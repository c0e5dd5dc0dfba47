"""Hold any layer to the laws, in one line: `TestMyLayer = laws(MyLayer(), shapes("B", ..., "D"))`.

Needs Hypothesis and pytest: `pip install 'funcnn[testing]'`.
"""

# one line a layer
from funcnn.testing.suites import laws, parametrize_with_laws
from funcnn.testing.reports import Line, Report, holds

# laws as values
from funcnn.testing.cases import Case
from funcnn.testing.registry import LAWS, Claims, laws_for
from funcnn.testing.runs import Tally, Trial
from funcnn.testing.verdicts import Law, LawBroken, Verdict, broken

# the derivative judge
from funcnn.testing.judge import Estimate, Finding, complex_step, judge, ladder

# strategies
from funcnn.testing.contents import KINDS, contents
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
    "Line", "Report", "holds",
    # laws as values
    "Case",
    "LAWS", "Claims", "laws_for",
    "Tally", "Trial",
    "Law", "LawBroken", "Verdict", "broken",
    # the derivative judge
    "Estimate", "Finding", "complex_step", "judge", "ladder",
    # strategies
    "KINDS", "contents",
    "Template", "arrays", "cases", "cotangents", "directions", "dtypes", "keys", "kinds", "masks", "params", "shapes",
    "tokens", "trees",
]  # fmt: skip
