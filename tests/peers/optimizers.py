"""Fifty steps of every optimizer on three trees, beside optax's, JAX's and PyTorch's own.

`python -m tests.peers.optimizers` runs the peers and keeps where they end, in float64, in `recorded/optimizers.npz`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from funcnn import Array, Gradients, Params, sam
from funcnn.recorded_functions import is_recorded
from tests.catalogue import NAMESPACE
from tests.peers.case import HERE, numbers

STEPS: Final = 50
FILE: Final = HERE / "recorded" / "optimizers.npz"

TREES: Final[dict[str, dict[str, Array]]] = {
    "vector": {"w": 2 * numbers(7)},
    "dense": {"w": numbers(4, 3, seed=1), "b": numbers(3, seed=2)},
    "image": {"w": numbers(2, 2, 3, 5, seed=3), "b": numbers(5, seed=4), "s": np.ones(1)},
}
"""Flat trees, for the peers' sake."""


VALUES: Final = tuple(4.0 - 0.5 * (i // 7) + 0.1 * (i % 7) for i in range(STEPS))
"""Of the objective, told at every step: it falls once in seven."""

HOLES: Final = (3, 10, 11, 30)
"""The steps whose gradients are not finite, for optimizers that skip those."""


def gradient(tree: dict[str, Array], hole: bool = False) -> dict[str, Array]:
    """That of a valley: every number pulled to a place of its own, at its own speed, some across a bend."""
    if hole:
        return {name: np.full_like(p, np.nan) for name, p in tree.items()}
    return {
        name: (1.5 + numbers(*p.shape, seed=11)) * (p - numbers(*p.shape, seed=12)) + 0.3 * np.sin(3 * p)
        for name, p in tree.items()
    }


def valley(params: Params, batch: None = None, rng: None = None) -> tuple[float, Gradients]:
    """The same as an objective, without its value."""
    return 0.0, Gradients(gradient({name: np.array(params.at(name)) for name in params.paths()}))


def optax_sam(tree: dict[str, Array]) -> dict[str, Array]:
    """Where descent on optax's sharpness-aware gradients ends: its transformation goes there and back in turn."""
    importlib.import_module("jax").config.update("jax_enable_x64", True)
    optax: Any = importlib.import_module("optax")
    contrib: Any = importlib.import_module("optax.contrib")
    away = optax.chain(contrib.normalize(), optax.sgd(0.05))
    transform = contrib.sam(optax.sgd(0.1), away, sync_period=2)
    state = transform.init(tree)
    for _ in range(2 * STEPS):
        updates, state = transform.update(gradient(tree), state, tree)
        tree = {name: np.asarray(p + np.asarray(updates[name])) for name, p in tree.items()}
    return tree


def optax_lookahead(tree: dict[str, Array]) -> dict[str, Array]:
    """Where the fast params of optax's lookahead end, whose params are pairs."""
    importlib.import_module("jax").config.update("jax_enable_x64", True)
    optax: Any = importlib.import_module("optax")
    transform = optax.lookahead(optax.adam(0.01), sync_period=6, slow_step_size=0.5)
    params = optax.LookaheadParams.init_synced(tree)
    state = transform.init(params)
    for _ in range(STEPS):
        fast = {name: np.asarray(p) for name, p in params.fast.items()}
        updates, state = transform.update(gradient(fast), state, params)
        params = optax.apply_updates(params, updates)
    return {name: np.asarray(p) for name, p in params.fast.items()}


def optax_muon(optax: Any) -> Any:
    """Theirs with all axes but the last as rows, and without their epsilon, in both halves."""
    contrib: Any = importlib.import_module("optax.contrib")

    def axes(tree: dict[str, Any]) -> dict[str, Any]:
        ranks = {name: getattr(p, "ndim", 0) for name, p in tree.items()}  # leaves of the other part are placeholders
        numbers = contrib.MuonDimensionNumbers
        return {name: numbers(tuple(range(n - 1)), n - 1) if n > 1 else None for name, n in ranks.items()}

    return contrib.muon(0.01, nesterov=False, eps=1e-30, muon_weight_dimension_numbers=axes)


def optax_(make: Callable[[Any], Any], holes: tuple[int, ...] = ()) -> Callable[[dict[str, Array]], dict[str, Array]]:
    """Where optax's ends."""

    def run(tree: dict[str, Array]) -> dict[str, Array]:
        importlib.import_module("jax").config.update("jax_enable_x64", True)
        optax: Any = importlib.import_module("optax")
        transform = optax.with_extra_args_support(make(optax))
        state = transform.init(tree)
        for i in range(STEPS):
            updates, state = transform.update(gradient(tree, i in holes), state, tree, value=VALUES[i])
            tree = {name: np.asarray(p + np.asarray(updates[name])) for name, p in tree.items()}
        return tree

    return run


def jax_(make: Callable[[Any], Any]) -> Callable[[dict[str, Array]], dict[str, Array]]:
    """Where `jax.example_libraries.optimizers` ends."""

    def run(tree: dict[str, Array]) -> dict[str, Array]:
        importlib.import_module("jax").config.update("jax_enable_x64", True)
        init, update, params = make(importlib.import_module("jax.example_libraries.optimizers"))
        state = init(tree)
        for i in range(STEPS):
            now = {name: np.asarray(p) for name, p in params(state).items()}
            state = update(i, gradient(now), state)
        return {name: np.asarray(p) for name, p in params(state).items()}

    return run


def torch_(
    make: Callable[[Any, Any], Any], schedule: Callable[[Any, Any], Any] | None = None
) -> Callable[[dict[str, Array]], dict[str, Array]]:
    """Where PyTorch's ends; its schedule is told the value before the step that it belongs to."""

    def run(tree: dict[str, Array]) -> dict[str, Array]:
        torch: Any = importlib.import_module("torch")
        tensors = {name: torch.tensor(p) for name, p in tree.items()}
        optimizer = make(torch.optim, list(tensors.values()))
        plan = schedule(torch.optim.lr_scheduler, optimizer) if schedule else None
        for i in range(STEPS):
            if plan:
                plan.step(VALUES[i])
            grads = gradient({name: t.numpy().copy() for name, t in tensors.items()})
            for name, t in tensors.items():
                t.grad = torch.tensor(grads[name])
            optimizer.step()
        return {name: t.numpy() for name, t in tensors.items()}

    return run


PEERS: Final[dict[str, Callable[[dict[str, Array]], dict[str, Array]]]] = {
    "sgd(0.1)": optax_(lambda o: o.sgd(0.1)),
    "momentum(0.1, 0.9)": jax_(lambda o: o.momentum(0.1, 0.9)),
    "nesterov(0.1, 0.9)": jax_(lambda o: o.nesterov(0.1, 0.9)),
    "adagrad(0.1)": jax_(lambda o: o.adagrad(0.1)),
    "rmsprop(0.01)": jax_(lambda o: o.rmsprop(0.01)),
    "rmsprop_momentum(0.01)": jax_(lambda o: o.rmsprop_momentum(0.01)),
    "adam(0.01)": optax_(lambda o: o.adam(0.01)),
    "adamw(0.01, weight_decay=0.1, where='**')": optax_(lambda o: o.adamw(0.01, weight_decay=0.1)),
    "adamax(0.01)": jax_(lambda o: o.adamax(0.01)),
    "nadam(0.01)": optax_(lambda o: o.nadam(0.01)),
    "amsgrad(0.01)": optax_(lambda o: o.amsgrad(0.01)),
    "radam(0.01)": optax_(lambda o: o.radam(0.01)),
    "radam(0.05, b2=0.9)": optax_(lambda o: o.radam(0.05, b2=0.9)),
    "adadelta(1.0)": torch_(lambda o, p: o.Adadelta(p, lr=1.0, rho=0.9, eps=1e-6)),
    "adabelief(0.01)": optax_(lambda o: o.adabelief(0.01)),
    "lion(0.01, weight_decay=0.1)": optax_(lambda o: o.lion(0.01, weight_decay=0.1)),
    "sign_sgd(0.01)": optax_(lambda o: o.sign_sgd(0.01)),
    "rprop(0.01)": torch_(lambda o, p: o.Rprop(p, lr=0.01)),
    "sm3(0.1)": jax_(lambda o: o.sm3(0.1)),
    "lamb(0.01, weight_decay=0.1, where='**')": optax_(lambda o: o.lamb(0.01, weight_decay=0.1)),
    "lars(0.1, weight_decay=0.1, coefficient=0.1, where='**')": optax_(
        lambda o: o.lars(0.1, weight_decay=0.1, trust_coefficient=0.1)
    ),
    "adafactor(0.01)": optax_(lambda o: o.adafactor(0.01)),
    "adafactor(0.01, factored_from=3)": optax_(lambda o: o.adafactor(0.01, min_dim_size_to_factor=3)),
    "chain(clip_by_global_norm(0.5), adam(0.01))": optax_(lambda o: o.chain(o.clip_by_global_norm(0.5), o.adam(0.01))),
    "chain(clip(0.1), sgd(0.1))": optax_(lambda o: o.chain(o.clip(0.1), o.sgd(0.1))),
    "chain(masked(scale(0.1), 'w'), sgd(0.1))": optax_(
        lambda o: o.chain(o.masked(o.scale(0.1), lambda tree: {name: name == "w" for name in tree}), o.sgd(0.1))
    ),
    "sgd(0.1) on sam(valley, 0.05)": optax_sam,
    "lookahead(adam(0.01))": optax_lookahead,
    "muon(0.01, nesterov=False, others=adam(0.01, eps=1e-30))": optax_(optax_muon),
    "chain(scale_by_momentum(0.9, nesterov=True), scale_by_rate(0.01))": optax_(
        lambda o: o.chain(o.trace(0.9, nesterov=True), o.scale_by_learning_rate(0.01))
    ),
    "chain(scale_by_adam(), add_decayed_weights(0.1), scale_by_rate(0.01))": optax_(
        lambda o: o.adamw(0.01, weight_decay=0.1, mask=lambda tree: {name: p.ndim > 1 for name, p in tree.items()})
    ),
    "chain(adam(0.01), scaled({'w': 0.25}))": optax_(
        lambda o: o.chain(
            o.adam(0.01), o.masked(o.scale(0.25), lambda tree: {name: name == "w" for name in tree})
        )
    ),
    "chain(scale_by_trust_ratio(0.5, eps=0.1), scale_by_rate(0.1))": optax_(
        lambda o: o.chain(o.scale_by_trust_ratio(trust_coefficient=0.5, eps=0.1), o.scale_by_learning_rate(0.1))
    ),
    "skip_nonfinite(adam(0.01))": optax_(lambda o: o.apply_if_finite(o.adam(0.01), 5), HOLES),
    "chain(sgd(0.1), reduce_on_plateau(0.5, patience=2, cooldown=3, least=0.01))": torch_(
        lambda o, p: o.SGD(p, lr=0.1),
        lambda s, o: s.ReduceLROnPlateau(o, factor=0.5, patience=2, cooldown=3, min_lr=0.001),
    ),
    "chain(adam(0.01), reduce_on_plateau(0.7, patience=0, threshold=0.3, relative=False, mode='max'))": torch_(
        lambda o, p: o.Adam(p, lr=0.01),
        lambda s, o: s.ReduceLROnPlateau(
            o, factor=0.7, patience=0, threshold=0.3, threshold_mode="abs", mode="max", eps=0
        ),
    ),
    "chain(sgd(0.1), reduce_on_plateau(0.5, patience=1, every=2))": optax_(
        lambda o: o.chain(o.sgd(0.1), o.contrib.reduce_on_plateau(factor=0.5, patience=2, accumulation_size=2))
    ),
    "by_label({'w': adam(0.01), '**': frozen})": optax_(
        lambda o: o.multi_transform(
            {"w": o.adam(0.01), "rest": o.set_to_zero()}, lambda t: {n: "w" if n == "w" else "rest" for n in t}
        )
    ),
}


def ours(source: str, tree: dict[str, Array]) -> dict[str, Array]:
    """Where ours ends."""
    way, _, objective = source.partition(" on ")
    made: Any = eval(way, dict(NAMESPACE))
    given: Any = eval(objective, {"sam": sam, "valley": valley}) if objective else None
    assert is_recorded(made.init)
    params = Params(tree)
    state = made.init(params)
    holes = HOLES if source.startswith("skip") else ()
    for i in range(STEPS):
        now = {name: np.array(params.at(name)) for name in tree}
        g = given(params, None)[1] if objective else Gradients(gradient(now, i in holes))
        params, state = made.step(g, state, params, value=VALUES[i])
    return {name: params.at(name) for name in tree}


def main() -> None:
    """Record."""
    found: dict[str, Array] = {}
    for source, peer in PEERS.items():
        for name, tree in TREES.items():
            there, here = peer(dict(tree)), ours(source, tree)
            far = max(float(abs(there[k] - here[k]).max()) for k in tree)
            print(f"{far:8.0e}  {name:7} {source}", flush=True)
            found |= {f"{source}|{name}|{leaf}": value for leaf, value in there.items()}
    np.savez_compressed(FILE, allow_pickle=False, **found)


if __name__ == "__main__":
    main()
