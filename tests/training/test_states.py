"""The whole state of training, and the notes beside it, come back from a file bit for bit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from funcnn import (
    Gradients,
    Key,
    Params,
    TrainState,
    Updates,
    adam,
    by_label,
    chain,
    clip_by_global_norm,
    ema,
    fit,
    frozen,
    load_notes,
    load_state,
    lookahead,
    momentum,
    save_state,
    sgd,
    squared_error,
    tree_map,
)
from tests.catalogue import OPTIMIZERS, OptimizerRow, build
from tests.training.small_runs import NET, X, Y, params_of, trained
from tests.training.stored_states import PARAMS, Data, Own, keeping, same, stored


# what comes back ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("row", OPTIMIZERS, ids=[row.source for row in OPTIMIZERS])
def test_every_optimizer(tmp_path: Path, row: OptimizerRow) -> None:
    """The states of every optimizer of the library come back, at the start and after some steps; and steps from there
    are the ones that would have been made.
    """
    optimizer: Any = build(row)
    rng = np.random.default_rng(0)
    params, memory = PARAMS, optimizer.init(PARAMS)

    def gradients() -> Gradients:
        return Gradients(tree_map(lambda p: rng.normal(size=p.shape).astype(p.dtype), params))

    for step in range(4):
        state = TrainState(step, params, memory, Key(step))
        loaded = stored(tmp_path, state, optimizer)
        assert same(loaded, state)
        grads = gradients()
        after = optimizer.step(grads, memory, params, value=0.5)
        assert same(optimizer.step(grads, loaded.optimizer, loaded.params, value=0.5), after)
        params, memory = after


@pytest.mark.parametrize("k", range(9))
def test_training_goes_on(tmp_path: Path, k: int) -> None:
    """From a file after step k training makes the steps that would have come, with dropout and BatchNorm."""
    steps = trained()
    like = params_of(NET)
    assert trained(start=stored(tmp_path, steps[k][0], adam(0.01), like), rng=99) == steps[k + 1 :]


OTHER = """
import sys
from funcnn import *
from tests.training.small_runs import *
optimizer = chain(clip_by_global_norm(1.0), lookahead(momentum(cosine_decay(0.1, 9), 0.9), every=2), ema(0.5))
state = load_state(sys.argv[1], optimizer, like=params_of(NET))
for state, _ in fit(squared_error, NET.apply, optimizer, state, (X, Y), epochs=3, batch_size=4):
    pass
