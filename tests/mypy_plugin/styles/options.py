"""Options of a loss."""

import numpy as np
from funcnn import softmax_cross_entropy, squared_error

# wrong: smooth = squared_error.bind(label_smoothing=0.1)
smooth = softmax_cross_entropy.bind(label_smoothing=0.1)  # guilty
