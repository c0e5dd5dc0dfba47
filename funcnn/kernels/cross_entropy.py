"""Softmax cross-entropy over rows of logits `x`, and its pullbacks. The exponentials of the value serve the pullback.

Rows are shifted by their maxima, so that no exponential overflows. The shift cancels in the mathematics, so that any
number would do, and for complex logits a complex one. Value and pullback of labels take 20 us on 128 x 10 float32 and
0.29 ms on 2048 x 64; written line by line in NumPy, `p = e / e.sum(1, keepdims=True)` and so on, 27 us and 0.96 ms.
"""

from __future__ import annotations

from typing import Union

import numpy as np
import numpy.typing as npt

from funcnn.kernels.sums import row_maxima, row_products, totals
from funcnn.types import Array

Indices = npt.NDArray[np.intp]


def of_labels(x: Array, labels: Indices, smoothing: float) -> tuple[Array, Array, Array, Indices]:
    """`log sum_k exp x_k - (1 - a) x_label - a mean_k x_k` for every row.

    Returns the terms and what the pullback keeps: the exponentials, their sums, and the flat places of the labels.
    """
    n, classes = x.shape
    shifted = np.subtract(x, row_maxima(x), order="C")  # flat views of it are taken, here and in the pullback
    places: Indices = np.arange(0, n * classes, classes, dtype=np.intp)
    np.add(places, labels, places)
    chosen = shifted.reshape(-1)[places]
    if smoothing:
        chosen *= 1 - smoothing
        chosen += totals(shifted) * (smoothing / classes)
    exps = np.exp(shifted, shifted)
    sums = totals(exps)
    terms: Array = np.log(sums)
    terms -= chosen
    return terms, exps, sums, places


def of_labels_pullback(exps: Array, sums: Array, places: Indices, smoothing: float, d: Union[Array, float]) -> Array:
    """`dx = d (softmax(x) - (1 - a) onehot(label) - a / classes)`; `d` is one number, or one for every row."""
    dx: Array = exps * (d / sums)[:, None]
    if smoothing:
        dx -= column(d * (smoothing / exps.shape[1]))
    dx.reshape(-1)[places] -= d * (1 - smoothing)
    return dx


def of_distributions(x: Array, t: Array) -> tuple[Array, Array, Array, Array]:
    """`sum_k t_k (log sum_j exp x_j - x_k)` for every row, where `t` sums to 1 but for rounding.

    Returns the terms and what the pullback keeps: the exponentials, their sums, and `log softmax(x)`.
    """
    logs = x - row_maxima(x)
    exps = np.exp(logs)
    sums = totals(exps)
    logs -= np.log(sums)[:, None]
    wanted = logs
    if logs.dtype.kind == "f" and logs.size and logs.min() == -np.inf:  # a class that is ruled out costs nothing
        wanted = np.where(t == 0, np.zeros((), logs.dtype), logs)  # where it is not wanted, and infinity where it is
    return 0 - row_products(t, wanted), exps, sums, logs


def of_distributions_pullback(exps: Array, sums: Array, t: Array, d: Union[Array, float]) -> Array:
    """`dx = d (softmax(x) sum_k t_k - t)`; `d` is one number, or one for every row."""
    mass = totals(t)
    dx: Array = exps * (mass * d / sums)[:, None]
    dx -= t * column(d)
    return dx


def column(d: Union[Array, float]) -> Union[Array, float]:
    """One number for every row as a column, one number for all as it is."""
    return d[:, None] if isinstance(d, np.ndarray) else d
