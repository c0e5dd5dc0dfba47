"""Adam's step of many numbers is made when somebody looks, over the old ones if these are nobody's any more."""

from __future__ import annotations

import copy
import pickle
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import Any
from unittest import mock

import numpy as np
import pytest

from funcnn import (
    Array, Dense, Gradients, NonFiniteError, Optimizer, Params, adam, adamw, chain, clip_by_global_norm, fit, squared_error,
)  # fmt: skip
from funcnn.kernels import pending, scratch, threads
from funcnn.optimizers.adaptive import AdamState
from funcnn.params.waiting import waits

SIDE = 400  # of a square of numbers, more than `pending.LONG`
State = tuple[Params, AdamState]


@pytest.fixture(autouse=True)
def on_one_thread() -> Iterator[None]:
    """Several make the step at once, and so does who asks for errors."""
    with (
        mock.patch.object(pending, "THREADS", 1), mock.patch.object(threads, "THREADS", 1), np.errstate(all="ignore"),
    ):
        yield


def numbers(seed: int) -> dict[str, Array]:
    """Many, and a few."""
    draws = np.random.default_rng(seed)
    w, b = draws.normal(size=(SIDE, SIDE)), draws.normal(size=SIDE)
    return {"w": w.astype(np.float32), "b": b.astype(np.float32)}


def begun(optimizer: Optimizer[Any], steps: int = 2) -> State:
    """After some steps, looked at: all of it lies in scratch memory."""
    params: Any = Params(numbers(0))
    state = optimizer.init(params)
    for i in range(steps):
        params, state = optimizer.step(Gradients(numbers(i + 1)), state, params)
    bytes_of(params, state)
    return params, state


def bytes_of(params: Params, state: Any) -> list[bytes]:
    """All numbers there are."""
    moments = state[-1] if isinstance(state[-1], AdamState) else state
    return [tree.at(path).tobytes() for tree in (params, moments.m, moments.v) for path in tree.paths()]


def at_once(optimizer: Optimizer[Any], steps: int) -> list[bytes]:
    """What comes out where no step waits."""
    with mock.patch.object(pending, "THREADS", 2):
        return bytes_of(*begun(optimizer, steps))


OPTIMIZERS: dict[str, Callable[[], Optimizer[Any]]] = {
    "adam": lambda: adam(1e-2),
    "adamw": lambda: adamw(1e-2, weight_decay=0.1),
    "clipped": lambda: chain(clip_by_global_norm(1.0), adam(1e-2)),
}


@pytest.mark.parametrize(("name", "steps"), [("adam", 134), ("adamw", 4), ("clipped", 4)])
def test_the_same_bits(name: str, steps: int) -> None:
    """As of a step that is made at once; over the step at which denormal numbers are flushed too."""
    optimizer = OPTIMIZERS[name]()
    assert bytes_of(*begun(optimizer, steps)) == at_once(optimizer, steps)


def test_it_waits_and_is_made_over_the_old_numbers() -> None:
    """No vector is made new where nobody holds the old ones; the first step needs one, for both moments begin as one."""
    optimizer = adam(1e-2)
    params, state = begun(optimizer)
    where = {tree.at("w").__array_interface__["data"][0] for tree in (params, state.m, state.v)}
    params, state = optimizer.step(Gradients(numbers(9)), state, params)
    assert [waits(tree) for tree in (params, state.m, state.v)] == [True] * 3
    found = {tree.at("w").__array_interface__["data"][0] for tree in (params, state.m, state.v)}
    assert found == where or not scratch.COUNTED
    assert [waits(tree) for tree in (params, state.m, state.v)] == [False] * 3


HOLDS: dict[str, Callable[[Params, AdamState], Any]] = {
    "params": lambda params, state: params,
    "state": lambda params, state: state,
    "a moment": lambda params, state: state.v,
    "a leaf": lambda params, state: params.at("w"),
    "a row of a leaf": lambda params, state: state.m.at("w")[3],
    "a buffer": lambda params, state: params.at("w").data,
    "a subtree": lambda params, state: Params({"in": params}),
    "a copy": lambda params, state: copy.copy(params),
}


