"""Plots, by matplotlib: `pip install 'funcnn[matplotlib]'`.

Every function draws on the Axes it is given, or on new ones, returns them, and never shows them.

>>> from funcnn.plotting import learning_curves
>>> callable(learning_curves)    # of {"loss": [1.0, 0.5, 0.3]}, say
True
"""

from funcnn.plotting.curves import learning_curves
from funcnn.plotting.classes import confusion, decision_boundary
from funcnn.plotting.histograms import activations, weights
from funcnn.plotting.images import filters
from funcnn.plotting.attention import attention, attention_weights

__all__ = [
    "activations", "attention", "attention_weights", "confusion", "decision_boundary", "filters", "learning_curves",
    "weights",
]  # fmt: skip
