"""Weights of other libraries as params, and params as theirs: arrays in, arrays out, and none of them is imported.

PyTorch's state dicts, Keras's weights, stax's nested tuples, scikit-learn's coefficients. See docs/weights.md.
"""

from funcnn.weights.keras import from_keras, to_keras
from funcnn.weights.torch import from_state_dict, state_dict_names, to_state_dict

__all__ = ["from_keras", "from_state_dict", "state_dict_names", "to_keras", "to_state_dict"]
