"""Are numbers finite?"""

from __future__ import annotations

from math import isfinite

import numpy as np

from funcnn.types import Array


def all_finite(vector: Array) -> bool:
    """Are all numbers of the vector finite? One product answers, unless squares overflow."""
    if vector.dtype.itemsize >= 4:
        try:
            if isfinite(vector.dot(vector)):
                return True
        except (FloatingPointError, RuntimeWarning):  # what an overflow is, where people ask for errors
            pass
    return bool(np.isfinite(vector).all())
