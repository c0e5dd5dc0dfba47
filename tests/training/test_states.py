"""The whole state of training comes back from a file bit for bit, or what is wrong with the file is told."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import pickle
import subprocess
import sys
import tracemalloc
from collections import OrderedDict, deque
from pathlib import Path
from typing import Any, NamedTuple, cast

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
    Updates,
    adam,
    by_label,
    chain,
    clip_by_global_norm,
    ema,
    fit,
    frozen,
    load_notes,
    load_params,
    load_state,
    lookahead,
    momentum,
    save_params,
    save_state,
    sgd,
    squared_error,
    tree_map,
)
from funcnn.checkpoints import sealed
from tests.catalogue import OPTIMIZERS, OptimizerRow, build
from tests.training.small_runs import NET, PLAIN, X, Y, params_of, trained

PARAMS = params_of(PLAIN)


def same(a: Any, b: Any) -> bool:
    """Equal to the last bit, in types too."""
    return type(a) is type(b) and pickle.dumps(listed(a)) == pickle.dumps(listed(b))


def listed(value: Any) -> Any:
    """A value as what pickles in one way."""
    if isinstance(value, Params | Gradients | Updates):
        return [(p, value.at(p).dtype.str, value.at(p).shape, value.at(p).tobytes()) for p in value.paths()]
    if isinstance(value, (np.ndarray, np.generic)):
        return [type(value).__name__, value.dtype.str, value.shape, value.tobytes()]
    if isinstance(value, (tuple, list)):
        return [type(value).__name__, *map(listed, value)]
    if isinstance(value, dict):
        return [[name, listed(v)] for name, v in value.items()]
    return [type(value).__name__, value.hex() if isinstance(value, float) else repr(value)]


def stored(folder: Path, state: Any, optimizer: Any, like: Any = PARAMS, **options: Any) -> Any:
    """The state, saved and loaded."""
    save_state(folder / "state.npz", state, **options)
    return load_state(folder / "state.npz", optimizer, like=like)


def keeping(first: Any) -> Optimizer[Any]:
    """An optimizer of somebody else's, whose state begins with this."""
    return Optimizer(lambda params: first, lambda grads, state, params: (Updates(grads), state))


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


class Own(NamedTuple):
    """The state of an optimizer of one's own."""

    step: int
    best: float
    trail: list[Any]
    names: dict[str, Any]
    memory: Any = None


@dataclasses.dataclass(frozen=True)
class Data:
    """And another one."""

    count: int
    mean: Any


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


STATE: Any = TrainState(0, PARAMS, (), Key(0))


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


def test_by_label_of_groups(tmp_path: Path) -> None:
    """Groups have states of their own, in a tuple."""
    optimizer = by_label({"dense_0/**": adam(0.1), "**": frozen})
    state = TrainState(3, PARAMS, optimizer.init(PARAMS), Key(0))
    assert same(stored(tmp_path, state, optimizer), state)


# forged files ---------------------------------------------------------------------------------------------------------
def forged(path: Path, leaves: list[Any] | None = None, **changes: Any) -> Path:
    """A sealed file of a state with parts that nobody would write."""
    content = {"step": 0, "epoch": 0, "batch": 0, "key": "00" * 16, "notes": {"dict": {}}, "params": {"params": {}}}
    content |= {"optimizer": None}
    with path.open("w+b") as file:
        sealed.write(file, sealed.manifest_of(sealed.STATE, content | changes), leaves or [])
    return path


def deep(levels: int) -> Any:
    """Tuples in tuples."""
    node: Any = None
    for _ in range(levels):
        node = {"tuple": [node]}
    return node