def content(held: Any) -> Any:
    """The bytes of what is held."""
    if isinstance(held, tuple):
        return [content(part) for part in held[1:]]
    return pickle.dumps(held) if isinstance(held, Params) else np.asarray(held).tobytes()


@pytest.mark.parametrize("what", HOLDS)
def test_what_somebody_holds_stays(what: str) -> None:
    """Before the new numbers are looked at, and after; and the new ones are right."""
    optimizer = adam(1e-2)
    params, state = begun(optimizer)
    held = HOLDS[what](params, state)
    before = content(held)
    params, state = optimizer.step(Gradients(numbers(3)), state, params)
    assert (bytes_of(params, state), content(held)) == (at_once(optimizer, 3), before)


def test_states_that_are_all_kept_are_all_right() -> None:
    """Looked at from the last to the first."""
    optimizer = adam(1e-2)
    states = [begun(optimizer, 0)]
    for i in range(4):
        states.append(optimizer.step(Gradients(numbers(i + 1)), states[-1][1], states[-1][0]))
    found = [bytes_of(*state) for state in reversed(states)][::-1]
    assert found == [at_once(optimizer, i) for i in range(5)]


# who comes in between -------------------------------------------------------------------------------------------------
def lines(do: Callable[[int], None]) -> Callable[[FrameType, str, Any], Any]:
    """A tracer that does something at every line of the module, with the number of it."""
    count = 0

    def trace(frame: FrameType, event: str, arg: Any) -> Any:
        nonlocal count
        ours = frame.f_code.co_filename.endswith(("pending.py", "waiting.py", "adam_later.py"))
        if ours and event == "line":
            count += 1
            do(count)
        return trace if ours or event == "call" else None

    return trace


def traced(do: Callable[[int], None], work: Callable[[], object]) -> int:
    """Do something at every line; how many there were."""
    before, last = sys.gettrace(), 0

    def noted(n: int) -> None:
        nonlocal last
        last = n
        do(n)

    sys.settrace(lines(noted))
    try:
        work()
    finally:
        sys.settrace(before)
    return last


def test_an_interrupt_at_any_line_leaves_all_right() -> None:
    """Who looks again finds what would have been there."""
    optimizer, wanted = adam(1e-2), at_once(adam(1e-2), 3)
    total, n = 1, 0
    while n < total:
        n += 1
        params, state = begun(optimizer)
        params, state = optimizer.step(Gradients(numbers(3)), state, params)

        def interrupt(at: int, n: int = n) -> None:
            if at == n:
                raise KeyboardInterrupt

        if n == 1:
            twin = optimizer.step(Gradients(numbers(3)), *begun(optimizer)[::-1])
            total = traced(lambda at: None, lambda: twin[0].paths())
        with pytest.raises(KeyboardInterrupt):
            traced(interrupt, params.paths)
        assert bytes_of(params, state) == wanted, n
    assert total > 20


def test_who_looks_while_it_is_made_finds_it_made() -> None:
    """As a signal handler may, that saves params: at any line."""
    optimizer, wanted = adam(1e-2), at_once(adam(1e-2), 3)
    for n in range(1, 40):
        params, state = begun(optimizer)
        params, state = optimizer.step(Gradients(numbers(3)), state, params)
        seen: list[list[bytes]] = []

        def look(at: int, n: int = n, tree: Params = params, memory: AdamState = state) -> None:
            if at == n:
                sys.settrace(None)
                seen.append(bytes_of(tree, memory))

        traced(look, params.paths)
        assert (seen, bytes_of(params, state)) == ([wanted], wanted), n


