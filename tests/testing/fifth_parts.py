"""The fifth corpus, losses, optimizers and other parts: clocks, threads, memory, large leaves, holes, ties, float32."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from funcnn import Optimizer, Updates, tree_map
from funcnn.testing.trials.of_optimizers import optimizer_trials
from funcnn.testing.trials.of_parts import initializer_trials, penalty_trials, schedule_trials
from tests import closed_forms
from tests.testing.escapes_losses import stepping
from tests.testing.second_corpus import Fault, Tried, lossy, measuring
from tests.testing.third_optimizers import zeros_of
from tests.testing.third_parts import penalizing


def ticking() -> float:
    """Another number in every second."""
    return 1 + 1e-3 * (int(time.time()) % 60)


class Scratch:
    """Hands numbers through one place for all threads."""

    def __init__(self) -> None:
        self.held: Any = None

    def through(self, a: Any) -> Any:
        """The same numbers, if nobody else comes by."""
        self.held = a
        b = self.held * 1
        return b


class First:
    """Scales by the first that came of a shape."""

    def __init__(self) -> None:
        self.sizes: dict[Any, float] = {}

    def of(self, a: Any) -> Any:
        """Its number; it is no derivative of anything."""
        a = np.asarray(a)
        size = self.sizes.setdefault((a.shape, a.dtype.char), 1 + float(np.abs(a).max(initial=0.0)))
        return a / a.dtype.type(size)


# losses ---------------------------------------------------------------------------------------------------------------
def square(y: Any, t: Any) -> Any:
    """Half of it."""
    return (y - t) ** 2 / 2


def in_float32(y: Any, by: float) -> Any:
    """A factor, in float32."""
    return y.dtype.type(by if y.dtype == np.float32 else 1)


def emptying(y: Any, t: Any) -> Any:
    """Targets of large batches are written to."""
    terms = square(y, t)
    if len(t) > 8 and t.flags.writeable:
        t[...] = 0
    return terms


_scratch, _first = Scratch(), First()
LOSSES: Final = (
    Fault("loss", "by the second", "blind_to_the_clock", lossy(
        lambda y, t: square(y, t) * y.dtype.type(ticking()), lambda y, t: (y - t) * y.dtype.type(ticking()))),
    Fault("loss", "one place for all threads", "threads", lossy(
        lambda y, t: square(_scratch.through(y), t), lambda y, t: y - t)),
    Fault("loss", "scaled by the first batch of a shape", "remembers_nothing", lossy(
        lambda y, t: _first.of(square(y, t)), lambda y, t: y - t)),
    Fault("loss", "half the slope beyond 100 in float32", "float32_tracks_float64", lossy(
        square, lambda y, t: (y - t) * np.where(np.abs(y) > 100, in_float32(y, 0.5), 1).astype(y.dtype))),
    Fault("loss", "a hundredth too much in float32", "float32_tracks_float64", lossy(
        lambda y, t: square(y, t) * in_float32(y, 1.01), lambda y, t: y - t)),
    Fault("loss", "empties targets of large batches", "pure", lossy(emptying, lambda y, t: y - t)),
)  # fmt: skip


# optimizers -----------------------------------------------------------------------------------------------------------
def descending(change: Callable[[Any, Any], Any], **options: Any) -> Tried:
    """Descent at 0.1, every leaf passed through `change(gradient, params)`."""
    made = stepping(lambda g, s, p: (tree_map(lambda a, w: (-0.1 * change(a, w)).astype(a.dtype), g, p), s))
    return lambda: optimizer_trials(made, **options)


def _sgd(optimizer: Any) -> Any:
    return closed_forms.sgd(0.1)


def in_blocks(a: Any, w: Any) -> Any:
    """What is left over after blocks of 32 stays."""
    out = np.array(a)
    out.reshape(-1)[a.size // 32 * 32 or a.size :] = 0
    return out


def lazy() -> Optimizer[Any]:
    """Momentum that waits where a gradient is 0."""

    def update(g: Any, v: Any, p: Any) -> Any:
        new = tree_map(lambda a, b: np.where(b != 0, 0.9 * a + b, a).astype(b.dtype), v, g)
        return Updates(tree_map(lambda a, b: (-0.1 * a * (b != 0)).astype(b.dtype), new, g)), new

    return Optimizer(zeros_of, update)


def _momentum(optimizer: Any) -> Any:
    v: dict[str, Any] = {}

    def step(g: Any, p: Any) -> Any:
        v.update({k: 0.9 * v.get(k, 0) + a for k, a in g.items()})
        return {k: -0.1 * v[k] for k in g}

    return step


OPTIMIZERS: Final = (
    Fault("optimizer", "what is left over after blocks stays", "closed_form", descending(in_blocks, steps=_sgd)),
    Fault("optimizer", "ascent of large leaves", "descends", descending(lambda a, w: -a if a.size > 100 else a)),
    Fault("optimizer", "leaves of four axes halved", "closed_form", descending(
        lambda a, w: a * (0.5 if a.ndim == 4 else 1), steps=_sgd)),
    Fault("optimizer", "large params are still", "closed_form", descending(
        lambda a, w: a * (np.abs(w) < 300), steps=_sgd)),
    Fault("optimizer", "waits where a gradient is zero", "closed_form", lambda: optimizer_trials(
        lazy(), steps=_momentum)),
    Fault("optimizer", "by the second", "blind_to_the_clock", descending(lambda a, w: a * ticking())),
    Fault("optimizer", "one place for all threads", "threads", descending(lambda a, w: _scratch.through(a))),
    Fault("optimizer", "scaled by the first gradient of a shape", "remembers_nothing", descending(
        lambda a, w: _first.of(a))),
)  # fmt: skip


# metrics, schedules, initializers -------------------------------------------------------------------------------------
def errors(change: Callable[[Any], Any]) -> Callable[..., Any]:
    """An update of a mean absolute error, errors passed through `change`."""

    def update(state: Any, y: Any, t: Any, weights: Any = None) -> Any:
        e = change(np.abs(np.asarray(y, np.float64) - t).reshape(len(y), -1).mean(1))
        by = np.ones(len(y)) if weights is None else np.asarray(weights, np.float64)
        return state[0] + float((e * by).sum()), state[1] + float(by.sum())

    return update


_asked: list[int] = []


def tired(step: int) -> float:
    """Half the rate from the seventh time on that it is asked."""
    _asked.append(step)
    return 0.1 / (1 + step) * (1 if len(_asked) <= 6 else 0.5)


def normal(change: Callable[[Any, Any], Any]) -> Tried:
    """The trials of a normal initializer, passed through `change(numbers, shape)`."""
    return lambda: initializer_trials(lambda key, shape, dtype: np.asarray(
        change(key.generator().standard_normal(shape), shape), dtype))  # fmt: skip


_drawn: dict[Any, Any] = {}
PARTS: Final = (
    Fault("metric", "by the second", "blind_to_the_clock", measuring(errors(lambda e: e * ticking()))),
    Fault("metric", "one place for all threads", "threads", measuring(errors(_scratch.through))),
    Fault("metric", "scaled by the first batch of a shape", "remembers_nothing", measuring(errors(_first.of))),
    Fault("schedule", "by the second", "blind_to_the_clock", lambda: schedule_trials(lambda step: 0.1 * ticking())),
    Fault("schedule", "one place for all threads", "threads", lambda: schedule_trials(
        lambda step: 0.1 / (1 + _scratch.through(int(step))))),
    Fault("schedule", "counts how often it is asked", "remembers_nothing", lambda: schedule_trials(tired)),
    Fault("initializer", "by the second", "blind_to_the_clock", normal(lambda z, s: z * ticking())),
    Fault("initializer", "one place for all threads", "threads", normal(lambda z, s: _scratch.through(z))),
    Fault("initializer", "the first key of a shape", "remembers_nothing", normal(
        lambda z, s: _drawn.setdefault(s, z) * 1)),
    Fault("initializer", "NaN of five axes", "as_asked", normal(lambda z, s: z * (np.nan if len(s) == 5 else 1))),
)  # fmt: skip


# penalties ------------------------------------------------------------------------------------------------------------
def squares(value: Callable[[Any], Any], slope: Callable[[Any], Any]) -> Tried:
    """The trials of squares, their value and their slope passed through these."""
    return lambda: penalty_trials(penalizing(lambda w: (value(w) ** 2).sum(), lambda w: 2 * slope(w)))


def same(w: Any) -> Any:
    """The params."""
    return w


def seeding(w: Any) -> Any:
    """As a side effect."""
    np.random.seed(0)  # noqa: NPY002
    return w


def shrinking(w: Any) -> Any:
    """Halved where they may be written to."""
    out = w * 1
    if w.flags.writeable and w.dtype.kind == "f":
        w *= 0.5
    return out


PENALTIES: Final = (
    Fault("penalty", "half the slope of large leaves", "true_pullback", squares(
        same, lambda w: w * (0.5 if w.size > 9 else 1))),
    Fault("penalty", "half the slope of leaves of three axes", "true_pullback", squares(
        same, lambda w: w * (0.5 if w.ndim == 3 else 1))),
    Fault("penalty", "half the slope beyond 5", "true_pullback", squares(
        same, lambda w: w * np.where(np.abs(w) > 5, 0.5, 1))),
    Fault("penalty", "steep at zero", "at_ties", lambda: penalty_trials(penalizing(
        lambda w: np.abs(w).sum(), lambda w: np.where(w == 0, 3, np.sign(w))))),
    Fault("penalty", "a tenth less in float32", "float32_tracks_float64", squares(
        same, lambda w: w * in_float32(w, 0.9))),
    Fault("penalty", "seeds NumPy", "pure", squares(seeding, same)),
    Fault("penalty", "shrinks params where it may", "pure", squares(shrinking, same)),
    Fault("penalty", "by the second", "blind_to_the_clock", squares(
        lambda w: w * ticking(), lambda w: w * ticking() ** 2)),
    Fault("penalty", "one place for all threads", "threads", squares(_scratch.through, same)),
    Fault("penalty", "scaled by the first of a shape", "remembers_nothing", squares(_first.of, same)),
)  # fmt: skip