FORGERIES: list[tuple[dict[str, Any], str]] = [
    ({"step": -1}, "has -1 for the step"),
    ({"step": True}, "has True for the step"),
    ({"epoch": -1}, "has -1 for the epoch"),
    ({"batch": 0.5}, "has 0.5 for the batch"),
    ({"step": "9" * 100}, "for the step"),
    ({"key": "00"}, "takes 32 hexadecimal digits"),
    ({"key": 3}, "must be str"),
    ({"params": None}, "has no params or no notes"),
    ({"params": {"gradients": {}}}, "has no params"),
    ({"params": {"params": {"w": 1}}}, "does not number its leaves in order"),
    ({"params": {"params": {"w": 0}}}, "lists more leaves than there are"),
    ({"params": {"params": []}}, "has a list for the parts of params"),
    ({"notes": []}, "has a list for notes"),
    ({"optimizer": {}}, r"has \[\] for optimizer"),
    ({"optimizer": {"tuple": [], "list": []}}, r"has \['tuple', 'list'\] for optimizer"),
    ({"optimizer": {"os.system": ["ls"]}}, r"has \['os.system'\] for optimizer"),
    ({"optimizer": {"tuple": {}}}, "has a dict for the items of optimizer"),
    ({"optimizer": {"dict": []}}, "has a list for the parts of optimizer"),
    ({"optimizer": {"named": 3, "fields": {}}}, "has a int for the name of optimizer"),
    ({"optimizer": {"array": 0}}, "does not number its leaves in order"),
    ({"optimizer": {"array": True}}, "does not number its leaves in order"),
    ({"optimizer": {"array": -1}}, "does not number its leaves in order"),
    ({"optimizer": {"scalar": 0}, "leaves": [np.ones(2)]}, r"optimizer is a scalar of shape \(2,\)"),
    ({"optimizer": {"numbers": 0, "in": "list"}, "leaves": [np.ones((2, 2))]}, "is a list of numbers"),
    ({"optimizer": {"numbers": 0, "in": "set"}, "leaves": [np.ones(2)]}, "is a set of numbers"),
    ({"optimizer": {"numbers": 0, "in": "list"}, "leaves": [np.ones(2, "f4")]}, "is a list of numbers, float32"),
    ({"optimizer": {"float": "00"}}, "requires a buffer of 8 bytes"),
    ({"optimizer": {"float": 1.0}}, "must be str"),
    ({"optimizer": {"key": "zz" * 16}}, "non-hexadecimal"),
    ({"optimizer": deep(101)}, "has more than 100 levels"),
    ({"optimizer": deep(150)}, "has more than 100 levels"),
    ({"leaves": [np.ones(2)]}, "its members are not the 0 leaves"),
    ({"optimizer": {"array": 0}, "leaves": [np.array(["x"])]}, "a leaf is <U1 of shape"),
    ({"optimizer": {"params": {"w": 0}}, "leaves": [np.ones(2, int)]}, "a leaf is int64 of shape"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "said"), FORGERIES, ids=range(len(FORGERIES)))
