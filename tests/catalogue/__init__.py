"""One row for every public layer, combinator, loss and optimizer. All laws run over the rows.

A row holds *source text*, `"Dense(3)"`, which is evaluated among the public names of funcnn and `np` (see `build`), so
that it can also be written out as a program. Several rows may answer for one name; the name of a row is the first name
in its source. Choose small arguments: sizes of 2 to 4.

Shape templates (as `funcnn.testing.shapes` takes them): an int is that size, a string is a free size (one string, one
size), a `range` is a size in it, `...` is none to two more sizes; the first axis is the batch. A tuple of templates is
a tuple of arrays, `(("B", "T", 4), ("B", "T"))`. Which arrays are tokens or masks, the layer itself says (`takes=`).

A law that does not hold for a row is named in `except_`, with the reason; the law then *must* fail. Prefer to repair.

To add a row, put it into the table of its family, a file here, in the order of `funcnn.__all__`:

    LayerRow("Dense(3)", ("B", ..., "D"))
    LayerRow("MaxPool((2, 2))", ("B", range(2, 6), range(2, 6), "C"), kinks=True)
    LayerRow("Embedding(7, 3)", ("B", "T"), tokens=7)
    LayerRow("FanInSum", (("B", "D"), ("B", "D")))
    LossRow("squared_error", ("B", "D"))
    LossRow("softmax_cross_entropy", ("B", 4), target="labels")
    OptimizerRow("adam(0.1)")
"""

from __future__ import annotations

from tests.catalogue.combinators import COMBINATORS
from tests.catalogue.layers import LARGE, LAYERS
from tests.catalogue.losses import LOSSES
from tests.catalogue.names import NAMESPACE, WITHOUT_ROW, build, kind_of, name_of
from tests.catalogue.optimizers import OPTIMIZERS
from tests.catalogue.parts import INITIALIZERS, METRICS, PENALTIES, SCHEDULES
from tests.catalogue.rows import LayerRow, LossRow, OptimizerRow, PartRow, Row, Template

__all__ = [
    "COMBINATORS",
    "INITIALIZERS",
    "LARGE",
    "LAYERS",
    "LOSSES",
    "METRICS",
    "NAMESPACE",
    "OPTIMIZERS",
    "PENALTIES",
    "SCHEDULES",
    "WITHOUT_ROW",
    "LayerRow",
    "LossRow",
    "OptimizerRow",
    "PartRow",
    "Row",
    "Template",
    "build",
    "kind_of",
    "name_of",
]
