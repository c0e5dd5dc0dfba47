"""Losses of predictions that are one logit for a yes or a no."""

from __future__ import annotations

from typing import Any, Union

import numpy as np

from funcnn.arguments import finite_positive, is_number, probability
from funcnn.calculus import Later
from funcnn.errors import LabelError
from funcnn.kernels import activations as kernel
from funcnn.losses.definition import Terms, loss
from funcnn.losses.targets import like
from funcnn.types import Array, Mask, Tokens

Yes = Union[Array, Tokens, Mask]


@loss
def sigmoid_binary_cross_entropy(
    logits: Array, target: Yes, *, label_smoothing: float = 0.0, positive_weight: float = 1.0
) -> Terms[Array]:
    """Cross-entropy of the sigmoid of logits, `-w t log s(x) - (1 - t) log s(-x)` for every element.

    Targets are probabilities, most often 0 and 1 or booleans; several labels may hold at once. Smoothing `a` puts
    `(1 - a) t + a / 2` in the place of `t`; `w` is `positive_weight`, for few among many.

    Shapes
        logits, target   (...), the same
        terms            (...)
    Errors
        LabelError   a target is outside [0, 1]
        ShapeError   the shapes differ, or the batch is empty
        ValueError   `label_smoothing` is outside [0, 1); `positive_weight` is not positive and finite
    Pullback
        dlogits = ((1 - t) s(x) - w t s(-x)) dterms      dtarget = (log s(-x) - w log s(x)) dterms
    Source: Bishop, Pattern Recognition and Machine Learning (2006), equation 4.90; in the form without overflow.

    >>> sigmoid_binary_cross_entropy(np.array([0.0, 1e4, -1e4]), np.array([1.0, 1.0, 0.0]), reduce="none").round(4)
    array([0.6931, 0.    , 0.    ])
    """
    name = "sigmoid_binary_cross_entropy"
    probability(name, label_smoothing=label_smoothing)
    finite_positive(name, positive_weight=positive_weight)
    a, w = label_smoothing, positive_weight
    t = _probabilities(name, logits, target) * (1 - a) + a / 2
    yes, no = kernel.log_sigmoid(logits), kernel.log_sigmoid(-logits)

    def pullback(d: Union[Array, float]) -> tuple[Array, Later[Array]]:
        dlogits: Array = d * ((1 - t) * kernel.sigmoid(logits) - w * t * kernel.sigmoid(-logits))
        return dlogits, Later(lambda: (1 - a) * d * (no - w * yes))

    return -w * _times(t, yes) - _times(1 - t, no), pullback


@loss
def focal(logits: Array, target: Yes, *, gamma: float = 2.0, alpha: float | None = None) -> Terms[Array]:
    """Focal loss, `-a (1 - p)^gamma log p` for every element, p the probability that is given to what holds.

    What is easy counts little, so that rare and hard examples are not drowned. `alpha` weights the yes by alpha and the
    no by 1 - alpha; without it, both by one.

    Shapes
        logits, target   (...), the same; targets are 0 and 1 or booleans
        terms            (...)
    Errors
        LabelError   a target is neither 0 nor 1
        ShapeError   the shapes differ, or the batch is empty
        ValueError   `gamma` is negative, `alpha` outside [0, 1)
    Pullback
        dlogits = s a (1 - p)^gamma (gamma p log p - (1 - p)) dterms, s = 1 for the yes and -1 for the no
        dtarget = zero
    Source: Lin et al., Focal Loss for Dense Object Detection (2017), section 3.

    >>> focal(np.array([0.0, 4.0]), np.array([1, 1]), reduce="none").round(6)
    array([1.73287e-01, 6.00000e-06])
    """
    if not (is_number(gamma) and 0 <= gamma < float("inf")):
        raise ValueError(f"focal: gamma must be a finite number of at least 0, got {gamma!r}")
    if alpha is not None:
        probability("focal", alpha=alpha)
    t = like("focal", logits, target)
    _refuse_others("focal", t, (0, 1))
    sign = (2 * t.real - 1).astype(logits.real.dtype)
    balance: Any = 1.0 if alpha is None else np.where(sign > 0, alpha, 1 - alpha).astype(logits.real.dtype)
    x = sign * logits
    log_p, log_q = kernel.log_sigmoid(x), kernel.log_sigmoid(-x)
    hard = balance * np.exp(gamma * log_q)

    def pullback(d: Union[Array, float]) -> tuple[Array, Later[Array]]:
        p, q = kernel.sigmoid(x), kernel.sigmoid(-x)
        return d * (sign * hard * (gamma * p * log_p - q)), Later(lambda: np.zeros(logits.shape, logits.dtype))

    return -_times(hard, log_p), pullback


@loss
def hinge(prediction: Array, target: Union[Array, Tokens]) -> Terms[Array]:
    """Hinge loss, `max(0, 1 - t y)` for every element, with targets of -1 and 1.

    Shapes
        prediction, target   (...), the same
        terms                (...)
    Errors
        LabelError   a target is neither -1 nor 1
        ShapeError   the shapes differ, or the batch is empty
    Pullback
        dprediction = -t dterms where t y < 1, else 0      dtarget = zero
    Source: Cortes & Vapnik, Support-Vector Networks (1995), section 3.

    >>> hinge(np.array([2.0, 0.5, -1.0]), np.array([1.0, 1.0, 1.0]), reduce="none")
    array([0. , 0.5, 2. ])
    """
    t = like("hinge", prediction, target)
    _refuse_others("hinge", t, (-1, 1))
    margin = 1 - t * prediction
    short = kernel.step(margin)

    def pullback(d: Union[Array, float]) -> tuple[Array, Later[Array]]:
        dprediction: Array = -(d * (t * short))
        return dprediction, Later(lambda: np.zeros(prediction.shape, prediction.dtype))

    return kernel.positive_part(margin), pullback


def _times(weight: Array, log: Array) -> Array:
    """Their product, where infinity costs nothing that has no weight."""
    if log.dtype.kind == "f" and log.size and log.min() == -np.inf:
        log = np.where(weight == 0, np.zeros((), log.dtype), log)
    product: Array = weight * log
    return product


def _probabilities(name: str, logits: Array, target: Any) -> Array:
    t = like(name, logits, target)
    bad = ~((t.real >= 0) & (t.real <= 1))
    if bad.any():
        raise LabelError(f"{name} takes targets from 0 to 1, got {_first(t, bad)}")
    return t


def _refuse_others(name: str, t: Array, two: tuple[int, int]) -> None:
    bad = (t != two[0]) & (t != two[1])
    if bad.any():
        hint = "; write 2 * target - 1" if two[0] < 0 and bool(np.isin(t.real, (0, 1)).all()) else ""
        raise LabelError(f"{name} takes targets of {two[0]} and {two[1]}, got {_first(t, bad)}{hint}")


def _first(t: Array, bad: Any) -> str:
    at = np.argwhere(bad)[0]
    return f"{t[tuple(at)].real:g} at index {', '.join(map(str, at)) or '()'}"
