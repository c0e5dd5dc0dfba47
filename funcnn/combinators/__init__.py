"""Combinators: layers side by side, around each other, on parts of a tuple, and along an axis. `serial` is in the core,
for `>>`."""

from funcnn.combinators.branching import parallel, residual
from funcnn.combinators.directions import bidirectional
from funcnn.combinators.fans import FanInConcat, FanInProduct, FanInSum, FanOut, select
from funcnn.combinators.mapping import map_over
from funcnn.combinators.parts import first, keep
from funcnn.combinators.scanning import scan
from funcnn.combinators.splitting import split

__all__ = [
    "FanInConcat", "FanInProduct", "FanInSum", "FanOut", "bidirectional", "first", "keep", "map_over", "parallel",
    "residual", "scan", "select", "split",
]  # fmt: skip
