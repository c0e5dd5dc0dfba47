"""Losses of predictions that are scores of classes. They take logits as they are."""

from __future__ import annotations

from typing import Union

import numpy as np

from funcnn.arguments import probability
from funcnn.calculus import Later
from funcnn.kernels import cross_entropy as kernel
from funcnn.losses.definition import Terms, loss
from funcnn.losses.targets import class_targets
from funcnn.types import Array, Tokens


@loss
def softmax_cross_entropy(
    logits: Array, labels: Union[Tokens, Array], *, label_smoothing: float = 0.0
) -> Terms[Array]:
    """Cross-entropy of the softmax of logits, `log sum_k exp x_k - sum_k t_k x_k` for every row.

    Labels are class numbers, one axis fewer than the logits, or distributions `t` of their shape, whose rows sum to 1.
    Smoothing `a` puts `(1 - a) t + a / classes` in the place of `t`. Rows may be weighted, with 0 to leave one out.

    Shapes
        logits   (..., classes)
        labels   (...) integers from 0 to classes - 1, or (..., classes)
        terms    (...)
    Errors
        LabelError   labels out of range, of another kind or form; rows that are no distributions
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
    """
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
