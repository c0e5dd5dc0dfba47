"""Combinators: layers side by side, around each other, on parts of a tuple, and along an axis. `serial` is in the core,
for `>>`."""

from funcnn.combinators.branching import parallel, residual
from funcnn.combinators.directions import bidirectional
from funcnn.combinators.fans import FanInConcat, FanInSum, FanOut, select
from funcnn.combinators.mapping import map_over
from funcnn.combinators.parts import first, keep
from funcnn.combinators.scanning import scan

__all__ = [
    "FanInConcat", "FanInSum", "FanOut", "bidirectional", "first", "keep", "map_over", "parallel", "residual", "scan",
    "select",
]  # fmt: skip
