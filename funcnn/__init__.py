"""Neural networks as pairs of pure functions on NumPy.

The public names, in the order a reader meets them.
"""

# the five nouns
from funcnn.params import Params, astype, tree_map
from funcnn.keys import Key
from funcnn.calculus import Apply, Differentiable, Later, Pullback, differentiable, force, vjp
from funcnn.networks import Init, Layer, features, layer, passes, tokens
from funcnn.packing import ravel

# layers
from funcnn.layers.dense import Dense

# combinators
from funcnn.chaining import serial
from funcnn.children import Child, make_children, rebuild

# types and errors
from funcnn.types import Array, Initializer, Mask, Rng, Shape, Spec, Tokens, Tree
from funcnn.errors import (
    CheckpointError,
    DTypeError,
    FuncnnError,
    ImmutableError,
    LabelError,
    MissingExtraError,
    NonFiniteError,
    ParamsError,
    ShapeError,
    UndecidedError,
)

__all__ = [
    # the five nouns
    "Params", "astype", "tree_map", "ravel",
    "Key",
    "Apply", "Differentiable", "Later", "Pullback", "differentiable", "force", "vjp",
    "Init", "Layer", "features", "layer", "passes", "tokens",
    # layers
    "Dense",
    # combinators
    "serial",
    "Child", "make_children", "rebuild",
    # types and errors
    "Array", "Initializer", "Mask", "Rng", "Shape", "Spec", "Tokens", "Tree",
    "CheckpointError", "DTypeError", "FuncnnError", "ImmutableError", "LabelError", "MissingExtraError",
    "NonFiniteError", "ParamsError", "ShapeError", "UndecidedError",
]  # fmt: skip