save_state(sys.argv[2], state)
"""


def test_going_on_in_another_process(tmp_path: Path) -> None:
    """The file that another process writes after it went on is that of the run never stopped, byte for byte."""
    from funcnn import cosine_decay

    optimizer = chain(clip_by_global_norm(1.0), lookahead(momentum(cosine_decay(0.1, 9), 0.9), every=2), ema(0.5))
    run = fit(squared_error, NET.apply, optimizer, params_of(NET), (X, Y), epochs=3, batch_size=4)
    states = [state for state, _ in run]
    save_state(tmp_path / "end.npz", states[-1])
    for k in (0, 4):
        save_state(tmp_path / "k.npz", states[k])
        subprocess.run([sys.executable, "-c", OTHER, tmp_path / "k.npz", tmp_path / "other.npz"], check=True)
        same_bytes = (tmp_path / "other.npz").read_bytes() == (tmp_path / "end.npz").read_bytes()
        assert same_bytes


NAN = float(np.array([0x7FF8000000000123], np.uint64).view(np.float64)[0])
VALUES: dict[str, Any] = {
    "none": None,
    "numbers": (0, -1, 3.5, -0.0, 5e-324, True, False, 10**300, float("inf"), float("-inf"), NAN),
    "text": ("", "ünï", "\0\n\"\\", "\ud800", "{}", "a/b"),
    "empty": ((), [], {}, (((),),)),
    "named": Own(3, float("inf"), [1, (2.0, None)], {"": 0, "a/b": [Data(1, np.ones(2))]}, Data(2, (Key(3), Key("x")))),
    "long lists": Own(0, 0.5, [0.1 * i for i in range(40)], {"t": tuple(range(40)), "b": [True] * 20 + [False]}),
    "lists that are no arrays": [[10**30] * 20, [1, 2.0] * 20, [True, 1] * 20, ["x"] * 20, [None] * 20, [NAN] * 20],
    "kinds of numbers": [np.ones(2, d) for d in ("f2", "f4", "f8", "i1", "u1", "i8", "u8", "?", "c8", "c16", "g")],
    "scalars": [np.float32(1.5), np.int8(-3), np.bool_(True), np.complex64(1j), np.float64(NAN)],
    "arrays": [np.array(3.0), np.zeros((0, 3)), np.arange(6.0).reshape(2, 3), np.array([NAN, -0.0, np.inf])],
    "trees": [PARAMS, Gradients(PARAMS), Updates(PARAMS), Params({}), Params({"a": {}, "w": np.ones(1, np.float16)})],
    "several dtypes": Params({"a": np.ones(2, np.float16), "b": {"c": np.ones(3), "d": np.ones((), np.float32)}}),
}  # fmt: skip


@pytest.mark.parametrize("name", VALUES)
def test_values(tmp_path: Path, name: str) -> None:
    """Whatever is made of numbers, arrays and tuples comes back with its types, to the bits of NaNs."""
    state = TrainState(1, PARAMS, VALUES[name], Key(0))
    assert same(stored(tmp_path, state, keeping(VALUES[name])), state)


def test_layouts(tmp_path: Path) -> None:
    """Arrays in any layout and byte order come back as the same numbers, read-only, in C order, in native order."""
    whole = np.arange(12.0).reshape(3, 4)
    given = [whole.T, whole[::2, ::-1], whole.astype(">f8"), whole.astype(">i2"), np.asfortranarray(whole)]
    found = stored(tmp_path, TrainState(0, PARAMS, given, Key(0)), keeping(None)).optimizer
    assert [a.tolist() for a in found] == [a.tolist() for a in given]
    assert all(a.flags.c_contiguous and a.flags.aligned and a.dtype.isnative and not a.flags.writeable for a in found)


def test_what_grows(tmp_path: Path) -> None:
    """None may become something, lists may grow, and what starts empty."""
    for first, later in (
        (None, {"a": [np.ones(3)]}),
        (PARAMS, None),
        ([], [1, "two", np.ones(3)]),
        ([Own(0, 0.0, [], {})], [Own(i, 0.0, [i], {}) for i in range(3)]),
        ((), (np.ones(2), 3)),
        ({}, {"a": 1, "b": PARAMS}),
        (0.0, np.float64(3.5)),
        (np.zeros(()), np.float64(3.5)),
        (0, 0.5),
    ):
        assert same(stored(tmp_path, TrainState(0, PARAMS, later, Key(0)), keeping(first)).optimizer, later)


@pytest.mark.parametrize("levels", [100, 400, 500])
def test_deep_params(tmp_path: Path, levels: int) -> None:
    """As deep as params may be, in the state of an optimizer of optimizers too."""
    tree: Any = {"w": np.ones(2)}
    for _ in range(levels - 1):
        tree = {"a": tree}
    optimizer, params = lookahead(chain(momentum(0.1, 0.9), ema(0.9))), Params(tree)
    state = TrainState(0, params, optimizer.init(params), Key(0))
    assert same(stored(tmp_path, state, optimizer, params), state)


def test_equal_states_give_equal_files(tmp_path: Path) -> None:
    """A file is a function of the state and the notes."""
    state = trained()[3][0]
    save_state(tmp_path / "a", state, notes={"x": [1.0]})
    save_state(tmp_path / "b", load_state(tmp_path / "a", adam(0.01), like=state.params), notes={"x": [1.0]})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


# notes ----------------------------------------------------------------------------------------------------------------
def test_notes(tmp_path: Path) -> None:
    """What else belongs to a state is read without the optimizer; where there is nothing, it is an empty dict."""
    notes = {"history": {"loss": [0.5, float("nan")] * 20, "epoch": list(range(40))}, "best": PARAMS, "by": ("me", 3)}
    state = TrainState(2, PARAMS, sgd(0.1).init(PARAMS), Key(0))
    assert stored(tmp_path, state, sgd(0.1), notes=notes) == state
    assert same(load_notes(tmp_path / "state.npz"), notes)
    save_state(tmp_path / "state.npz", state)
    assert load_notes(tmp_path / "state.npz") == {}


@pytest.mark.parametrize("notes", [[], 3, "x", [("a", 1)], [[1]]])
def test_what_are_no_notes(tmp_path: Path, notes: Any) -> None:
    """Notes are a dict, and nothing that could be made one."""
    with pytest.raises(TypeError, match="notes are a dict, .*, got"):
        save_state(tmp_path / "s", TrainState(0, PARAMS, (), Key(0)), notes=notes)
    assert list(tmp_path.iterdir()) == []


def test_long_histories(tmp_path: Path) -> None:
    """A history of a million numbers takes eight bytes a number."""
    notes = {"loss": [0.1 * i for i in range(1_000_000)]}
    save_state(tmp_path / "s", TrainState(0, PARAMS, (), Key(0)), notes=notes)
    assert (tmp_path / "s").stat().st_size < 8_100_000 and load_notes(tmp_path / "s") == notes


def test_by_label_of_groups(tmp_path: Path) -> None:
    """Groups have states of their own, in a tuple."""
    optimizer = by_label({"dense_0/**": adam(0.1), "**": frozen})
    state = TrainState(3, PARAMS, optimizer.init(PARAMS), Key(0))
    assert same(stored(tmp_path, state, optimizer), state)
