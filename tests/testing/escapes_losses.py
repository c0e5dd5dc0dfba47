"""Losses and optimizers whose faults show rarely, or in the value alone, each with the law that names it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np

from funcnn import Loss, Optimizer, ShapeError, Updates, loss, momentum, sgd, tree_map
from tests import closed_forms


class Escape(NamedTuple):
    """A loss or an optimizer with a planted fault, the law that names it, and what is said about it."""

    fault: str
    law: str
    made: Any
    options: dict[str, Any] = {}  # noqa: RUF012  (read only)
    shape: tuple[Any, ...] = ("B", "D")


def plain(terms: Callable[[Any, Any], Any], slope: Callable[[Any, Any], Any]) -> Loss[Any, Any]:
    """A loss of the prediction alone, by its terms and their derivative."""

    @loss
    def made(prediction: Any, target: Any) -> Any:
        if prediction.shape != target.shape or not prediction.size:
            raise ShapeError("these do not fit")
        return terms(prediction, target), lambda d: (d * slope(prediction, target), 0 * target)

    return made


def differing(terms: Callable[[Any, Any], Any], slope: Callable[[Any, Any], Any]) -> Loss[Any, Any]:
    """A loss of the difference of prediction and target, by its terms and their derivative."""

    @loss
    def made(prediction: Any, target: Any) -> Any:
        if prediction.shape != target.shape or not prediction.size:
            raise ShapeError("these do not fit")

        def pullback(d: Any) -> Any:
            dy = d * slope(prediction, target)
            return dy, -dy

        return terms(prediction, target), pullback

    return made


def huber(value: Callable[[Any], Any], slope: Callable[[Any], Any]) -> Loss[Any, Any]:
    """Half the square within 1, linear beyond: `value(|e|)` there, whose slope is `slope(e)`."""

    def terms(y: Any, t: Any) -> Any:
        e = np.abs(y - t)
        return np.where(e < 1, e * e / 2, value(e)).astype(y.dtype)

    return plain(terms, lambda y, t: np.where(np.abs(y - t) < 1, y - t, slope(y - t)).astype(y.dtype))


def _half_square(y: Any, t: Any) -> Any:
    return (y - t) ** 2 / 2


def entropy(floor: float) -> Loss[Any, Any]:
    """-t log y, and something is added to y."""
    return plain(lambda y, t: -t * np.log(y + y.dtype.type(floor)), lambda y, t: -t / (y + y.dtype.type(floor)))


def smoothed(y: Any, t: Any, share: float) -> Any:
    """Cross entropy with smoothed labels: `share` of the mass goes to every class."""
    classes = y.shape[-1]
    wide = t * (1 - share * classes) + share
    shifted = y - y.max(-1, keepdims=True)
    return -(wide * (shifted - np.log(np.exp(shifted).sum(-1, keepdims=True)))).sum(-1)


def smoothing(share: Callable[[int], float]) -> Loss[Any, Any]:
    """Cross entropy whose pullback fits its value."""

    @loss
    def made(prediction: Any, target: Any) -> Any:
        if prediction.shape != target.shape or not prediction.size:
            raise ShapeError("these do not fit")
        by = prediction.dtype.type(share(prediction.shape[-1]))
        wide = target * (1 - by * prediction.shape[-1]) + by
        e = np.exp(prediction - prediction.max(-1, keepdims=True))
        p = e / e.sum(-1, keepdims=True)
        value = smoothed(prediction, target, by).astype(prediction.dtype)
        return value, lambda d: (d[..., None] * (p - wide), 0 * target)

    return made


def _column(y: Any, t: Any) -> Any:
    return _half_square(y, t).sum(-1, keepdims=True)


def _rows(y: Any, t: Any) -> Any:
    return np.where(len(y) > 8, 2, 1).astype(y.dtype)


LOSS_ESCAPES: Final = (
    Escape("a jump where it turns linear", "adds_up", huber(lambda e: e, np.sign)),
    Escape("terms in a column", "reductions", plain(_column, lambda y, t: y - t), shape=("B", range(2, 4))),
    Escape("twice the gradient above 8 rows", "true_pullback",
           plain(_half_square, lambda y, t: (y - t) * _rows(y, t))),
    Escape("the wrong sign of an absolute value", "true_pullback",
           plain(lambda y, t: np.abs(y - t), lambda y, t: np.sign(t - y))),
    Escape("no gradient beyond 100", "true_pullback",
           plain(_half_square, lambda y, t: (y - t) * (np.abs(y) < 100))),
    Escape("half of what the formula says", "plain_value", plain(_half_square, lambda y, t: y - t),
           {"value": lambda y, t: (y - t) ** 2}),
    Escape("another value above 5 rows", "plain_value",
           plain(lambda y, t: _half_square(y, t) * (1 + (len(y) > 5)), lambda y, t: (y - t) * (1 + (len(y) > 5))),
           {"value": _half_square}),
    Escape("a thousandth in the logarithm", "plain_value", entropy(1e-4),
           {"value": lambda y, t: -t * np.log(y), "domain": (0, 1)}),
    Escape("minus infinity at the edge", "finite", entropy(-2e-6), {"domain": (0, 1)}),
    Escape("smoothing by e / (K - 1)", "plain_value", smoothing(lambda k: 0.1 / (k - 1)),
           {"value": lambda y, t: smoothed(y, t, 0.1 / y.shape[-1]), "target": "distribution"}, ("B", 4)),
    Escape("a steeper tail, its slope with it", "plain_value",
           huber(lambda e: 2 * e - 1.5, lambda e: 2 * np.sign(e)),
           {"value": lambda y, t: np.where(np.abs(y - t) < 1, (y - t) ** 2 / 2, np.abs(y - t) - 0.5)}),
)  # fmt: skip


def stepping(step: Callable[[Any, Any, Any], Any], state: Any = 0) -> Optimizer[Any]:
    """An optimizer out of one function of gradients, state and params: `(updates, state)`."""

    def update(g: Any, s: Any, p: Any) -> Any:
        updates, after = step(g, s, p)
        return Updates(updates), after

    return Optimizer(lambda params: state(params) if callable(state) else state, update)


def in_a_closure() -> Optimizer[Any]:
    """Momentum whose velocity lies in a closure, which `init` clears."""
    kept: dict[str, Any] = {}

    def init(params: Any) -> int:
        kept.clear()
        return 0

    def update(g: Any, s: int, p: Any) -> Any:
        kept["v"] = tree_map(lambda a, b: 0.5 * a + b, kept["v"], g) if "v" in kept else g
        return Updates(tree_map(lambda a: -0.1 * a, kept["v"])), s + 1

    return Optimizer(init, update)


def by_count_of_steps() -> Optimizer[Any]:
    """Descent whose rate falls with the steps of all runs since `init`."""
    steps = [0]

    def init(params: Any) -> int:
        steps[0] = 0
        return 0

    def update(g: Any, s: int, p: Any) -> Any:
        steps[0] += 1
        return Updates(tree_map(lambda a: -0.1 / steps[0] * a, g)), s + 1

    return Optimizer(init, update)


def decaying(by: float, least: int) -> Optimizer[Any]:
    """Descent with decay of the leaves of so many axes and more."""
    return stepping(lambda g, s, p: (tree_map(lambda a, w: -0.1 * a - by * w * (w.ndim >= least), g, p), s))


def late(after: int) -> Optimizer[Any]:
    """Descent that doubles its rate after so many steps."""
    return stepping(lambda g, s, p: (tree_map(lambda a: -0.1 * (1 + (s >= after)) * a, g), s + 1))


def clipping(at: float) -> Optimizer[Any]:
    """Descent by gradients that are clipped."""
    return stepping(lambda g, s, p: (tree_map(lambda a: -0.1 * np.clip(a, -at, at), g), s))


def _sgd(optimizer: Any) -> Any:
    return closed_forms.sgd(0.1)


_DECAY = {"except_": {"fixed_point": "it decays"}}
OPTIMIZER_ESCAPES: Final = (
    Escape("velocity in a closure that init clears", "pure", in_a_closure()),
    Escape("a count of steps in a closure", "pure", by_count_of_steps()),
    Escape("ascent", "descends", stepping(lambda g, s, p: (tree_map(lambda a: 0.1 * a, g), s))),
    Escape("ascent of momentum", "descends", Optimizer(momentum(0.1, 0.9).init, lambda g, s, p: _ascent(g, s, p))),
    Escape("growth for decay", "descends", decaying(-1e-2, 2), _DECAY),
    Escape("decay of biases", "vectors_stay", decaying(1e-2, 1), _DECAY),
    Escape("decay of scalars", "vectors_stay", decaying(1e-2, 0), _DECAY),
    Escape("another rate after step 5", "closed_form", late(5), {"steps": _sgd}),
    Escape("gradients clipped at 10", "closed_form", clipping(10), {"steps": _sgd}),
    Escape("a tenth of the rate", "closed_form", sgd(0.01), {"steps": _sgd}),
)  # fmt: skip


def _ascent(g: Any, s: Any, p: Any) -> Any:
    updates, after = momentum(0.1, 0.9).update(g, s, p)
    return Updates(tree_map(lambda a: -a, updates)), after
