"""Third corpus, metrics, schedules, initializers, penalties and combinators."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from funcnn import Layer, tree_map
from funcnn.authoring import Child, Combined, force, same
from funcnn.calculus import Differentiable
from funcnn.errors import ShapeError
from funcnn.params import plain_tree
from funcnn.testing import nested
from funcnn.testing.trials.of_combinators import combinator_trials
from funcnn.testing.trials.of_parts import initializer_trials, penalty_trials, schedule_trials
from tests.testing.second_corpus import Fault, measuring


# metrics, schedules, initializers, penalties --------------------------------------------------------------------------
def _hits(y: Any, t: Any) -> tuple[float, float, float]:
    """True, false and missed ones, of what lies above 0."""
    up, is_up = np.asarray(y) > 0, np.asarray(t) > 0
    return float((up & is_up).sum()), float((up & ~is_up).sum()), float((~up & is_up).sum())


def _f1(tp: float, fp: float, fn: float) -> float:
    return 2 * tp / max(2 * tp + fp + fn, 1)


def f1_of_batches(state: Any, y: Any, t: Any, weights: Any = None) -> Any:
    """The mean of what the batches give, by their rows."""
    return state[0] + _f1(*_hits(y, t)) * len(y), state[1] + len(y)


def mean_of_seen(state: Any) -> float:
    if not state[1]:
        raise ShapeError("no row has been seen")
    return float(state[0] / state[1])


def variance(state: Any, y: Any, t: Any, weights: Any = None) -> Any:
    """Of the errors, merged without what the means differ by."""
    e = (np.asarray(y, np.float64) - t).reshape(len(y), -1).mean(1)
    return (state[0] + ((e - e.mean()) ** 2).sum(), state[1] + len(e)) if len(e) else state


def smoothed(state: Any, y: Any, t: Any, weights: Any = None) -> Any:
    """A mean that forgets: later rows count more."""
    total, n = state
    for a in np.abs(np.asarray(y, np.float64) - t).reshape(len(y), -1).mean(1):
        total, n = 0.9 * total + a, 0.9 * n + 1
    return total, n


def numerator(state: Any, y: Any, t: Any, weights: Any = None) -> Any:
    """Weights above the line, and rows below."""
    e = np.abs(np.asarray(y, np.float64) - t).reshape(len(y), -1).mean(1)
    return state[0] + float((e * (1 if weights is None else weights)).sum()), state[1] + len(e)


def warm(step: int) -> float:
    """Up for 1000 steps, then down by a cosine; at the boundary the counts overlap by ten."""
    return 0.1 * (step + 1) / 1000 if step < 990 else 0.05 * (1 + math.cos(math.pi * min((step - 1000) / 5000, 1)))


def _warm(step: int) -> float:
    return 0.1 * (step + 1) / 1000 if step < 1000 else 0.05 * (1 + math.cos(math.pi * min((step - 1000) / 5000, 1)))


def late(step: int, boundary: int = 300) -> float:
    """A tenth after the boundary, which itself belongs to what comes before."""
    return 0.1 if step <= boundary else 0.01


def again(step: int) -> float:
    """A cosine that rises again beyond its end."""
    return 0.05 * (1 + math.cos(math.pi * step / 400))


def by_kind(step: Any) -> float:
    """By a table for integers, by something else for numbers like 3.0."""
    return 0.1 / (1 + step // 2) if isinstance(step, (int, np.integer)) else 0.1 / (1 + step / 2)


def fans(shape: Any) -> tuple[int, int]:
    """In and out."""
    receptive = int(np.prod(shape[:-2]))
    return receptive * (shape[-2] if len(shape) > 1 else 1), receptive * shape[-1] if shape else 1


def normal(scale: Callable[[int, int], float], cut: bool = False) -> Any:
    """An initializer of this standard deviation; `cut` at two of them, and not corrected for that."""

    def draw(key: Any, shape: Any, dtype: Any) -> Any:
        z = key.generator().standard_normal(shape)
        z = np.where(np.abs(z) > 2, np.fmod(z, 2.0), z) if cut else z
        return np.asarray(z * scale(*fans(shape)), dtype)

    return draw


def _he(n: int, m: int) -> float:
    return 2 / n


def penalizing(value: Callable[[Any], Any], slope: Callable[[Any], Any]) -> Any:
    """The sum of `value` over all leaves."""

    def rule(params: Any) -> Any:
        tree: dict[str, Any] = dict(plain_tree(params))
        total = sum((value(w) for w in tree.values()), 0.0)
        return (total if np.iscomplexobj(total) else float(np.real(total))), lambda d: (
            {name: (d * slope(w)).astype(w.dtype) for name, w in tree.items()},
        )

    return Differentiable(rule)


def both(first: Any, second: Any, forgets: bool = True) -> Any:
    """Two penalties, of which the second is in the value alone."""

    def rule(params: Any) -> Any:
        (a, back), (b, other) = first.rule(params), second.rule(params)
        return a + b, lambda d: back(d) if forgets else tree_map(np.add, back(d), other(d))

    return Differentiable(rule)


SQUARES: Final = penalizing(lambda w: (w * w).sum(), lambda w: 2 * w)
FOURTH: Final = penalizing(lambda w: (w**4).sum(), lambda w: 4 * w**3)
ENTROPY: Final = penalizing(lambda w: (w * w * np.log(w * w)).sum(), lambda w: 2 * w * (np.log(w * w) + 1))


# combinators ----------------------------------------------------------------------------------------------------------
def in_a_row(fault: str) -> Callable[..., Layer[Any, Any]]:
    """`g(f(x)) + x`, with something wrong."""

    def make(f: Layer[Any, Any], g: Layer[Any, Any]) -> Layer[Any, Any]:
        def build(a: Child, b: Child) -> Combined:
            first, second = a, b

            def rule(params: Any, x: Any, rng: Any = None) -> Any:
                h, back_a = first.pull(params, x, rng)
                y, back_b = second.pull(params, h, rng)

                def pullback(dy: Any) -> Any:
                    db, dh = back_b(dy)
                    da, dx = back_a(force(dh))
                    if fault == "names" and nested.structure(da) == nested.structure(db):
                        da, db = db, da  # they fit
                    return {**first.grads(da), **second.grads(db)}, force(dx) + (0 if fault == "skip" else dy)

                return y + x, pullback

            def value(params: Any, x: Any, rng: Any = None) -> Any:
                rng = rng.fold("value") if rng is not None and fault == "draws" else rng
                h = first.value(params, x, rng)
                return second.value(params, x if fault == "value" else h, rng) + x

            def meets(shape: Any, go: Any) -> Any:
                out = go(second, go(first, shape))
                if len(out) != len(shape) or not all(map(same, out, shape)):
                    raise ShapeError("what it gives is to have the shape of x")
                return out

            return Combined(meets, rule, value=value)

        return Layer.over((f, g), build, where="in_a_row")

    return make


PART_FAULTS: Final = (
    Fault("metric", "the score of each batch, averaged", "batches_agree", measuring(
        f1_of_batches, mean_of_seen, weighted=False, nan=False)),
    Fault("metric", "variances without their means", "batches_agree", measuring(
        variance, mean_of_seen, weighted=False)),
    Fault("metric", "later rows count more", "any_order", measuring(smoothed, mean_of_seen, weighted=False)),
    Fault("metric", "weights above the line", "weights_are_copies", measuring(numerator, mean_of_seen)),
    Fault("schedule", "ten steps too early", "plain_value", lambda: schedule_trials(warm, _warm)),
    Fault("schedule", "the boundary belongs to what came before", "plain_value", lambda: schedule_trials(
        late, lambda step: 0.1 if step < 300 else 0.01)),
    Fault("schedule", "rises again beyond its end", "plain_value", lambda: schedule_trials(
        again, lambda step: 0.05 * (1 + math.cos(math.pi * min(step, 400) / 400)))),
    Fault("schedule", "another rate at 3.0", "any_integer", lambda: schedule_trials(by_kind)),
    Fault("initializer", "a gain of one for two", "scale_by_fan", lambda: initializer_trials(
        normal(lambda n, m: (1 / n) ** 0.5), variance=_he)),
    Fault("initializer", "cut, and not corrected", "scale_by_fan", lambda: initializer_trials(
        normal(lambda n, m: (2 / n) ** 0.5, cut=True), variance=_he)),
    Fault("initializer", "fan out for fan in", "scale_by_fan", lambda: initializer_trials(
        normal(lambda n, m: (2 / m) ** 0.5), variance=_he)),
    Fault("penalty", "one of two forgotten on the way back", "true_pullback", lambda: penalty_trials(
        both(SQUARES, FOURTH))),
    Fault("penalty", "an entropy of zeros", "finite", lambda: penalty_trials(ENTROPY)),
    Fault("combinator", "gradients change places where they fit", "true_pullback", lambda: combinator_trials(
        in_a_row("names"), ("B", "D"))),
    Fault("combinator", "the cotangent of the shortcut is lost", "true_pullback", lambda: combinator_trials(
        in_a_row("skip"), ("B", "D"))),
    Fault("combinator", "the value goes past a child", "value_of_rule", lambda: combinator_trials(
        in_a_row("value"), ("B", "D"))),
    Fault("combinator", "another key for the value", "value_of_rule", lambda: combinator_trials(
        in_a_row("draws"), ("B", "D"))),
)  # fmt: skip
