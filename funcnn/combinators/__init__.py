"""Combinators: layers side by side, around each other, and on parts of a tuple. `serial` is in the core, for `>>`."""

from funcnn.combinators.branching import parallel, residual
from funcnn.combinators.fans import FanInConcat, FanInSum, FanOut, select
from funcnn.combinators.parts import first, keep

__all__ = ["FanInConcat", "FanInSum", "FanOut", "first", "keep", "parallel", "residual", "select"]
