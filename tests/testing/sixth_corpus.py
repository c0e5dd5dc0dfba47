"""The sixth corpus: what the first pass leaves behind, points and strides, and other parts."""

from __future__ import annotations

import math
from typing import Any, Final, cast

import numpy as np

from funcnn import Layer, Metric, Shape, ShapeError
from funcnn.authoring import Child, Combined, axes, force
from funcnn.initializers import ones, zeros
from funcnn.testing.trials.of_combinators import combinator_trials
from funcnn.testing.trials.of_optimizers import optimizer_trials
from funcnn.testing.trials.of_parts import initializer_trials, metric_trials, schedule_trials
from tests.testing.escapes_losses import stepping
from tests.testing.second_corpus import Fault, lossy, of
from tests.testing.sixth_memories import MEMORIES
from tests.testing.third_states import lifted


# points and strides ---------------------------------------------------------------------------------------------------
def safe(x: Any) -> Any:
    """Rows by their length; where there is none, what lies in memory."""
    y = np.empty_like(x)
    length = np.sqrt((x * x).sum(-1, keepdims=True))
    some = length > 0
    np.divide(x, length, out=y, where=some)

    def pullback(dy: Any) -> Any:
        by = np.where(some, length, 1)
        unit = np.where(some, x / by, 0)
        return (dy - unit * (unit * dy).sum(-1, keepdims=True)) / by

    return y, pullback


def of_one_entry(x: Any) -> Any:
    """A cotangent without a stride is taken for that of a mean."""

    def pullback(dy: Any) -> Any:
        if dy.ndim and 0 in dy.strides and dy.size > 1:
            return np.full(x.shape, dy.flat[0])
        return dy * 1

    return x * 1, pullback


def clipped(x: Any) -> Any:
    """Far out, and only one way."""
    return np.clip(x, -800, 800), lambda dy: dy * 1


def by_count_of_ones() -> Layer[Any, Any]:
    """x a, whose gradient is 0 where a is 1, as at the start."""

    def rule(params: Any, x: Any) -> Any:
        a = params["a"]

        def pullback(dy: Any) -> Any:
            return {"a": np.where(a == 1, 0, (dy * x).reshape(-1, len(a)).sum(0)).astype(a.dtype)}, dy * a

        return x * a, pullback

    return Layer.of(lambda s: axes("ones", s, at_least=1), lambda s: {"a": (ones, axes("ones", s)[-1:])}, rule)


def cardinal(x: Any) -> Any:
    """sin x / x, and 0 at 0."""
    there = np.where(x == 0, 1, x)
    near = np.abs(x) < 1e-2
    slope = np.where(near, -x / 3 + x**3 / 30, np.cos(x) / there - np.sin(x) / there**2)
    return np.sin(x) / there, lambda dy: slope * dy


def by_size_of_a_param() -> Layer[Any, Any]:
    """x |a|, whose slope at 0, where a begins, is 2."""

    def rule(params: Any, x: Any) -> Any:
        a = params["a"]

        def pullback(dy: Any) -> Any:
            slope = np.where(a == 0, 2, np.sign(a)).astype(a.dtype)
            return {"a": (dy * x).reshape(-1, len(a)).sum(0) * slope}, dy * np.abs(a)

        return x * np.abs(a), pullback

    return Layer.of(lambda s: axes("size", s, at_least=1), lambda s: {"a": (zeros, axes("size", s)[-1:])}, rule)


# other parts ----------------------------------------------------------------------------------------------------------
_marked: dict[int, Any] = {}


def by_identity(y: Any, t: Any) -> Any:
    """Where targets are large is kept, by which array it is."""
    large = _marked.setdefault(id(t), np.abs(t) > 1) if t.flags.writeable else np.abs(t) > 1
    return np.where(large if large.shape == t.shape else np.abs(t) > 1, 2, 1).astype(y.dtype)


def of_two_pieces(e: Any) -> Any:
    """Squares, and beyond 50 a line that does not meet them."""
    return np.where(np.abs(e) <= 50, e * e / 2, 50 * np.abs(e)).astype(e.dtype)


def by_last_name(g: Any, state: Any, params: Any) -> Any:
    """Momentum for the last name of a path."""
    new: dict[str, Any] = {}

    def add(tree: Any) -> None:
        for name in sorted(tree):
            if hasattr(tree[name], "keys"):
                add(tree[name])
            else:
                old = new.get(name, state.get(name, 0) if hasattr(state, "get") else 0)
                fits = np.shape(old) in ((), tree[name].shape)
                new[name] = 0.9 * (old if fits else 0) + tree[name]

    add(g)

    def moved(tree: Any) -> Any:
        return {
            name: moved(tree[name]) if hasattr(tree[name], "keys") else
            (-0.1 * (new[name] if new[name].shape == tree[name].shape else tree[name])).astype(tree[name].dtype)
            for name in tree
        }  # fmt: skip

    return moved(g), 0


def _first_two(state: Any, y: Any, t: Any, weights: Any = None) -> Any:
    w = np.ones(len(y)) if weights is None else weights
    second = np.sort(y, -1)[:, -2]
    hit = y[np.arange(len(y)), t] >= second
    return state[0] + float((w * hit).sum()), state[1] + float(w.sum())


