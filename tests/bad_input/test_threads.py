"""Networks, params and optimizers are shared by threads without locks: every thread gets the same bytes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from funcnn import Gradients, adam, apply_updates, ravel, squared_error, tree_map, value_and_grad, vjp
from tests.realistic import CASES, IMAGES, NESTED, Case

_THREADS, _TIMES = 6, 8


def in_threads(act: Callable[[], bytes]) -> set[bytes]:
    """What the threads got, all of them at it at once, each several times."""
    found: set[bytes] = set()
    failed: list[BaseException] = []
    start = threading.Barrier(_THREADS)

    def run() -> None:
        try:
            start.wait()
            found.update(act() for _ in range(_TIMES))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run) for _ in range(_THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    return found


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_apply(case: Case) -> None:
    """At inference, and with a key."""
    expected = [case.net.apply(case.params, case.x, rng=rng).tobytes() for rng in (None, 3)]
    found = in_threads(lambda: b"".join(case.net.apply(case.params, case.x, rng=rng).tobytes() for rng in (None, 3)))
    assert found == {b"".join(expected)}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_vjp(case: Case) -> None:
    """Gradients of a training pass, each thread with a pullback of its own."""

    def gradients() -> bytes:
        y, pullback = vjp(case.net.apply, case.params, case.x, rng=3)
        return ravel(pullback(np.ones_like(y))[0])[0].tobytes()

    assert in_threads(gradients) == {gradients()}


def test_one_pullback() -> None:
    """Called by all threads."""
    y, pullback = vjp(IMAGES.net.apply, IMAGES.params, IMAGES.x, rng=3)

    def gradients() -> bytes:
        dparams, dx = pullback(np.ones_like(y))
        return ravel(dparams)[0].tobytes() + bytes(dx.tobytes())

    assert in_threads(gradients) == {gradients()}


@pytest.mark.parametrize("case", [IMAGES, NESTED], ids=["images", "nested"])
def test_whole_steps(case: Case) -> None:
    """Objective, update and new params, from one state that all threads begin with."""
    optimizer = adam(0.1)
    state = optimizer.init(case.params)
    objective: Any = value_and_grad(squared_error, case.net.apply)
    target = np.zeros_like(case.net.apply(case.params, case.x))

    def steps() -> bytes:
        params, memory = case.params, state
        for step in range(3):
            value, gradients = objective(params, case.x, target, rng=step)
            updates, memory = optimizer.update(gradients, memory, params)
            params = apply_updates(params, updates)
        return ravel(params)[0].tobytes() + np.float64(value).tobytes()

    before = tree_map(np.array, case.params)
    assert in_threads(steps) == {steps()}
    assert case.params == before


def test_one_optimizer_of_large_params() -> None:
    """Longer than what goes through memory that a thread keeps for itself."""
    params = NESTED.net.init(0, (-1, 40_000))[1]
    optimizer = adam(0.1)
    gradients, state = Gradients(tree_map(np.ones_like, params)), optimizer.init(params)

    def update() -> bytes:
        updates, after = optimizer.update(gradients, state, params)
        return ravel(apply_updates(params, updates))[0][::997].tobytes() + ravel(after.v)[0][::997].tobytes()

    assert in_threads(update) == {update()}
