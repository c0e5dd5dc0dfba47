"""Third corpus, optimizers: wrong corrections, hidden velocities, wrong leaves, zeros, steps counted wrongly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from funcnn import Optimizer, Params, Updates, tree_map
from funcnn.params import plain_tree
from funcnn.testing import nested
from tests import closed_forms
from tests.testing.escapes_losses import stepping
from tests.testing.second_corpus import Fault, optimizing


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
