"""Losses of predictions that are scores of classes. They take logits as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Union

import numpy as np

from funcnn.arguments import is_integer, probability
from funcnn.calculus import Later
from funcnn.errors import LabelError, ShapeError, brief
from funcnn.kernels import cross_entropy as kernel
from funcnn.losses.definition import Terms, loss
from funcnn.losses.targets import class_targets
from funcnn.shapes import display
from funcnn.types import Array, Tokens


def _counts(
    logits: Any, labels: Any, *, ignore: int | None = None, class_weights: Sequence[float] | None = None, **_: object
) -> tuple[Any, Any]:
    """How much every label counts, and labels without those to ignore."""
    if ignore is None and class_weights is None:
        return None, labels
    if ignore is not None and not is_integer(ignore):
        raise TypeError(f"softmax_cross_entropy: ignore must be a label, an integer, got {brief(ignore)}")
    found: Any = np.asarray(labels)
    if found.ndim != logits.ndim - 1 or found.dtype.kind not in "iu":
        raise LabelError("softmax_cross_entropy: ignore and class_weights are for class numbers, not for distributions")
    counted: Any = np.ones(found.shape, bool) if ignore is None else found != ignore
    kept = np.where(counted, found, 0)
    if class_weights is None:
        return counted, kept
    each: Any = np.asarray(class_weights, logits.dtype)
    if each.shape != logits.shape[-1:]:
        raise ShapeError(
            f"softmax_cross_entropy: class_weights must be {logits.shape[-1]} numbers, one for every class, got "
            f"{display(each.shape)}"
        )
    class_targets("softmax_cross_entropy", logits, kept)
    return np.where(counted, each[kept], 0), kept


@loss(counts=_counts)
def softmax_cross_entropy(
    logits: Array,
    labels: Union[Tokens, Array],
    *,
    label_smoothing: float = 0.0,
    ignore: int | None = None,
    class_weights: Sequence[float] | None = None,
) -> Terms[Array]:
    """Cross-entropy of the softmax of logits, `log sum_k exp x_k - sum_k t_k x_k` for every row.

    Labels are class numbers, one axis fewer than the logits, or distributions `t` of their shape, whose rows sum to 1.
    Smoothing `a` puts `(1 - a) t + a / classes` in the place of `t`. Rows may be weighted, with 0 to leave one out:
    by `weights`, by the weight `class_weights[label]` of their class, and by `ignore`, a label of padding, which counts
    nothing. A mean divides by the sum of all these, as PyTorch's does.

    Shapes
        logits   (..., classes)
        labels   (...) integers from 0 to classes - 1, or (..., classes)
        terms    (...)
    Errors
        LabelError   labels out of range, of another kind or form; rows that are no distributions; options for class
                     numbers beside distributions
        ShapeError   the leading axes differ, or the batch is empty
        ValueError   `label_smoothing` is outside [0, 1)
    Pullback
        dlogits = (softmax(x) - t) dterms
        dlabels = -log softmax(x) dterms for distributions, zero for class numbers
    Source: Goodfellow, Bengio & Courville, Deep Learning (2016), section 6.2.2.3; smoothing: Szegedy et al., Rethinking
    the Inception Architecture (2016), section 7.

    >>> logits = np.array([[0.0, 0.0], [1e4, 0.0]])
    >>> softmax_cross_entropy(logits, np.array([0, 0]), reduce="none").round(4)
    array([0.6931, 0.    ])
    >>> softmax_cross_entropy(logits, np.array([[0.5, 0.5], [1.0, 0.0]]), reduce="none").round(4)
    array([0.6931, 0.    ])
    >>> round(softmax_cross_entropy(np.zeros((3, 2)), np.array([0, -1, 1]), ignore=-1), 4)
    0.6931
    """
    del ignore, class_weights  # what they say is in the weights by now
    name = "softmax_cross_entropy"
    probability(name, label_smoothing=label_smoothing)
    targets = class_targets(name, logits, labels)
    shape, classes = logits.shape[:-1], logits.shape[-1]
    rows = logits.reshape(-1, classes)
    a = label_smoothing
    if targets.ndim < logits.ndim:
        terms, exps, sums, places = kernel.of_labels(rows, targets.reshape(-1), a)

        def pullback(d: Union[Array, float]) -> tuple[Array, Later[Array]]:
            dlogits = kernel.of_labels_pullback(exps, sums, places, a, _flat(d)).reshape(logits.shape)
            return dlogits, Later(lambda: np.zeros(shape, logits.dtype))

        return terms.reshape(shape), pullback

    t = targets.reshape(-1, classes) * (1 - a) + a / classes
    terms, exps, sums, logs = kernel.of_distributions(rows, t)

    def pullback_of_distributions(d: Union[Array, float]) -> tuple[Array, Later[Array]]:
        dlogits = kernel.of_distributions_pullback(exps, sums, t, _flat(d)).reshape(logits.shape)
        return dlogits, Later(lambda: (logs * kernel.column(_flat(d) * (a - 1))).reshape(logits.shape))

    return terms.reshape(shape), pullback_of_distributions


def _flat(d: Union[Array, float]) -> Union[Array, float]:
    """The cotangents of terms, one for every row of logits."""
    return d.reshape(-1) if isinstance(d, np.ndarray) else d
