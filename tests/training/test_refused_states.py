"""What cannot be stored is refused before anything is written; the state of another run, when it is read."""

from __future__ import annotations

from collections import OrderedDict, deque
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from funcnn import (
    Checkpoint,
    CheckpointError,
    Gradients,
    Key,
    Optimizer,
    Params,
    ParamsError,
    TrainState,
    adam,
    chain,
    clip_by_global_norm,
    frozen,
    load_notes,
    load_params,
    load_state,
    momentum,
    save_params,
    save_state,
    sgd,
)
from tests.training.small_runs import PLAIN, params_of
from tests.training.stored_states import PARAMS, STATE, Data, Own, keeping

# what is refused before anything is written ---------------------------------------------------------------------------
LOOP: list[Any] = []
LOOP.append(LOOP)
UNSTORABLE: dict[str, tuple[Any, str]] = {
    "a function": ({"f": [0, len]}, r"optimizer\['f'\]\[1\] cannot be stored: it is a builtin_function_or_method, <b"),
    "a generator": (Own(0, 0.0, [], {}, np.random.default_rng(0)), r"optimizer\.memory cannot be stored: it is a Gen"),
    "a set": ((set(),), r"optimizer\[0\] cannot be stored: it is a set, set\(\); numbers, strings, None, arrays"),
    "a deque": (deque([1]), "optimizer cannot be stored: it is a deque"),
    "an ordered dict": (OrderedDict(a=1), "optimizer cannot be stored: it is a OrderedDict"),
    "numbers as names": ({1: 2}, "optimizer cannot be stored: its keys must be strings, got 1"),
    "objects": (np.array([None]), "optimizer cannot be stored: it is an array of dtype object; arrays of numb"),
    "dates": (np.array(["2020"], "M8[D]"), r"an array of dtype datetime64\[D\]"),
    "masked": (np.ma.masked_array([1.0]), "it is a MaskedArray"),
    "complex": (1j, "it is a complex, 1j"),
    "a class": (Own, "it is a type"),
    "within itself": (LOOP, "more than 100 levels, or is within itself"),
    "a huge number": (1 << 20_000, "an int of more than 10,000 bits"),
}  # fmt: skip


@pytest.mark.parametrize("name", UNSTORABLE)
def test_what_cannot_be_stored(tmp_path: Path, name: str) -> None:
    """Is refused with its place, before anything is written."""
    value, said = UNSTORABLE[name]
    with pytest.raises(TypeError, match=said):
        save_state(tmp_path / "state.npz", TrainState(0, PARAMS, value, Key(0)))
    assert list(tmp_path.iterdir()) == []


def test_too_much_that_is_no_array(tmp_path: Path) -> None:
    """What could not be read again is not written: the file bounds what reading it costs."""
    for notes, said in (
        ({"rows": [{"loss": 0.5, "epoch": i} for i in range(20_000)]}, "at most 10,016 tuples and dicts.*column by"),
        ({"text": "x" * 2_000_000}, "takes 2,000,... bytes, a file of 4 arrays holds 1,049,600; keep numbers"),
    ):
        with pytest.raises(TypeError, match=said):
            save_state(tmp_path / "s", TrainState(0, PARAMS, (), Key(0)), notes=notes)
    assert list(tmp_path.iterdir()) == []


def test_notes_know_no_classes(tmp_path: Path) -> None:
    """A named tuple in notes has nothing that could make it again."""
    for value in (Own(0, 0.0, [], {}), Data(1, 2), TrainState(0, PARAMS, (), Key(0))):
        with pytest.raises(TypeError, match=rf"notes\['x'\] cannot be stored: no {type(value).__name__} could be"):
            save_state(tmp_path / "s", TrainState(0, PARAMS, (), Key(0)), notes={"x": value})


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ((STATE, None), r"takes a TrainState, got \(TrainState.*; fit yields pairs \(state, metrics\), take the first"),
        (PARAMS, "takes a TrainState, got Params.*; params alone are saved by save_params"),
        (None, "takes a TrainState, got None"),
        (Checkpoint(STATE, {}, None, "x"), r"takes a TrainState, got Checkpoint\(.*; take its .state"),
        (STATE._replace(step=-1), "the step of a state is an integer of at least 0, got -1"),
        (STATE._replace(step=1.0), "the step of a state is an integer of at least 0, got 1.0"),
        (STATE._replace(key=None), "the key must be a Key or an int seed, got None"),
    ],
)
def test_what_is_no_state(tmp_path: Path, state: Any, said: str) -> None:
    """Is refused, with what to take instead."""
    with pytest.raises(TypeError, match=said):
        save_state(tmp_path / "state.npz", state)
    assert list(tmp_path.iterdir()) == []


