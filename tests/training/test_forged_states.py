"""Files that are damaged or forged are refused with the reason, at a bounded cost."""

from __future__ import annotations

import hashlib
import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from funcnn import CheckpointError, Key, Params, ParamsError, TrainState, load_state, save_state
from funcnn.checkpoints import manifests, sealed
from tests.training.stored_states import PARAMS, STATE, keeping


def forged(path: Path, leaves: list[Any] | None = None, **changes: Any) -> Path:
    """A sealed file of a state with parts that nobody would write."""
    content = {"step": 0, "epoch": 0, "batch": 0, "key": "00" * 16, "notes": {"dict": {}}, "params": {"params": {}}}
    content |= {"optimizer": None}
    with path.open("w+b") as file:
        sealed.write(file, manifests.manifest_of(manifests.STATE, content | changes), leaves or [])
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
    manifest = manifests.manifest_of(manifests.STATE, {"step": 0, "epoch": 0, "batch": 0, "key": "00" * 16, "notes": None})
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
    content = json.loads(manifests.manifest_of(manifests.STATE, {
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
