"""Training is a function of the state: whoever goes on from one makes the steps that would have come."""

from __future__ import annotations

import itertools
import pickle
from typing import Any

import pytest

from funcnn import StepMetrics, TrainState, adam, fit, momentum, sgd, squared_error
from tests.training.small_runs import PLAIN, X, Y, params_of, run_of, trained


# states are values ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("optimizer", [sgd(0.01), momentum(0.01, 0.9), adam(0.01)], ids=repr)
def test_states_stay_what_they_are(optimizer: Any) -> None:
    """A list of all states holds as many different ones: a later step changes no earlier state."""
    steps, copies = [], []
    for state, metrics in fit(squared_error, PLAIN.apply, optimizer, params_of(PLAIN), (X, Y), epochs=4, batch_size=4):
        steps.append(state)
        copies.append((pickle.dumps(state), metrics))
    assert [pickle.dumps(state) for state in steps] == [copy for copy, _ in copies]
    assert len({copy for copy, _ in copies}) == 12


def test_states_are_read_only() -> None:
    """No array of a state can be written to."""
    state: TrainState[Any] = trained()[-1][0]
    leaves = [t.at(p) for t in (state.params, state.optimizer.m, state.optimizer.v) for p in t.paths()]
    assert not any(leaf.flags.writeable for leaf in leaves)


def test_the_same_call_gives_the_same_steps() -> None:
    """Training is a function of its arguments, bit for bit."""
    assert trained() == trained()


def test_another_key_gives_other_steps() -> None:
    """`rng` decides the order and the dropout."""
    assert trained(rng=1)[-1] != trained()[-1]


def test_two_runs_at_once() -> None:
    """Runs that take turns do not disturb each other."""
    assert list(zip(run_of(), run_of(), strict=True)) == [(item, item) for item in trained()]


# going on -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("k", range(9))
def test_going_on_from_any_state(k: int) -> None:
    """From the state after step k training makes the steps that would have come, bit for bit."""
    steps = trained()
    assert trained(start=steps[k][0], rng=99) == steps[k + 1 :]


@pytest.mark.parametrize("k", [0, 4, 8])
def test_going_on_in_another_process(k: int) -> None:
    """A state that was pickled is as good."""
    steps = trained()
    assert trained(start=pickle.loads(pickle.dumps(steps[k][0]))) == steps[k + 1 :]


def test_more_epochs() -> None:
    """More epochs than before go on where those ended."""
    assert trained(start=trained(epochs=1)[-1][0], epochs=3) == trained(epochs=3)[3:]


def test_a_loop_that_is_left() -> None:
    """After a `break` the last state is there, and training goes on from it."""
    for state, metrics in run_of():
        if metrics.step == 5:
            break
    assert trained(start=state) == trained()[5:]


def test_an_interrupt_in_the_loop() -> None:
    """Ctrl-C in the body of the loop loses nothing: the last state goes on as if nothing had been."""
    state = None
    with pytest.raises(KeyboardInterrupt):
        for state, metrics in run_of():
            if metrics.step == 4:
                raise KeyboardInterrupt
    assert trained(start=state) == trained()[4:]


def test_steps_come_one_by_one() -> None:
    """A generator: no step is made before it is asked for."""
    endless = run_of(epochs=10**12)
    assert list(itertools.islice(endless, 9)) == trained()
    assert isinstance(next(endless)[1], StepMetrics)
