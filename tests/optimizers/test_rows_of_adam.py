"""Adam on tables of which a batch names few rows: what a step by a gradient of zeros makes of the others, bit for bit."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import numpy as np
import pytest

from funcnn import (
    Dense, Embedding, Optimizer, Params, adam, adamw, serial, squared_error, tree_map, value_and_grad,
)  # fmt: skip
from funcnn.kernels import adam_tables, embedding, pending, scratch
from funcnn.kernels.tables import table
from funcnn.optimizers import scale_by_adam
from funcnn.optimizers.adaptive import AdamState
from funcnn.params.waiting import step_of, waits
from funcnn.types import Tokens

WORDS, UNITS = 12_000, 16  # together more than `pending.LONG`
NET = serial(Embedding(WORDS, UNITS), Dense(2))
OBJECTIVE = value_and_grad(squared_error, NET.apply)
_W: Any = np.random.default_rng(0).normal(size=(WORDS, UNITS)).astype(np.float32)
_W[::7] = -0.0
START = NET.init(0, (-1, 3))[1].set("embedding_0/w", _W)
State = tuple[Params, AdamState]


@pytest.fixture(autouse=True)
def small_tables() -> Iterator[None]:
    """They know their rows, and nobody asks for errors."""
    with mock.patch.object(embedding, "LARGE", 1), np.errstate(all="ignore"):
        yield


def some(n: int, words: int) -> Callable[[int], Tokens]:
    """So many tokens of the first words in every batch."""
    return lambda step: np.random.default_rng(step).integers(0, words, (n, 3))


def step(optimizer: Optimizer[Any], tokens: Tokens, state: State) -> State:
    """By the gradient of a batch."""
    y = np.random.default_rng(len(tokens)).normal(size=(len(tokens), 3, 2)).astype(np.float32)
    return optimizer.step(OBJECTIVE(state[0], tokens, y)[1], state[1], state[0])


def bits(state: State) -> list[bytes]:
    """Of params and both moments, the signs of zeros too."""
    return [tree.at(path).tobytes() for tree in (state[0], state[1].m, state[1].v) for path in tree.paths()]


def run(optimizer: Optimizer[Any], batches: Callable[[int], Tokens], steps: int, held: bool = False) -> list[list[bytes]]:
    """All states; they are let go at once, or held."""
    state, kept, found = (START, optimizer.init(START)), list[State](), list[list[bytes]]()
    for i in range(steps):
        state = step(optimizer, batches(i), state)
        kept += [state] if held else []
        found += [] if held else [bits(state)]
    return found + [bits(each) for each in reversed(kept)][::-1]


def whole(optimizer: Optimizer[Any], batches: Callable[[int], Tokens], steps: int) -> list[list[bytes]]:
    """By steps over all of the table, made at once."""
    with mock.patch.object(embedding, "LARGE", 1 << 40), mock.patch.object(pending, "THREADS", 2):
        return run(optimizer, batches, steps)


BATCHES: dict[str, tuple[Callable[[int], Tokens], int]] = {
    "few words": (some(50, 200), 4),
    "more and more": (some(600, WORDS), 5),
    "once too many": (lambda i: some(2000 if i == 2 else 50, 900)(i), 5),
    "one, and denormal numbers": (some(1, 1), 5),
    "over the step that flushes": (lambda i: some(20, 90)(0) if i < 2 else some(2, 5)(i), 134),
}


@pytest.mark.parametrize(("batches", "steps"), BATCHES.values(), ids=BATCHES)
@pytest.mark.parametrize("held", [False, True])
def test_the_bits_of_steps_over_the_whole_table(batches: Callable[[int], Tokens], steps: int, held: bool) -> None:
    """Whether all states are held or none, and however many rows have been met."""
    if held and steps > 9:
        return
    assert run(adam(1e-2), batches, steps, held) == whole(adam(1e-2), batches, steps)


OPTIMIZERS: dict[str, Optimizer[Any]] = {
    "a short memory": adam(1e-2, b1=0.3),
    "none": adam(1e-2, b1=0.0, b2=0.5),
    "a rate of zero": adam(lambda step: 0.0),
    "a positive factor": scale_by_adam(),
    "decay of the table": adamw(1e-2, weight_decay=0.1),
    "decay of something else": adamw(1e-2, weight_decay=0.1, where="dense_0/w"),
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_others_of_the_kind(optimizer: Optimizer[Any]) -> None:
    """Bits too, when many rows have been met."""
    assert run(optimizer, some(600, WORDS), 6) == whole(optimizer, some(600, WORDS), 6)


@pytest.mark.skipif(not scratch.COUNTED, reason="nothing waits")
def test_several_threads_wait_for_the_rows_of_a_table() -> None:
    """The table is most of it, and the bits are those of one thread."""
    with mock.patch.object(pending, "THREADS", 2):
        state = step(adam(1e-2), some(50, 200)(0), (START, adam(1e-2).init(START)))
        assert waits(state[0])
        assert [bits(state)] == whole(adam(1e-2), some(50, 200), 1)


def test_zeros_with_a_sign() -> None:
    """In moments that come from elsewhere: such a step is made at once, and next time there are none."""
    optimizer = adam(1e-2)

    def turned() -> list[bytes]:
        state = step(optimizer, some(50, 200)(0), (START, optimizer.init(START)))
        m: Any = tree_map(np.negative, state[1].m)
        state = state[0], state[1]._replace(m=m)
        state = step(optimizer, some(50, 200)(1), state)
        return bits(step(optimizer, some(50, 200)(2), state))

    found = turned()
    with mock.patch.object(embedding, "LARGE", 1 << 40), mock.patch.object(pending, "THREADS", 2):
        assert found == turned()


@pytest.mark.skipif(not scratch.COUNTED, reason="nothing waits")
def test_rows_that_have_not_been_met_are_left_alone() -> None:
    """It is known which: in a state that comes from a file too. Where they are few, all are stepped."""
    optimizer, batches = adam(1e-2), some(50, 200)
    state = START, optimizer.init(START)
    met = set[int]()
    for i in range(3):
        tokens = batches(i)
        state, met = step(optimizer, tokens, state), met | set(tokens.ravel().tolist())
        if i == 1:
            state = pickle.loads(pickle.dumps(state))
    known = step_of(state[0])
    assert known is not None
    (live,) = known.bounds.live.values()
    assert set(np.flatnonzero(live).tolist()) == met
    state = step(optimizer, some(900, WORDS)(0), state)
    state = step(optimizer, some(900, WORDS)(1), state)
    known = step_of(state[0])
    assert known is not None and known.bounds.live == {}


def test_what_is_not_live_is_not_read() -> None:
    """Moments that are not zero where nothing should be stay as they are, as nobody looks there."""
    m = np.zeros(800, np.float32)
    places = np.array([3, 7])
    g = table((100, 8), places, np.ones((2, 8), np.float32)).reshape(-1)
    plan = adam_tables.planned([g], m, m, None, ())
    assert plan is not None and not plan.parts[0].fading
    np.testing.assert_array_equal(np.flatnonzero(plan.live[0]), places)
    again = adam_tables.planned([g], m + 1, m + 1, plan.live, ())
    assert again is not None and not again.parts[0].fading
    moving = adam_tables.planned([g], m, m, plan.live, [(0, 800)])
    assert moving is not None and moving.parts[0].fading and moving.live == {}
    crowded = adam_tables.planned([g], m, m, {0: np.arange(100) < 40}, ())
    assert crowded is not None and crowded.parts[0].fading
    np.testing.assert_array_equal(crowded.parts[0].chosen, places)
    assert adam_tables.planned([g], -m, m, None, ()) is None
    m[8], v = 1, np.zeros(800, np.float32)
    v[800 - 1] = 1
    found = adam_tables.planned([g], m, v, None, ())
    assert found is not None
    np.testing.assert_array_equal(np.flatnonzero(found.live[0]), [1, 3, 7, 99])
