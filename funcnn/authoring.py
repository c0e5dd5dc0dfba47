"""What authors of layers, combinators and losses write them with; who only composes networks needs none of it."""

from funcnn.arguments import positive, probability
from funcnn.calculus import Later, force
from funcnn.inputs import features, passes, tokens
from funcnn.networks import Child, Combined, Go
from funcnn.params.trees import leaves
from funcnn.shapes import axes, branches, display, known, same

__all__ = [
    "Child", "Combined", "Go", "Later", "axes", "branches", "display", "features", "force", "known", "leaves", "passes",
    "positive", "probability", "same", "tokens",
]  # fmt: skip
