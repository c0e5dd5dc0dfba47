"""Optimizers written down from their sources, plainly, in float64: what the fast ones are compared with.

Each function after `run` takes the arguments of the optimizer of its name and returns its updates,
`(gradients, params) -> updates`,
a closure that remembers what it has to. Trees are dicts of arrays.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

import funcnn
from tests import plain_leaves, plain_optimizers
from tests.plain_optimizers import LeafStep, at

from funcnn import Gradients, Optimizer, Params, Updates, apply_updates
from funcnn.optimizers.definition import takes_value
from funcnn.recorded_functions import is_recorded

Leaves: TypeAlias = "dict[str, npt.NDArray[np.float64]]"
Step: TypeAlias = Callable[[Leaves, Leaves], Leaves]


SHAPES: dict[str, tuple[int, ...]] = {"a": (), "b": (3,), "c": (2, 3), "d": (2, 1, 2, 2)}


def tree(seed: int, dtype: type[np.floating[Any]] = np.float64) -> Params:
    """Params to try an optimizer on: leaves of several ranks."""
    rng = np.random.default_rng(seed)
    return Params(
        {"f": {k: rng.standard_normal(s).astype(dtype) for k, s in SHAPES.items()}, "w": np.ones((2, 2), dtype)}
    )


def gradients(seed: int, dtype: type[np.floating[Any]] = np.float64) -> Gradients:
    """Gradients for them."""
    return Gradients(tree(seed, dtype))


def run(o: Optimizer[Any], params: Any, grads: list[Any]) -> tuple[list[Updates], Params, Any]:
    """The updates of some steps, the last params and the last state."""
    update, state, updates = updating(o), o.init(params), []
    for g in grads:
        u, state = update(g, state, params)
        params = apply_updates(params, u)
        updates.append(u)
    return updates, params, state


def updating(o: Optimizer[Any]) -> Callable[[Any, Any, Any], tuple[Updates, Any]]:
    """The update, and where it takes the value of the objective, that with a value of one."""
    return functools.partial(o.update, value=1.0) if takes_value(o) else o.update  # type: ignore[call-arg]


def of(optimizer: Optimizer[Any]) -> Step:
    """The plain form of an optimizer."""
    assert is_recorded(optimizer.init)
    record = optimizer.init.record
    if record.name in globals():
        step: Step = globals()[record.name](*record.args, **record.kwargs)
        return step
    known = {**vars(plain_optimizers), **vars(plain_leaves)}
    return leaf_by_leaf(lambda: known[record.name](*record.args, **record.kwargs))


def leaf_by_leaf(make: Callable[[], LeafStep]) -> Step:
    """The step of a tree, out of one for every leaf."""
    steps: dict[str, LeafStep] = {}
    t = 0

    def step(g: Leaves, p: Leaves) -> Leaves:
        nonlocal t
        t += 1
        return {k: steps.setdefault(k, make())(t, g[k], p[k]) for k in g}

    return step


def sgd(rate: Any) -> Step:
    """Goodfellow, Bengio & Courville (2016), algorithm 8.1."""
    t = 0

    def step(g: Leaves, p: Leaves) -> Leaves:
        nonlocal t
        t += 1
        return {k: -at(rate, t) * g[k] for k in g}

    return step


def momentum(rate: Any, mass: float) -> Step:
    """The velocity is the sum of all gradients, each `mass` times less for every step since."""
    seen: list[Leaves] = []

    def step(g: Leaves, p: Leaves) -> Leaves:
        seen.append(g)
        t = len(seen)
        return {k: -at(rate, t) * sum((mass ** (t - 1 - i) * seen[i][k] for i in range(t)), np.zeros(())) for k in g}

    return step


def adam(rate: Any, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8) -> Step:
    """Kingma & Ba (2015), algorithm 1, line by line."""
    t = 0
    m: dict[str, Any] = {}
    v: dict[str, Any] = {}

    def step(g: Leaves, p: Leaves) -> Leaves:
        nonlocal t
        t += 1
        out: Leaves = {}
        for k in g:
            m[k] = b1 * m.get(k, 0) + (1 - b1) * g[k]
            v[k] = b2 * v.get(k, 0) + (1 - b2) * g[k] ** 2
            m_hat = m[k] / (1 - b1**t)
            v_hat = v[k] / (1 - b2**t)
            out[k] = -at(rate, t) * m_hat / (np.sqrt(v_hat) + eps)
        return out

    return step


def adamw(rate: Any, *args: float, weight_decay: float = 1e-4, where: Any = None) -> Step:
    """Loshchilov & Hutter (2019), algorithm 2, with the rate as alpha and eta; `where` is left out here."""
    assert where is None
    t, inner = 0, adam(rate, *args)

    def step(g: Leaves, p: Leaves) -> Leaves:
        nonlocal t
        t += 1
        update = inner(g, p)
        return {k: update[k] - (at(rate, t) * weight_decay * p[k] if p[k].ndim >= 2 else 0) for k in g}

    return step


def scale_by_adam(*args: float) -> Step:
    """Adam, its rate taken out."""
    inner = adam(1.0, *args)

    def step(g: Leaves, p: Leaves) -> Leaves:
        return {k: -u for k, u in inner(g, p).items()}

    return step


scale_by_rate = sgd


def add_decayed_weights(weight_decay: float) -> Step:
    """Loshchilov & Hutter (2019), section 2: the gradient of half the square of matrices, times the decay."""

    def step(g: Leaves, p: Leaves) -> Leaves:
        return {k: g[k] + weight_decay * p[k] if p[k].ndim >= 2 else g[k] for k in g}

    return step


def scaled(factors: dict[str, float]) -> Step:
    """Every leaf times what the last of the patterns says that matches it; here they are `**` and whole paths."""

    def step(g: Leaves, p: Leaves) -> Leaves:
        told = {k: [f for pattern, f in factors.items() if pattern in ("**", k)] for k in g}
        return {k: g[k] * [1.0, *told[k]][-1] for k in g}

    return step


def clip_by_global_norm(max_norm: float) -> Step:
    """Pascanu, Mikolov & Bengio (2013), algorithm 1."""

    def step(g: Leaves, p: Leaves) -> Leaves:
        norm = float(np.linalg.norm(np.concatenate([leaf.ravel() for leaf in g.values()])))
        return {k: g[k] * min(1.0, max_norm / norm) for k in g}

    return step


def chain(*optimizers: Optimizer[Any]) -> Step:
    """One after the other."""
    steps = [of(optimizer) for optimizer in optimizers]

    def step(g: Leaves, p: Leaves) -> Leaves:
        for one in steps:
            g = one(g, p)
        return g

    return step


def skip_nonfinite(inner: Optimizer[Any], limit: int = 5) -> Step:
    """Where all is finite, the optimizer itself."""
    return of(inner)


def lookahead(inner: Optimizer[Any], every: int = 6, share: float = 0.5) -> Step:
    """Zhang et al. (2019), algorithm 1: fast params go, slow ones follow."""
    fast, t, slow = of(inner), 0, dict[str, Any]()

    def step(g: Leaves, p: Leaves) -> Leaves:
        nonlocal t
        t += 1
        update = fast(g, p)
        for k in p:
            slow.setdefault(k, p[k])
        if t % every:
            return update
        for k in p:
            slow[k] = slow[k] + share * (p[k] + update[k] - slow[k])
        return {k: slow[k] - p[k] for k in p}

    return step


def masked(inner: Optimizer[Any], where: None) -> Step:
    """For matrices; what is none passes."""
    some = of(inner)

    def step(g: Leaves, p: Leaves) -> Leaves:
        mine = {k for k in p if p[k].ndim > 1}
        return {**g, **some({k: g[k] for k in mine}, {k: p[k] for k in mine})}

    return step


def by_label(optimizers: Mapping[str, Optimizer[Any]]) -> Step:
    """One optimizer for all."""
    ((pattern, inner),) = optimizers.items()
    assert pattern == "**"
    return of(inner)


def muon(rate: float) -> Step:
    """Jordan et al. (2024): Adam for what is no matrix."""
    matrices, others = of(funcnn.optimizers.scale_by_muon()), adam(rate)

    def step(g: Leaves, p: Leaves) -> Leaves:
        mine = {k for k in p if p[k].ndim > 1}
        orthogonal = matrices({k: g[k] for k in mine}, {k: p[k] for k in mine})
        rest = others({k: g[k] for k in g.keys() - mine}, {k: p[k] for k in g.keys() - mine})
        return {k: -rate * u for k, u in orthogonal.items()} | rest

    return step
