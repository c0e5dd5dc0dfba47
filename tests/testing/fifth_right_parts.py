"""The fifth corpus of right parts: losses, optimizers, schedules, initializers and penalties."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from funcnn import Optimizer, ShapeError, loss, tree_map
from funcnn.testing import nested
from funcnn.testing.trials.of_losses import loss_trials
from funcnn.testing.trials.of_optimizers import optimizer_trials
from funcnn.testing.trials.of_parts import initializer_trials, penalty_trials, schedule_trials
from tests.testing.escapes_losses import differing, stepping
from tests.testing.second_acquittals import Right, Tried
from tests.testing.third_parts import penalizing


def rowwise(terms: Callable[[Any], Any], slope: Callable[[Any], Any]) -> Tried:
    """The trials of a loss with one term a row, of the errors."""

    @loss
    def made(y: Any, t: Any) -> Any:
        if y.shape != t.shape or not y.size:
            raise ShapeError("these do not fit")

        def pullback(d: Any) -> Any:
            g = np.asarray(d, y.dtype)[..., None] * slope(y - t)
            return g, -g

        return terms(y - t), pullback

    return lambda: loss_trials(made, ("B", "D"))


def soft_largest(e: Any) -> Any:
    """The logarithm of a sum of exponentials."""
    m = e.max(-1, keepdims=True)
    return np.log(np.exp(e - m).sum(-1)) + m[..., 0]


def shares(e: Any) -> Any:
    """Its slope."""
    w = np.exp(e - e.max(-1, keepdims=True))
    return w / w.sum(-1, keepdims=True)


def lossy(terms: Any, slope: Any) -> Tried:
    """The trials of a loss by its terms and their slope, of the errors."""
    return lambda: loss_trials(differing(lambda y, t: terms(y - t), lambda y, t: slope(y - t)), ("B", "D"))


def stepped(change: Callable[[Any, int], Any], **options: Any) -> Tried:
    """The trials of descent whose gradients, and steps so far, are passed through `change`."""
    made: Optimizer[Any] = stepping(
        lambda g, s, p: (tree_map(lambda a: (-0.1 * change(a, s)).astype(a.dtype), g), s + 1)
    )  # fmt: skip
    return lambda: optimizer_trials(made, **options)


def in_one_norm(g: Any, s: Any, p: Any) -> Any:
    """All leaves together at most of length one."""
    n = math.sqrt(sum(float((a.astype(np.float64) ** 2).sum()) for _, a in nested.leaves(g)))
    return tree_map(lambda a: (-0.1 * a / max(n, 1)).astype(a.dtype), g), s


def orthonormal(key: Any, shape: Any, dtype: Any) -> Any:
    """Columns, or rows, of length one, each at right angles to all others; of vectors there are none."""
    if len(shape) < 2:
        raise ShapeError("a matrix is wanted")
    n, m = math.prod(shape[:-1]), shape[-1]
    if not n or not m:
        return np.zeros(shape, dtype)
    q, _ = np.linalg.qr(key.generator().standard_normal((max(n, m), min(n, m))))
    return np.ascontiguousarray((q if n >= m else q.T).reshape(shape)).astype(dtype)


PARTS: Final = (
    Right("the largest error of a row", rowwise(
        lambda e: np.abs(e).max(-1), lambda e: np.sign(e) * (np.arange(e.shape[-1]) == np.abs(e).argmax(-1)[..., None]))),
    Right("a soft largest error", rowwise(soft_largest, shares)),
    Right("squares beyond a margin", lossy(
        lambda e: np.maximum(np.abs(e) - 0.3, 0) ** 2, lambda e: 2 * np.sign(e) * np.maximum(np.abs(e) - 0.3, 0))),
    Right("a root of squares", lossy(lambda e: np.sqrt(1 + e * e) - 1, lambda e: e / np.sqrt(1 + e * e))),
    Right("heavy tails", lossy(lambda e: np.log1p(e * e), lambda e: 2 * e / (1 + e * e))),
    Right("a cosine inside", stepped(lambda a, s: a * 0.5 * (1 + math.cos(math.pi * min(s / 50, 1))))),
    Right("a rate that starts at zero", stepped(lambda a, s: a * min(s / 5, 1))),
    Right("gradients less their mean", stepped(lambda a, s: a - a.mean(0) if a.ndim > 1 and len(a) > 1 else a)),
    Right("one norm for all", lambda: optimizer_trials(
        stepping(in_one_norm), except_={"splits": "there is one norm for all"})),
    Right("up and down", lambda: schedule_trials(
        lambda step: 0.1 * min((step + 1) ** -0.5, (step + 1) * 4000**-1.5))),
    Right("right angles", lambda: initializer_trials(orthonormal)),
    Right("one number drawn for all", lambda: initializer_trials(
        lambda key, shape, dtype: np.full(shape, key.generator().standard_normal()).astype(dtype))),
    Right("sizes, with slope one at zero", lambda: penalty_trials(
        penalizing(lambda w: np.abs(w).sum(), lambda w: np.where(w >= 0, 1.0, -1.0)))),
    Right("sizes beyond three", lambda: penalty_trials(
        penalizing(lambda w: np.maximum(np.abs(w) - 3, 0).sum(), lambda w: np.sign(w) * (np.abs(w) > 3)))),
)  # fmt: skip
