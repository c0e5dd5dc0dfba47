"""How often the rows of an estimator's data count."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt
from sklearn.utils import check_array

from funcnn.types import Array


def checked_weights(who: str, sample_weight: npt.ArrayLike | None, x: Array) -> Array | None:
    """The weights of the rows, as numbers of the dtype of x.

    Errors
        ValueError   there is not one for every row; one is negative or not finite; all are 0
    """
    if sample_weight is None:
        return None
    w = check_array(sample_weight, dtype=x.dtype, ensure_2d=False, input_name="sample_weight")
    if w.shape != (len(x),):
        raise ValueError(f"{who}: sample_weight must be one number for every row, ({len(x)},), got {w.shape}")
    if not (w >= 0).all():
        raise ValueError(f"{who}: sample_weight must not be negative, got {w.min()}")
    return w


def counting(who: str, x: Array, target: npt.NDArray[Any], weights: Array | None) -> tuple[Any, ...]:
    """The data as `train` takes them, without the rows that do not count, which would take part in batches.

    Errors
        ValueError   no row counts
    """
    if weights is None:
        return x, target
    counts = weights > 0
    if not counts.any():
        raise ValueError(f"{who}: all weights are zero, so that no row counts; give one of them a weight above 0")
    return (x, target, weights) if counts.all() else (x[counts], target[counts], weights[counts])
