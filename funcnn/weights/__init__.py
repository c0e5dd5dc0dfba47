"""Weights of other libraries as params, and params as theirs: arrays in, arrays out, and none of them is imported.

PyTorch's state dicts, Keras's weights, stax's nested tuples, scikit-learn's coefficients. See docs/weights.md.
"""

from funcnn.weights.keras import from_keras, to_keras
from funcnn.weights.sklearn import from_sklearn, to_sklearn
from funcnn.weights.stax import from_stax, to_stax
from funcnn.weights.torch import from_state_dict, state_dict_names, to_state_dict

__all__ = [
    "from_state_dict", "to_state_dict", "state_dict_names",
    "from_keras", "to_keras",
    "from_stax", "to_stax",
    "from_sklearn", "to_sklearn",
]  # fmt: skip