def test_threads_that_look_at_once() -> None:
    """All find the same."""
    optimizer, wanted = adam(1e-2), at_once(adam(1e-2), 3)
    for _ in range(5):
        params, state = optimizer.step(Gradients(numbers(3)), *begun(optimizer)[::-1])
        barrier = threading.Barrier(8)

        def look(i: int, params: Params = params, state: AdamState = state, barrier: Any = barrier) -> bytes:
            barrier.wait()
            return (params, state.m, state.v)[i % 3].at("w").tobytes()

        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(look, range(8)))
        assert found == [wanted[1 + 2 * (i % 3)] for i in range(8)]


# what does not wait ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e30])
def test_what_may_not_be_finite_is_made_at_once(bad: float) -> None:
    """So that `fit` tells of the step in which it happened."""
    optimizer = adam(1e-2)
    params, state = begun(optimizer)
    grads = numbers(3)
    grads["b"][7] = bad
    with np.errstate(all="ignore"):
        params, state = optimizer.step(Gradients(grads), state, params)
    assert not waits(params)


def test_gradients_that_may_change_are_used_at_once() -> None:
    """Those in a plain dict are somebody's."""
    optimizer = adam(1e-2)
    params, state = begun(optimizer)
    grads = numbers(3)
    params, state = optimizer.step(grads, state, params)
    grads["w"][:] = 0
    assert bytes_of(params, state) == at_once(optimizer, 3)


def test_errors_that_people_ask_for_come_at_once() -> None:
    """Where the step is."""
    optimizer = adam(1e-2)
    params, state = begun(optimizer)
    with np.errstate(under="raise"), pytest.raises(FloatingPointError):
        optimizer.step(Gradients({name: a * np.float32(1e-30) for name, a in numbers(3).items()}), state, params)


# fit ------------------------------------------------------------------------------------------------------------------
def run(kept: bool) -> list[list[bytes]]:
    """Three steps; the states looked at when they come, or at the end."""
    net = Dense(SIDE)
    _, params = net.init(0, (-1, SIDE))
    x, target = np.ones((4, SIDE), np.float32), np.zeros((4, SIDE), np.float32)
    states = fit(squared_error, net.apply, adam(1e-2), params, (x, target), epochs=3)
    if not kept:
        return [bytes_of(state.params, state.optimizer) for state, _ in states]
    return [bytes_of(state.params, state.optimizer) for state, _ in list(states)]


def test_fit_yields_the_same_states() -> None:
    """Kept, let go, or made at once."""
    with mock.patch.object(pending, "THREADS", 2):
        wanted = run(False)
    assert run(False) == run(True) == wanted


def test_fit_still_names_the_step_that_diverges() -> None:
    """And the state before it is finite."""
    net = Dense(SIDE)
    _, params = net.init(0, (-1, SIDE))
    x = np.ones((8, SIDE), np.float32)
    target = np.zeros((8, SIDE), np.float32)
    target[4:] = 1e30
    found: list[Any] = []
    with pytest.raises(NonFiniteError, match="step 2"):
        for state, _ in fit(squared_error, net.apply, adam(1e-2), params, (x, target), batch_size=4, shuffle=False):
            found.append(state)
    assert len(found) == 1 and all(np.isfinite(found[0].params.at(path)).all() for path in ("w", "b"))


@pytest.mark.skipif(not scratch.COUNTED, reason="nothing is written over")
def test_memory_of_training() -> None:
    """Params, two moments and gradients: no more is there at once, between steps and while they are made,
    nor while what is nearly denormal is set to zero."""
    net = Dense(SIDE)
    x, target = np.ones((4, SIDE), np.float32), np.zeros((4, SIDE), np.float32)
    scratch.release()
    tracemalloc.start()
    try:
        for state, _ in fit(squared_error, net.apply, adam(1e-2), net.init(0, (-1, SIDE))[1], (x, target), epochs=140):
            assert waits(state.params)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 5 * 786_496  # what a vector of 641,600 bytes takes of scratch memory