# files of others ------------------------------------------------------------------------------------------------------
def test_the_state_of_another_optimizer(tmp_path: Path) -> None:
    """Every difference is told with its place, what came, and what was expected."""
    optimizer = chain(clip_by_global_norm(1.0), adam(0.1))
    save_state(tmp_path / "s", TrainState(0, PARAMS, optimizer.init(PARAMS), Key(0)))
    others: list[tuple[Optimizer[Any], str]] = [
        (adam(0.1), r"optimizer is a tuple of 2, expected AdamState\(step, m, v\)"),
        (chain(adam(0.1)), "optimizer has 2 parts, expected 1"),
        (chain(sgd(0.1), adam(0.1)), r"optimizer\[0\] is a tuple of 0, expected SgdState\(step\)"),
        (chain(clip_by_global_norm(1.0), sgd(0.1)), r"optimizer\[1\] is AdamState\(step, m, v\), expected SgdState"),
        (chain(clip_by_global_norm(1.0), frozen), r"optimizer\[1\] is AdamState\(step, m, v\), expected a tuple of 0"),
    ]
    for other, said in others:
        with pytest.raises(ParamsError, match=said) as caught:
            load_state(tmp_path / "s", other, like=PARAMS)
        assert str(caught.value).startswith(f"{tmp_path / 's'} holds the state of another network or optimizer: ")
        assert str(caught.value).endswith(f"with, this one is {other!r}")


def test_the_state_of_another_network(tmp_path: Path) -> None:
    """Params and everything like them are compared by path, shape and dtype."""
    save_state(tmp_path / "s", TrainState(0, PARAMS, momentum(0.1, 0.9).init(PARAMS), Key(0)))
    other = Params({"dense_0": {"w": np.ones((3, 5), np.float32), "b": np.ones(4)}, "head": {"w": np.ones(2)}})
    with pytest.raises(ParamsError) as caught:
        load_state(tmp_path / "s", keeping((0, 0)), like=other)
    said = str(caught.value)
    assert "params: dense_0/w is float32 of shape (3, 4), expected float32 of shape (3, 5)" in said
    assert "params: dense_0/b is float32 of shape (4,), expected float64 of shape (4,)" in said
    assert "params: missing head/w" in said and "params: unexpected dense_1/w" in said
    with pytest.raises(ParamsError, match="optimizer.velocity: dense_0/w is float32"):
        load_state(tmp_path / "s", momentum(0.1, 0.9), like=params_of(PLAIN, 5))


DIFFERENT = [
    (np.ones(3), np.ones(4), r"optimizer is float64 of shape \(4,\), expected float64 of shape \(3,\)"),
    (np.ones(3), np.ones(3, "f4"), r"optimizer is float32 of shape \(3,\), expected float64 of shape \(3,\)"),
    (np.float32(1), np.float64(1), r"optimizer is float64 of shape \(\), expected float32 of shape \(\)"),
    (False, 1, "optimizer is int 1, expected bool False"),
    ("a", 1, "optimizer is int 1, expected str 'a'"),
    (Params({}), Gradients({}), "optimizer is Gradients, expected Params"),
    (Key(0), 0, "optimizer is int 0, expected Key"),
    ({"a": 1}, {"b": 1}, r"missing optimizer\['a'\], unexpected optimizer\['b'\]"),
    ({"a": 1}, [1], "optimizer is a list of 1, expected dict"),
    ([1], {"a": 1}, "optimizer is a dict, expected a list of 1"),
    ((1,), [1], "optimizer is a list of 1, expected a tuple of 1"),
    ((1, 2), list(range(40)), "optimizer is a list of 40, expected a tuple of 2"),
    (Data(1, 2), Own(0, 0.0, [], {}), r"optimizer is Own\(step, best, trail, names, memory\), expected Data\(count, m"),
    (None, Data(1, 2), r"optimizer is Data\(count, mean\), expected something that"),
    ([], [Data(1, 2)], r"optimizer\[0\] is Data\(count, mean\), expected something that"),
]  # fmt: skip


@pytest.mark.parametrize(("first", "later", "said"), DIFFERENT, ids=range(len(DIFFERENT)))
def test_what_differs(tmp_path: Path, first: Any, later: Any, said: str) -> None:
    """A state is compared with the first one of the optimizer."""
    save_state(tmp_path / "s", TrainState(0, PARAMS, later, Key(0)))
    with pytest.raises(ParamsError, match=said):
        load_state(tmp_path / "s", keeping(first), like=PARAMS)


def test_files_of_the_other_kind(tmp_path: Path) -> None:
    """Params are no state, and a state is no params: what reads the file is told."""
    save_params(tmp_path / "p", PARAMS)
    save_state(tmp_path / "s", STATE)
    with pytest.raises(CheckpointError, match="it is a funcnn params, read it with load_params"):
        load_state(tmp_path / "p", sgd(0.1), like=PARAMS)
    with pytest.raises(CheckpointError, match="it is a funcnn params, read it with load_params"):
        load_notes(tmp_path / "p")
    with pytest.raises(CheckpointError, match="it is a funcnn state, read it with load_state"):
        load_params(tmp_path / "s")


def test_what_load_state_takes(tmp_path: Path) -> None:
    """An optimizer, and params to compare with."""
    save_state(tmp_path / "s", STATE)
    with pytest.raises(TypeError, match="takes the optimizer of the state, got 3; write adam"):
        load_state(tmp_path / "s", cast("Optimizer[Any]", 3), like=PARAMS)
    with pytest.raises(ParamsError, match="take its .params"):
        load_state(tmp_path / "s", sgd(0.1), like=STATE)
    with pytest.raises(FileNotFoundError, match="none'$"):
        load_state(tmp_path / "none", sgd(0.1), like=PARAMS)
