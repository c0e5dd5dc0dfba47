"""Third corpus, losses: wrong by a factor, over another axis, for one class, far out, at ties, in one dtype."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from funcnn import Loss, ShapeError, loss
from funcnn.testing.trials.of_losses import loss_trials
from tests.testing.escapes_losses import plain
from tests.testing.second_corpus import Fault, lossy


def softmax(z: Any) -> Any:
    """Along the last axis."""
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def labelled(terms: Callable[[Any, Any], Any], slope: Callable[[Any, Any], Any]) -> Loss[Any, Any]:
    """A loss of logits and labels: `terms(log p, one-hot)`, and the slope by the logits, `slope(p, one-hot)`."""

    @loss
    def made(z: Any, labels: Any) -> Any:
        if z.shape[:-1] != labels.shape or not z.size:
            raise ShapeError("these do not fit")
        hot = np.eye(z.shape[-1], dtype=z.real.dtype)[labels]
        p = softmax(z)
        logp = z - z.max(-1, keepdims=True)
        logp = logp - np.log(np.exp(logp).sum(-1, keepdims=True))
        return terms(logp, hot), lambda d: (np.asarray(d)[..., None] * slope(p, hot), np.zeros(labels.shape, p.dtype))

    return made


def entropy(logp: Any, hot: Any) -> Any:
    """Of the right class."""
    return -(logp * hot).sum(-1)


def plainly(z: Any, labels: Any) -> Any:
    """The same, from logits."""
    return -np.log(np.take_along_axis(softmax(z), labels[..., None], -1))[..., 0]


def labels(terms: Any, slope: Any, **options: Any) -> Any:
    """The trials of a loss of labels."""
    return lambda: loss_trials(labelled(terms, slope), ("B", 4), target="labels", **options)


def focal(logp: Any, hot: Any) -> Any:
    """(1 - p)^2 times the cross entropy."""
    q = (logp * hot).sum(-1)
    return -((1 - np.exp(q)) ** 2) * q


def dice(y: Any, t: Any) -> Any:
    """One less the overlap of a row."""
    return 1 - (2 * (y * t).sum(-1) + 1) / ((y * y).sum(-1) + (t * t).sum(-1) + 1)


def dice_slope(y: Any, t: Any) -> Any:
    """Whose denominator is smoothed by another constant."""
    a, b = 2 * (y * t).sum(-1, keepdims=True) + 1, (y * y).sum(-1, keepdims=True) + (t * t).sum(-1, keepdims=True) + 2
    return -(2 * t * b - a * 2 * y) / b**2


def rowwise(terms: Any, slope: Any, wrt: Any = None) -> Loss[Any, Any]:
    """One term a row."""

    @loss
    def made(y: Any, t: Any) -> Any:
        if y.shape != t.shape or not y.size:
            raise ShapeError("these do not fit")
        return terms(y, t), lambda d: (
            np.asarray(d)[..., None] * slope(y, t),
            np.asarray(d)[..., None] * (wrt(y, t) if wrt else slope(t, y)),
        )

    return made


def cosine(y: Any, t: Any) -> Any:
    """One less the cosine of the angle."""
    n = np.sqrt((y * y).sum(-1) + 0.01) * np.sqrt((t * t).sum(-1) + 0.01)
    return 1 - (y * t).sum(-1) / n


def cosine_slope(y: Any, t: Any) -> Any:
    """Takes the lengths for constants."""
    n = np.sqrt((y * y).sum(-1, keepdims=True) + 0.01) * np.sqrt((t * t).sum(-1, keepdims=True) + 0.01)
    return -t / n


def _at_target(y: Any, t: Any) -> Any:
    return np.where(y == t, 3, np.sign(y - t)).astype(y.dtype)


def _hinge_at_margin(y: Any, t: Any) -> Any:
    return (-t * ((y * t < 1) + 2 * (y * t == 1))).astype(y.dtype)


def _smooth_l1(y: Any, t: Any) -> Any:
    e = np.abs(y - t)
    return np.where(e < 0.5, e * e, e - 0.25).astype(y.dtype)


def _clip_slope(y: Any, t: Any) -> Any:
    return (-t / y).astype(y.dtype)


def _rounded(y: Any, t: Any) -> Any:
    return ((y - t) ** 2 / 2).astype(np.float32).astype(y.dtype) if y.dtype == np.float64 else (y - t) ** 2 / 2


@loss
def triplet(prediction: Any, target: Any) -> Any:
    """max(0, 1 + |a - p|^2 - |a - n|^2), of which the negative gets the wrong sign."""
    a, p, n = prediction
    if not a.shape == p.shape == n.shape or not a.size:
        raise ShapeError("these do not fit")
    if target is not None and np.shape(target) != a.shape[:1]:
        raise ShapeError("these do not fit")
    e = 1 + ((a - p) ** 2).sum(-1) - ((a - n) ** 2).sum(-1)
    on = e > 0

    def pullback(d: Any) -> Any:
        w = (np.asarray(d) * on)[..., None]
        return (2 * w * (n - p), -2 * w * (a - p), -2 * w * (a - n)), np.zeros(np.shape(target), a.dtype)

    return e * on, pullback


def _nothing(rng: Any, shape: Any, dtype: Any) -> Any:
    """A target that does not matter, one for every row."""
    return np.zeros(shape[0][0], dtype)


def _square(y: Any, t: Any) -> Any:
    return (y - t) ** 2 / 2


def _wide_rows(y: Any, t: Any) -> Any:
    return (y - t) * (0.5 if y.shape[-1] >= 6 else 1)


_seen: list[float] = []


def _balanced(y: Any, t: Any) -> Any:
    """Divides by the mean error of all batches so far."""
    _seen.append(float(np.abs(np.real(y - t)).mean()) if y.size else 0.0)
    return _square(y, t) / (1 + sum(_seen) / len(_seen))



LOSS_FAULTS: Final = (
    Fault("loss", "divided by the classes", "plain_value", labels(
        lambda logp, hot: entropy(logp, hot) / hot.shape[-1], lambda p, hot: (p - hot) / hot.shape[-1],
        value=plainly)),
    Fault("loss", "bits in the value, nats in the slope", "true_pullback", labels(
        lambda logp, hot: entropy(logp, hot) / np.log(np.asarray(2, hot.dtype)), lambda p, hot: p - hot)),
    Fault("loss", "half the slope of class 0", "true_pullback", labels(
        entropy, lambda p, hot: (p - hot) * np.where(hot[..., :1] == 1, 0.5, 1).astype(p.dtype))),
    Fault("loss", "class 0 ignored in the value alone", "true_pullback", labels(
        lambda logp, hot: entropy(logp, hot) * (hot[..., 0] == 0), lambda p, hot: p - hot)),
    Fault("loss", "the last class counts twice", "plain_value", labels(
        lambda logp, hot: entropy(logp, hot) * (1 + hot[..., -1]), lambda p, hot: (p - hot) * (1 + hot[..., -1:]),
        value=plainly)),
    Fault("loss", "a focus that is taken for a constant", "true_pullback", labels(
        focal, lambda p, hot: (1 - (p * hot).sum(-1, keepdims=True)) ** 2 * (p - hot))),
    Fault("loss", "smoothing in the value alone", "true_pullback", labels(
        lambda logp, hot: -(logp * (0.9 * hot + 0.1 / hot.shape[-1]).astype(hot.dtype)).sum(-1),
        lambda p, hot: p - hot)),
    Fault("loss", "another smoothing of the overlap", "true_pullback", lambda: loss_trials(
        rowwise(dice, dice_slope), ("B", "D"), target="binary")),
    Fault("loss", "lengths taken for constants", "true_pullback", lambda: loss_trials(
        rowwise(cosine, cosine_slope), ("B", "D"))),
    Fault("loss", "the slope of a negative turned", "true_pullback", lambda: loss_trials(
        triplet, (("B", "D"), ("B", "D"), ("B", "D")), target=_nothing)),
    Fault("loss", "steep where prediction and target meet", "at_ties", lossy(
        lambda y, t: np.abs(y - t), _at_target)),
    Fault("loss", "twice at the margin", "at_ties", lossy(
        lambda y, t: np.maximum(0, 1 - y * t), _hinge_at_margin, target="signs")),
    Fault("loss", "turns linear with another slope", "true_pullback", lossy(
        _smooth_l1, lambda y, t: np.clip(y - t, -0.5, 0.5))),
    Fault("loss", "a floor of the logarithm that the slope does not know", "true_pullback", lambda: loss_trials(
        plain(lambda y, t: -t * np.log(np.maximum(y.real, 1e-4) + 1j * y.imag if y.dtype.kind == "c"
                                       else np.maximum(y, y.dtype.type(1e-4))), _clip_slope),
        ("B", "D"), target="positive", domain=(0, 1))),
    Fault("loss", "rounded to float32", "full_precision", lossy(_rounded, lambda y, t: y - t)),
    Fault("loss", "half the slope of wide rows", "true_pullback", lossy(_square, _wide_rows)),
    Fault("loss", "divides by what all batches were", "pure", lossy(_balanced, lambda y, t: y - t)),
    Fault("loss", "a mean over outputs where a sum is", "plain_value", lambda: loss_trials(
        rowwise(lambda y, t: _square(y, t).mean(-1), lambda y, t: (y - t) / y.shape[-1]), ("B", "D"),
        value=lambda y, t: ((y - t) ** 2 / 2).sum(-1))),
    Fault("loss", "no slope by the target", "true_pullback", lambda: loss_trials(
        rowwise(lambda y, t: _square(y, t).sum(-1), lambda y, t: y - t, lambda y, t: 0 * t), ("B", "D"))),
)  # fmt: skip