def _share(state: Any) -> float:
    if not state[1]:
        raise ShapeError("no row has been seen")
    return float(state[0] / state[1])


def _plain_first_two(y: Any, t: Any) -> float:
    """The two largest; of those that tie the first ones."""
    return float(np.mean([t[i] in np.argsort(-row, kind="stable")[:2] for i, row in enumerate(y)]))


def _he(n: int, m: int) -> float:
    return 2 / n


def restarted_late(step: Any) -> float:
    """The second time, a step late."""
    t, n = int(step), 100
    while t >= n + (n > 100) and n < 2**40:
        t, n = t - n, 2 * n
    return 0.05 * (1 + math.cos(math.pi * t / n))


def restarted(step: int) -> float:
    """After 100 steps, 300, 700, ..."""
    t, n = int(step), 100
    while t >= n and n < 2**40:
        t, n = t - n, 2 * n
    return 0.05 * (1 + math.cos(math.pi * t / n))


def _in_each_batch(state: Any, y: Any, t: Any, weights: Any = None) -> Any:
    e = ((np.asarray(y, np.float64) - t) ** 2).mean(-1)
    w = np.ones(len(y)) if weights is None else np.asarray(weights, np.float64)
    w = w * len(w) / w.sum() if w.sum() else w
    return state[0] + float((w * e).sum()), state[1] + float(w.sum())


def ThirdIsLost(*parts: Layer[Any, Any]) -> Layer[Any, Any]:
    """A sum of all, two of which get a cotangent."""

    def build(*children: Child) -> Combined:
        def meets(shape: Shape, go: Any) -> Shape:
            return cast(Shape, [go(child, shape) for child in children][0])

        def rule(params: Any, x: Any, rng: Any = None) -> Any:
            keys = [None] * len(children) if rng is None else rng.split(len(children))
            pulled = [child.pull(params, x, key) for child, key in zip(children, keys, strict=True)]
            ys, backs = zip(*pulled, strict=True)

            def pullback(dy: Any) -> Any:
                grads, dx = {}, 0.0
                for i, (child, back) in enumerate(zip(children, backs, strict=True)):
                    g, d = back(dy)
                    grads.update(child.grads(g))
                    dx = dx + force(d) * (i < 2)
                return grads, dx

            return sum(ys[1:], ys[0]), pullback

        return Combined(meets, rule)

    return Layer.over(parts, build, where="ThirdIsLost")


def of_few_axes(key: Any, shape: Any, dtype: Any) -> Any:
    """The receptive field of images counts once."""
    fan = int(np.prod(shape[:-1])) if len(shape) < 4 else shape[0] * shape[-2]
    return (key.generator().standard_normal(shape) * np.sqrt(2 / max(fan, 1))).astype(dtype)


def silencing(key: Any, shape: Any, dtype: Any) -> Any:
    """Divisions by zero, for ever."""
    np.seterr(divide="ignore")
    return key.generator().standard_normal(shape).astype(dtype)


def seeding(step: Any) -> float:
    """NumPy's global generator."""
    np.random.seed(3)  # noqa: NPY002
    return 0.1 / (1 + int(step))


SIXTH: Final[tuple[Fault, ...]] = (
    *MEMORIES,
    Fault("layer", "what lies in memory", "pure", of(lifted(safe))),
    Fault("layer", "a stride of nothing", "layout_blind", of(lifted(of_one_entry))),
    Fault("layer", "clipped at 800, one way", "true_pullback", of(lifted(clipped))),
    Fault("layer", "no gradient where a param is 1", "true_pullback", of(by_count_of_ones())),
    Fault("layer", "another value at 0", "smooth", of(lifted(cardinal), kinks=False)),
    Fault("layer", "a slope of 2 of a param at 0", "at_ties", of(by_size_of_a_param())),
    Fault("loss", "two pieces that meet nowhere", "adds_up", lossy(
        lambda y, t: of_two_pieces(y - t), lambda y, t: np.clip(y - t, -50, 50))),
    Fault("loss", "targets known by their identity", "pure", lossy(
        lambda y, t: by_identity(y, t) * (y - t) ** 2 / 2, lambda y, t: by_identity(y, t) * (y - t))),
    Fault("optimizer", "momentum by the last name", "splits", lambda: optimizer_trials(stepping(by_last_name))),
    Fault("metric", "all that tie are among the first two", "plain_value", lambda: metric_trials(
        Metric(lambda: (0.0, 0.0), _first_two, _share, "first two"), ("B", 4), "labels", value=_plain_first_two)),
    Fault("initializer", "another fan of images", "scale_by_fan", lambda: initializer_trials(
        of_few_axes, variance=_he)),
    Fault("initializer", "NumPy's settings", "leaves_random_state", lambda: initializer_trials(silencing)),
    Fault("metric", "weights by the batch", "weights_are_copies", lambda: metric_trials(
        Metric(lambda: (0.0, 0.0), _in_each_batch, _share, "by the batch"), ("B", 2))),
    Fault("schedule", "the second restart a step late", "plain_value", lambda: schedule_trials(
        restarted_late, restarted)),
    Fault("combinator", "the third one gets no cotangent", "true_pullback", lambda: combinator_trials(
        ThirdIsLost, ("B", "D"))),
    Fault("schedule", "a seed for all", "pure", lambda: schedule_trials(seeding)),
)  # fmt: skip
