"""Params, gradients and updates in each other's places: what mypy without the plugin, and pyright, refuse and accept.

pyright is told of the refused lines too, and to complain of those that it does not refuse: `pyright` must be silent.
"""
# pyright: strict, reportUnnecessaryTypeIgnoreComment=true

from typing import assert_type

import numpy as np

from funcnn import (
    Array, Dense, Gradients, Optimizer, Params, Tree, Updates, adam, apply_updates, astype, chain, clip_by_global_norm, fit,
    grad, ravel, sgd, squared_error, tree_map, value_and_grad, vjp,
)  # fmt: skip
from funcnn.optimizers import AdamState, SgdState

net = Dense(1)
x, target = np.ones((4, 2), np.float32), np.ones((4, 1), np.float32)
objective = value_and_grad(squared_error, net.apply)
optimizer = adam(1e-3)


# what is accepted -----------------------------------------------------------------------------------------------------
def trained(params: Params, state: AdamState) -> Params:
    """As optax has it, and in one step."""
    for _ in range(2):
        _, grads = objective(params, x, target)
        updates, state = optimizer.update(grads, state, params)
        params = apply_updates(params, updates)
        params, state = optimizer.step(grads, state, params)
    return params


def kinds(params: Params, state: AdamState) -> None:
    """Each thing has its kind, and keeps it."""
    y, pullback = vjp(net.apply, params, x)
    assert_type(pullback(y)[0], Gradients)
    assert_type(grad(squared_error, net.apply)(params, x, target), Gradients)
    value, grads = objective(params, x, target)
    assert_type(value, float)
    assert_type(grads, Gradients)
    assert_type(tree_map(np.negative, grads), Gradients)
    assert_type(astype(grads, np.float64), Gradients)
    assert_type(ravel(grads)[1](ravel(grads)[0]), Gradients)
    assert_type(grads.set("b", grads.at("b")) | {"c": x}, Gradients)
    updates, state = optimizer.update(grads, state, params)
    assert_type(updates, Updates)
    assert_type(tree_map(np.negative, updates), Updates)
    assert_type(updates | updates, Updates)
    assert_type(tree_map(np.add, params, updates), Params)
    assert_type(tree_map(np.negative, {"w": x}), Params)
    assert_type(apply_updates(params, updates), Params)
    assert_type(Gradients(params), Gradients)
    trees: list[Tree] = [params, grads, updates]
    assert trees


def dicts(params: Params) -> None:
    """Plain dicts go everywhere."""
    plain = {"w": np.zeros((2, 1), np.float32), "b": np.zeros(1, np.float32)}
    state = optimizer.init(plain)
    updates, state = optimizer.update(plain, state, plain)
    assert_type(apply_updates(plain, updates), Params)
    assert_type(apply_updates(params, plain), Params)
    assert_type(optimizer.step(plain, state, plain)[0], Params)


def init(params: Tree) -> int:
    """No steps were made."""
    return 0


def scaled(g: Array) -> Array:
    """A short step down."""
    return -0.1 * g


def update(grads: Tree, state: int, params: Tree) -> tuple[Updates, int]:
    """An optimizer of one's own."""
    return Updates(tree_map(scaled, grads)), state + 1


own = Optimizer(init, update)
assert_type(own, Optimizer[int])
both = chain(clip_by_global_norm(1.0), own, sgd(0.1))
assert_type(both, Optimizer[tuple[tuple[()], int, SgdState]])


# what is refused ------------------------------------------------------------------------------------------------------
def swapped(params: Params, state: AdamState) -> None:
    """One in the place of another."""
    _, grads = objective(params, x, target)
    updates, state = optimizer.update(grads, state, params)
    apply_updates(params, grads)  # pyright: ignore[reportArgumentType]  # E[arg-type]
    apply_updates(params, params)  # pyright: ignore[reportArgumentType]  # E[arg-type]
    apply_updates(updates, updates)  # pyright: ignore[reportArgumentType]  # E[arg-type]
    apply_updates(grads, updates)  # pyright: ignore[reportArgumentType]  # E[arg-type]
    params, state = optimizer.update(grads, state, params)  # pyright: ignore[reportAssignmentType]  # E[assignment]
    params = updates  # pyright: ignore[reportAssignmentType]  # E[assignment]
    params = tree_map(np.negative, grads)  # pyright: ignore[reportAssignmentType]  # E[assignment]
    params = apply_updates(params, updates)
    optimizer.init(grads)  # pyright: ignore[reportArgumentType]  # E[arg-type]
    optimizer.update(params, state, params)  # pyright: ignore[reportArgumentType]  # E[arg-type]
    optimizer.update(grads, state, grads)  # pyright: ignore[reportArgumentType]  # E[arg-type]
    optimizer.update(grads, state, updates)  # pyright: ignore[reportArgumentType]  # E[arg-type]
    optimizer.update(params, state, grads)  # pyright: ignore[reportArgumentType]  # E[arg-type]
    optimizer.step(grads, params, state)  # pyright: ignore[reportArgumentType]  # E[arg-type]
    optimizer.step(params, state, grads)  # pyright: ignore[reportArgumentType]  # E[arg-type]
    both.update(params, both.init(params), grads)  # pyright: ignore[reportArgumentType]  # E[arg-type]
    objective(updates, x, target)  # pyright: ignore[reportArgumentType]  # E[arg-type]
    objective(grads, x, target)  # pyright: ignore[reportArgumentType]  # E[arg-type]
    fit(squared_error, net.apply, optimizer, grads, (x, target))  # pyright: ignore[reportArgumentType]  # E[call-overload]


def in_a_loop() -> None:
    """Where nobody wrote a type: one line later at most."""
    _, params = net.init(0, (-1, 2))
    state = optimizer.init(params)
    for _ in range(2):
        _, grads = objective(params, x, target)  # pyright: ignore[reportArgumentType]
        params, state = optimizer.update(grads, state, params)  # pyright: ignore[reportArgumentType]  # E[assignment]


def in_a_row() -> None:
    """The same without a loop: where the next gradient is asked for."""
    _, params = net.init(0, (-1, 2))
    state = optimizer.init(params)
    _, grads = objective(params, x, target)
    params, state = optimizer.update(grads, state, params)  # E[assignment]
    objective(params, x, target)  # pyright: ignore[reportArgumentType]


def not_updates(grads: Tree, state: int, params: Tree) -> tuple[Params, int]:
    """What it returns are no updates."""
    return tree_map(scaled, grads), state + 1


Optimizer(init, not_updates)  # pyright: ignore[reportArgumentType]  # E[arg-type]
