"""Combinators: layers side by side, around each other, on parts of a tuple, and along an axis. `serial` is in the core,
for `>>`."""

from funcnn.late_names import answers_for
from funcnn.combinators.branching import parallel, residual
from funcnn.combinators.deferring import shape_dependent
from funcnn.combinators.directions import bidirectional
from funcnn.combinators.ensembles import ensemble
from funcnn.combinators.fans import FanInConcat, FanInProduct, FanInSum, FanOut, select
from funcnn.combinators.freezing import freeze, thaw
from funcnn.combinators.mapping import map_over
from funcnn.combinators.parts import first, keep
from funcnn.combinators.passing import checkpoint, gradient_reversal, inference, stop_gradient, straight_through
from funcnn.combinators.reparametrizing import reparam, tie, transposed
from funcnn.combinators.repeating import repeat
from funcnn.combinators.scanning import scan
from funcnn.combinators.splitting import split

__all__ = [
    "FanInConcat", "FanInProduct", "FanInSum", "FanOut", "bidirectional", "checkpoint", "ensemble", "first", "freeze",
    "gradient_reversal", "inference", "keep", "map_over", "parallel", "reparam", "repeat", "residual", "scan", "select",
    "shape_dependent", "split", "stop_gradient", "straight_through", "thaw", "tie", "transposed",
]  # fmt: skip

answers_for(__name__)
