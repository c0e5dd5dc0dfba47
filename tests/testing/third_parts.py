"""Third corpus, optimizers, metrics, schedules, initializers, penalties and combinators."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from funcnn import Layer, Optimizer, Params, Updates, tree_map
from funcnn.authoring import Child, Combined, force, same
from funcnn.calculus import Differentiable
from funcnn.errors import ShapeError
from funcnn.params import plain_tree
from funcnn.testing import nested
from funcnn.testing.trials.of_combinators import combinator_trials
from funcnn.testing.trials.of_parts import initializer_trials, penalty_trials, schedule_trials
from tests import closed_forms
from tests.testing.escapes_losses import stepping
from tests.testing.second_corpus import Fault, measuring, optimizing


# optimizers -----------------------------------------------------------------------------------------------------------
def zeros_of(params: Any) -> Any:
    """A tree of nothing."""
    return tree_map(np.zeros_like, Params(params.to_dict() if hasattr(params, "to_dict") else dict(params)))


def adam(
    *, first: Callable[[int], float] = lambda t: 1 - 0.9**t, second: Callable[[int], float] = lambda t: 1 - 0.999**t,
    inside: bool = False,
) -> Optimizer[Any]:
    """Adam at a rate of 0.1, with these corrections of its moments; `inside` puts eps under the root."""

    def update(g: Any, state: Any, params: Any) -> Any:
        m, v, n = state
        m = tree_map(lambda a, b: 0.9 * a + 0.1 * b, m, g)
        v = tree_map(lambda a, b: 0.999 * a + 0.001 * b * b, v, g)

        def moved(a: Any, b: Any) -> Any:
            c = b / second(n + 1)
            root = np.sqrt(c + 1e-8) if inside else np.sqrt(c) + 1e-8
            return (-0.1 * (a / first(n + 1)) / root).astype(a.dtype)

        return Updates(tree_map(moved, m, v)), (m, v, n + 1)

    return Optimizer(lambda params: (zeros_of(params), zeros_of(params), 0), update)


def nesterov(wrong: bool = True) -> Optimizer[Any]:
    """Looks ahead along the velocity of the last step."""

    def update(g: Any, v: Any, params: Any) -> Any:
        new = tree_map(lambda a, b: (0.9 * a + b).astype(b.dtype), v, g)
        return Updates(tree_map(lambda a, b: (-0.1 * (b + 0.9 * a)).astype(b.dtype), v if wrong else new, g)), new

    return Optimizer(zeros_of, update)


def velocity_by_shape() -> Optimizer[Any]:
    """One velocity for all leaves of a shape."""

    def update(g: Any, v: Any, params: Any) -> Any:
        by_shape: dict[Any, Any] = {}
        old: dict[Any, Any] = dict(nested.leaves(v))
        for path, a in nested.leaves(g):
            by_shape[a.shape] = 0.5 * old[path] + a + by_shape.get(a.shape, 0)
        new = tree_map(lambda a: by_shape[a.shape].astype(a.dtype), g)
        return Updates(tree_map(lambda a: (-0.1 * a).astype(a.dtype), new)), new

    return Optimizer(zeros_of, update)


def shared_start() -> Optimizer[Any]:
    """The velocity of the first run is that of all, as a default argument is."""
    kept: dict[Any, Any] = {}

    def update(g: Any, s: int, params: Any) -> Any:
        def moved(path: str, a: Any) -> Any:
            at = (path, a.shape, a.dtype.char)
            kept[at] = 0.5 * kept.get(at, 0) + a
            return (-0.1 * kept[at]).astype(a.dtype)

        return Updates(nested.located(moved, plain_tree(g))), s + 1

    return Optimizer(lambda params: 0, update)


def trusting(floor: float) -> Optimizer[Any]:
    """Steps as long as the params are, by LARS; `floor` is what stands for a length of 0."""

    def moved(a: Any, w: Any) -> Any:
        n, m = np.sqrt((w * w).sum()), np.sqrt((a * a).sum())
        return (-0.01 * (n / max(m, floor) if floor else n / m) * a).astype(a.dtype)

    return stepping(lambda g, s, p: (tree_map(moved, g, p), s))


def lengthwise() -> Optimizer[Any]:
    """Gradients of length one, leaf by leaf; one of length 0 is divided by 0."""
    return stepping(lambda g, s, p: (tree_map(lambda a: (-0.1 * a / np.sqrt((a * a).sum())).astype(a.dtype), g), s))


def decaying_by_name(g: Any, s: Any, p: Any) -> Any:
    """Decays what is not called b."""
    w: dict[str, Any] = dict(nested.leaves(p))

    def moved(path: str, a: Any) -> Any:
        return (-0.1 * (a + 0.01 * w[path] * (not path.endswith("b")))).astype(a.dtype)

    return Updates(nested.located(moved, plain_tree(g))), s


def by_schedule(step: Callable[[int], int]) -> Optimizer[Any]:
    """Descent whose rate halves every three steps, as `step` counts."""
    return stepping(lambda g, s, p: (
        tree_map(lambda a: (-0.1 * 0.5 ** (step(s) // 3) * a).astype(a.dtype), g), s + 1))  # fmt: skip


def _halving(optimizer: Any) -> Any:
    return closed_forms.sgd(lambda step: 0.1 * 0.5 ** (step // 3))


def _adam(optimizer: Any) -> Any:
    return closed_forms.adam(0.1)


def lookahead(every: int) -> Optimizer[Any]:
    """Descent that goes back half of the way every sixth step, and forgets to move its anchor."""

    def update(g: Any, state: Any, p: Any) -> Any:
        anchor, n = state
        fast = tree_map(lambda a: (-0.1 * a).astype(a.dtype), g)
        if (n + 1) % every == 0:
            fast = tree_map(lambda u, w, a: (0.5 * (a - w) + 0.5 * u).astype(u.dtype), fast, p, anchor)
        return Updates(fast), (anchor, n + 1)

    return Optimizer(lambda params: (tree_map(lambda a: a, params), 0), update)


def _lookahead(optimizer: Any) -> Any:
    state: dict[str, Any] = {"n": 0}

    def step(g: Any, p: Any) -> Any:
        state.setdefault("anchor", dict(p))
        state["n"] += 1
        fast = {k: -0.1 * a for k, a in g.items()}
        if state["n"] % 6:
            return fast
        new = {k: 0.5 * (state["anchor"][k] + p[k] + fast[k]) for k in g}
        state["anchor"] = new
        return {k: new[k] - p[k] for k in g}

    return step


def tiny_ascent(a: Any) -> Any:
    """Of entries that are tiny it takes the absolute value, as an unlucky root does."""
    return (-0.1 * np.where(np.abs(a) < 1e-3, -np.abs(a), a)).astype(a.dtype)


def _nesterov(optimizer: Any) -> Any:
    """Sutskever et al. (2013), in the form in which the velocity is that after the step."""
    v: dict[str, Any] = {}

    def step(g: Any, p: Any) -> Any:
        v.update({k: 0.9 * v.get(k, 0) + a for k, a in g.items()})
        return {k: -0.1 * (a + 0.9 * v[k]) for k, a in g.items()}

    return step


def _trusting(optimizer: Any) -> Any:
    """You, Gitman & Ginsburg (2017): where there are no params, or no gradients, the ratio is one."""

    def ratio(a: Any, w: Any) -> float:
        n, m = float(np.sqrt((w * w).sum())), float(np.sqrt((a * a).sum()))
        return n / m if n and m else 1.0

    return lambda g, p: {k: -0.01 * ratio(a, p[k]) * a for k, a in g.items()}


def in_place(g: Any, v: Any, p: Any) -> Any:
    """The velocity is moved where it lies."""
    for (_, a), (_, b) in zip(nested.leaves(v), nested.leaves(g), strict=True):
        a.setflags(write=True)
        a *= 0.5
        a += b
    return Updates(tree_map(lambda a: (-0.1 * a).astype(a.dtype), v)), v


OPTIMIZER_FAULTS: Final = (
    Fault("optimizer", "a correction that counts from zero", "closed_form", optimizing(
        adam(first=lambda t: 1 - 0.9 ** max(t - 1, 1)), steps=_adam)),
    Fault("optimizer", "one correction for both moments", "closed_form", optimizing(
        adam(second=lambda t: 1 - 0.9**t), steps=_adam)),
    Fault("optimizer", "no correction after five steps", "closed_form", optimizing(
        adam(first=lambda t: 1 - 0.9**t if t <= 5 else 1.0), steps=_adam)),
    Fault("optimizer", "eps under the root", "closed_form", optimizing(adam(inside=True), steps=_adam)),
    Fault("optimizer", "the velocity of the last step", "closed_form", optimizing(
        nesterov(), steps=_nesterov)),
    Fault("optimizer", "one velocity for a shape", "splits", optimizing(velocity_by_shape())),
    Fault("optimizer", "the velocity of all runs", "pure", optimizing(shared_start())),
    Fault("optimizer", "the velocity moved where it lies", "pure", optimizing(Optimizer(zeros_of, in_place))),
    Fault("optimizer", "params of zero never move", "closed_form", optimizing(trusting(1e-6), steps=_trusting)),
    Fault("optimizer", "a gradient of zero divides", "finite", optimizing(lengthwise())),
    Fault("optimizer", "params of zero divide", "finite", optimizing(stepping(lambda g, s, p: (
        tree_map(lambda a, w: (-0.1 * a * w / np.sqrt((w * w).sum())).astype(a.dtype), g, p), s)))),
    Fault("optimizer", "decay by name", "vectors_stay", optimizing(
        stepping(decaying_by_name), except_={"fixed_point": "it decays"})),
    Fault("optimizer", "a schedule asked a step late", "closed_form", optimizing(
        by_schedule(lambda s: max(s - 1, 0)), steps=_halving)),
    Fault("optimizer", "a schedule asked a step early", "closed_form", optimizing(
        by_schedule(lambda s: s + 1), steps=_halving)),
    Fault("optimizer", "an anchor that stays", "closed_form", optimizing(lookahead(6), steps=_lookahead)),
    Fault("optimizer", "ascent of what is tiny", "closed_form", optimizing(
        stepping(lambda g, s, p: (tree_map(tiny_ascent, g), s)), steps=lambda o: closed_forms.sgd(0.1))),
    Fault("optimizer", "ascent of what is tiny, no formula", "descends", optimizing(
        stepping(lambda g, s, p: (tree_map(tiny_ascent, g), s)))),
    Fault("optimizer", "ascent of single numbers", "descends", optimizing(
        stepping(lambda g, s, p: (tree_map(lambda a: -0.1 * a if a.size > 1 else 0.1 * a, g), s)))),
)  # fmt: skip


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


def _seen(state: Any) -> float:
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
GROUPS: Final = penalizing(lambda w: np.sqrt((w * w).sum()), lambda w: w / np.sqrt((w * w).sum()))


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
        f1_of_batches, _seen, weighted=False, nan=False)),
    Fault("metric", "variances without their means", "batches_agree", measuring(variance, _seen, weighted=False)),
    Fault("metric", "later rows count more", "any_order", measuring(smoothed, _seen, weighted=False)),
    Fault("metric", "weights above the line", "weights_are_copies", measuring(numerator, _seen)),
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
    Fault("penalty", "a group of zeros", "finite", lambda: penalty_trials(GROUPS)),
    Fault("combinator", "gradients change places where they fit", "true_pullback", lambda: combinator_trials(
        in_a_row("names"), ("B", "D"))),
    Fault("combinator", "the cotangent of the shortcut is lost", "true_pullback", lambda: combinator_trials(
        in_a_row("skip"), ("B", "D"))),
    Fault("combinator", "the value goes past a child", "value_of_rule", lambda: combinator_trials(
        in_a_row("value"), ("B", "D"))),
    Fault("combinator", "another key for the value", "value_of_rule", lambda: combinator_trials(
        in_a_row("draws"), ("B", "D"))),
)  # fmt: skip
