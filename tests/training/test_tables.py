"""Training of large tables: what is yielded stays, whatever ends a step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest

from funcnn import Array, Embedding, Params, fit, squared_error
from funcnn.kernels import scratch
from funcnn.kernels.sweeps import Block
from funcnn.optimizers.blockwise import blockwise
from funcnn.params.packing import gather, layout_of

WORDS = 70_000
NET = Embedding(WORDS, 4)
RNG = np.random.default_rng(0)
DATA = [(RNG.integers(0, 30, 12) * 2000, RNG.normal(size=(12, 4))) for _ in range(8)]


class SumState(NamedTuple):
    """Squares, added up."""

    step: int
    squares: Params


def summing(interrupt: Callable[[int], None]) -> Any:
    """An optimizer of one's own that leaves alone what has no gradient; in its steps something may happen."""

    def rule(t: int, rate: float) -> Block:
        def block(g: Array, u: Array, p: Array, old: Sequence[Array], new: Sequence[Array]) -> None:
            np.add(old[0], g * g, new[0])
            np.multiply(g, -rate, u)
            interrupt(t)

        return block

    return blockwise("summing", SumState, lambda step: 0.5, rule, still=True)


def quiet(t: int) -> None:
    """Nothing happens."""


def contents(state: Any) -> list[bytes]:
    """The bytes of params and state."""
    trees = state.params, state.optimizer.squares
    return [gather(layout_of(tree), tree).tobytes() for tree in trees]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
@pytest.mark.parametrize("hold", ["the last", "all", "every other"])
@pytest.mark.parametrize("when", [1, 2, 4, 8])
def test_a_step_that_is_broken_off_leaves_all_states_whole(error: type[BaseException], hold: str, when: int) -> None:
    """They have the bytes they had when they were yielded, and training goes on from the last one."""
    _, params = NET.init(0, (-1,))
    wanted = [contents(state) for state, _ in fit(squared_error, NET.apply, summing(quiet), params, DATA)]

    def interrupt(t: int) -> None:
        if t == when:
            raise error

    held: dict[int, Any] = {}
    with pytest.raises(error):
        for state, metrics in fit(squared_error, NET.apply, summing(interrupt), params, DATA):
            if hold == "the last":
                held.clear()
            if hold != "every other" or metrics.step % 2:
                held[metrics.step] = state
    assert [contents(state) for state in held.values()] == [wanted[step - 1] for step in held]
    if held:
        step = max(held)
        rest = fit(squared_error, NET.apply, summing(quiet), held[step], DATA)
        assert [contents(state) for state, _ in rest] == wanted[step:]
        assert contents(held[step]) == wanted[step - 1]


@pytest.mark.skipif(not scratch.COUNTED, reason="references are not counted here")
def test_the_older_table_goes_when_training_ends() -> None:
    """It is there between the steps, and not behind the last, nor where the loop is left."""
    _, params = NET.init(0, (-1,))
    run = fit(squared_error, NET.apply, summing(quiet), params, DATA)
    for state, metrics in run:
        vectors: list[Any] = [gather(layout_of(tree), tree) for tree in (state.params, state.optimizer.squares)]
        assert [hasattr(vector.base, "before") for vector in vectors] == [metrics.step > 1] * 2
        if metrics.step == 5:
            break
    run.close()
    assert not any(hasattr(vector.base, "before") for vector in vectors)