def test_forgeries(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    """A file whose digest fits, and whose contents do not, is refused with the reason."""
    path = forged(tmp_path / "forged", **changes)
    with pytest.raises(CheckpointError, match=said) as caught:
        load_state(path, keeping(None), like=Params({}))
    assert str(caught.value).startswith(f"{path} cannot be read as a checkpoint: ")


BOMBS = {
    "lists": '{"list":[' + "[]," * 300_000 + "[]]}",
    "tuples": '{"tuple":[' + '{"tuple":[]},' * 70_000 + "null]}",
    "numbers": '{"list":[' + "1.5," * 200_000 + "1]}",
    "texts": '{"list":[' + '"ab",' * 180_000 + "1]}",
    "names": '{"dict":{' + ",".join(f'"{i}":1' for i in range(90_000)) + "}}",
    "deep": "[" * 100_000,
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs(tmp_path: Path, name: str) -> None:
    """What is no array takes a bounded multiple of the bytes of the file."""
    manifest = sealed.manifest_of(sealed.STATE, {"step": 0, "epoch": 0, "batch": 0, "key": "00" * 16, "notes": None})
    with (tmp_path / "s").open("w+b") as file:
        sealed.write(file, manifest.replace('"notes": null', f'"notes": {BOMBS[name]}'), [])
    for again in (False, True):  # what the first call imports is not counted
        tracemalloc.start()
        try:
            with pytest.raises(CheckpointError):
                load_state(tmp_path / "s", keeping(None), like=PARAMS)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert not again or peak < 32 * (tmp_path / "s").stat().st_size + (1 << 18)


def test_too_many_lists(tmp_path: Path) -> None:
    """Are not written, nor read."""
    with pytest.raises(TypeError, match="at most 10,016 tuples and dicts, and here are more"):
        save_state(tmp_path / "s", TrainState(0, PARAMS, [[None]] * 5_100 + [[]] * 5_000, Key(0)))


def test_bools_of_other_bytes(tmp_path: Path) -> None:
    """What NumPy would take for True and False at once is refused."""
    save_state(tmp_path / "s", STATE._replace(optimizer=np.ones(5, bool)))
    data = (tmp_path / "s").read_bytes().replace(b"\1" * 5, b"\2" * 5)[:-64]
    (tmp_path / "s").write_bytes(data + hashlib.sha256(data).hexdigest().encode())
    with pytest.raises(CheckpointError, match="neither 0 nor 1"):
        load_state(tmp_path / "s", keeping(None), like=PARAMS)


def test_every_bit_flip_is_found(tmp_path: Path) -> None:
    """A file with any byte changed or cut off is refused."""
    save_state(tmp_path / "s", TrainState(3, Params({"w": np.ones(2)}), (1, None), Key(0)))
    data = bytearray((tmp_path / "s").read_bytes())
    for i in range(len(data)):
        for other in (bytes(data[:i]), bytes(data[:i]) + bytes([data[i] ^ (1 << i % 8)]) + bytes(data[i + 1 :])):
            (tmp_path / "s").write_bytes(other)
            with pytest.raises(CheckpointError):
                load_state(tmp_path / "s", keeping(None), like=Params({"w": np.ones(2)}))


def test_edits_never_do_anything_else(tmp_path: Path) -> None:
    """Sealed manifests with random pieces in place of others are read or refused: no other error comes out."""
    random = np.random.default_rng(0)
    pieces: list[Any] = [None, True, -1, 0, 1.5, "x", "00" * 16, [], {}, [[]], {"tuple": [1]}, {"array": 0}, {"a": 0}]
    pieces += [{"params": {"w": 0}}, {"named": "Own", "fields": {}}, {"numbers": 0, "in": "list"}, {"float": "00" * 8}]
    content = json.loads(sealed.manifest_of(sealed.STATE, {
        "step": 0, "epoch": 0, "batch": 0, "key": "00" * 16, "notes": {"dict": {}}, "params": {"params": {"w": 0}},
        "optimizer": {"tuple": [{"array": 1}, {"named": "Own", "fields": {"step": 3}}, {"dict": {"a": {"scalar": 2}}}]},
    }))  # fmt: skip

    def edited(node: Any) -> Any:
        if random.random() < 0.06:
            return pieces[random.integers(len(pieces))]
        if isinstance(node, dict):
            return {k if random.random() < 0.95 else "tuple": edited(v) for k, v in node.items()}
        return [edited(v) for v in node] if isinstance(node, list) else node

    outcomes: set[str] = set()
    for _ in range(1500):
        with (tmp_path / "e").open("w+b") as file:
            other = {name: edited(node) for name, node in content.items()}
            manifest = json.dumps({**other, "format": "funcnn state", "version": 1})
            sealed.write(file, manifest, [np.ones(2), np.ones(2), np.ones(())])
        try:
            load_state(tmp_path / "e", keeping(None), like=Params({"w": np.ones(2)}))
            outcomes.add("read")
        except (CheckpointError, ParamsError) as error:
            outcomes.add(type(error).__name__)
    assert outcomes == {"read", "CheckpointError", "ParamsError"}
