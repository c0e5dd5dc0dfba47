"""Params in safetensors files, by the official package."""

from __future__ import annotations

import json
import os
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy as official

from funcnn import CheckpointError, DTypeError, MissingExtraError, Params, ParamsError
from funcnn.bridges.safetensors import load_safetensors, load_tensors, metadata_of, save_safetensors, save_tensors
from tests.checkpoints.failing_calls import Calls

TREES: dict[str, Any] = {
    "usual": {"dense_0": {"w": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.zeros(3, np.float32)}},
    "several dtypes": {"a": np.ones(2, np.float16), "b": np.ones(3), "c": {"d": np.ones(1, np.float32)}},
    "no values, no axes": {"a": np.zeros((0, 3)), "b": np.array(3.0, np.float32), "c": np.zeros((2, 0, 2), np.float16)},
    "bits": {"w": np.array([0x7FC00001, 0x7FA00002, 0x80000000, 1], np.uint32).view(np.float32)},
    "names": {"..": {"ünï ✓": np.ones(1)}, "a.b c": np.ones(2), "\0\n\"\\": np.ones(3)},
    "nothing": {},
}  # fmt: skip


@pytest.mark.parametrize("name", TREES)
def test_there_and_back(tmp_path: Path, name: str) -> None:
    """Params come back bit for bit; and the package reads the same."""
    params = Params(TREES[name])
    save_safetensors(tmp_path / "s", params)
    loaded = load_safetensors(tmp_path / "s", like=params)
    assert loaded == params
    theirs = official.load_file(tmp_path / "s")
    assert {path: a.tobytes() for path, a in theirs.items()} == {p: params.at(p).tobytes() for p in params.paths()}
    assert {path: a.dtype for path, a in theirs.items()} == {p: params.at(p).dtype for p in params.paths()}


def test_layouts(tmp_path: Path) -> None:
    """Arrays that are not contiguous, or of the other byte order, are written as their numbers."""
    whole = np.arange(12.0).reshape(3, 4)
    tree = {"t": whole.T, "s": whole[::2, ::-1], "f": np.asfortranarray(whole), "b": whole.astype(">f4")}
    save_safetensors(tmp_path / "s", tree)
    loaded = load_safetensors(tmp_path / "s")
    assert {name: loaded.at(name).tolist() for name in tree} == {name: a.tolist() for name, a in tree.items()}


def test_files_of_the_package(tmp_path: Path) -> None:
    """What others wrote is read, names with dots as they are."""
    official.save_file({"a.b": np.ones((2, 3)), "c": np.ones(1, np.float16)}, tmp_path / "s", metadata={"format": "np"})
    assert load_safetensors(tmp_path / "s") == Params({"a.b": np.ones((2, 3)), "c": np.ones(1, np.float16)})
    assert metadata_of(tmp_path / "s") == {"format": "np"}


def test_metadata(tmp_path: Path) -> None:
    """Texts by name; none is none."""
    save_safetensors(tmp_path / "s", TREES["usual"], metadata={"by": "me ✓", "": ""})
    assert metadata_of(tmp_path / "s") == {"by": "me ✓", "": ""}
    save_safetensors(tmp_path / "s", TREES["usual"])
    assert metadata_of(tmp_path / "s") == {}
    for wrong in ({"a": 1}, {1: "a"}, ["a"], {"a": "\ud800"}):
        with pytest.raises(TypeError, match="metadata is a dict of texts, got"):
            save_safetensors(tmp_path / "t", TREES["usual"], metadata=wrong)  # type: ignore[arg-type]
    assert not (tmp_path / "t").exists()


@pytest.mark.parametrize(
    ("tree", "kind", "said"),
    [
        ({"a": {"w": np.ones(2, np.longdouble)}, "b": np.ones(1, int)}, DTypeError, "a/w is .*128, b is int64; con"),
        ({"__metadata__": np.ones(1)}, ParamsError, "cannot name __metadata__; rename the leaf"),
        ({"\ud800": np.ones(1)}, ParamsError, r"cannot name \\ud800; rename"),
        ({"a": {}, "w": np.ones(1)}, ParamsError, "a has no leaves"),
        (((-1, 3), Params({})), ParamsError, "unpack"),
        ({f"{i}": dict.fromkeys("a", {}) for i in range(2)}, ParamsError, "0/a, 1/a has no leaves"),
    ],
)
def test_what_the_format_cannot_say(tmp_path: Path, tree: Any, kind: type[Exception], said: str) -> None:
    """Is refused by its path, before anything is written."""
    with pytest.raises(kind, match=said):
        save_safetensors(tmp_path / "s", tree)
    assert list(tmp_path.iterdir()) == []


def test_too_many_subtrees(tmp_path: Path) -> None:
    """What could not be read again is not written: long chains of names cost memory."""
    tree: Any = {}
    for i in range(50):
        leaf: Any = np.ones(1)
        for _ in range(300):
            leaf = {"a": leaf}
        tree[str(i)] = leaf
    with pytest.raises(ParamsError, match="more than 10,200 subtrees"):
        save_safetensors(tmp_path / "s", tree)


def test_like(tmp_path: Path) -> None:
    """Params of another network are refused, with every path that differs."""
    save_safetensors(tmp_path / "s", TREES["usual"])
    like: Any = {"dense_0": {"w": np.ones(1), "b": np.zeros(3, "f4")}, "head": np.ones(1)}
    with pytest.raises(ParamsError, match="dense_0/w is float32 of shape .*, missing head; without like= they are"):
        load_safetensors(tmp_path / "s", like=like)


# files of others ------------------------------------------------------------------------------------------------------
def written(path: Path, header: Any, body: bytes = b"") -> Path:
    """A file with this header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)
    return path


def tensor(dtype: str, start: int, end: int, *shape: int) -> dict[str, Any]:
    """What a header says of a tensor."""
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [start, end]}


def test_bfloat16_becomes_float32(tmp_path: Path) -> None:
    """It is the upper half of it: the numbers are the same, NaNs too."""
    bits = np.array([0x3F80, 0x8000, 0x7F80, 0x7FC1, 0x0001], "<u2")
    params = load_safetensors(written(tmp_path / "s", {"w": tensor("BF16", 0, 10, 5)}, bits.tobytes()))
    assert params.at("w").view(np.uint32).tolist() == [int(b) << 16 for b in bits]


def test_tensors_of_any_dtype(tmp_path: Path) -> None:
    """Integers and booleans too, as the package has them; bfloat16 as float32; in any layout and order of bytes."""
    codes = ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?")
    arrays: dict[str, Any] = {f"bn.{code}": np.arange(6).reshape(2, 3).astype(code) for code in codes}
    arrays["turned"] = np.arange(6, dtype=">i4").reshape(2, 3).T
    arrays["one"] = np.array(7)
    save_tensors(tmp_path / "s", arrays, metadata={"format": "pt"})
    assert metadata_of(tmp_path / "s") == {"format": "pt"}
    for loaded in (load_tensors(tmp_path / "s"), official.load_file(tmp_path / "s")):
        assert loaded.keys() == arrays.keys()
        for name, a in arrays.items():
            assert loaded[name].dtype == a.dtype.newbyteorder("=") and loaded[name].shape == a.shape
            np.testing.assert_array_equal(loaded[name], a)
    half = written(tmp_path / "b", {"w": tensor("BF16", 0, 2, 1)}, np.array([0x3F80], "<u2").tobytes())
    assert load_tensors(half)["w"].dtype == np.float32 and load_tensors(half)["w"].tolist() == [1.0]


def test_tensors_that_are_refused(tmp_path: Path) -> None:
    """By their names, all of them."""
    with pytest.raises(DTypeError, match="does not hold these dtypes, a is complex128, b is object"):
        save_tensors(tmp_path / "s", {"a": np.zeros(1, complex), "b": np.array([None]), "c": np.ones(1)})
    with pytest.raises(DTypeError, match=r"takes NumPy's arrays by name, a is \[1.0\]"):
        save_tensors(tmp_path / "s", {"a": [1.0]})  # type: ignore[dict-item]
    with pytest.raises(ParamsError, match="cannot name __metadata__"):
        save_tensors(tmp_path / "s", {"__metadata__": np.ones(1)})
    file = written(tmp_path / "s", {"a": tensor("F8_E4M3", 0, 1, 1)}, b"\0")
    with pytest.raises(CheckpointError, match="NumPy has no such dtype, a is F8_E4M3; write them as F32"):
        load_tensors(file)


@pytest.mark.parametrize(
    ("header", "body", "said"),
    [
        ({"a": tensor("I64", 0, 8, 1), "b": tensor("BOOL", 8, 9, 1)}, b"\0" * 9, "floating-point, a is I64, b is BOOL"),
        ({"a": tensor("F8_E4M3", 0, 1, 1)}, b"\0", "a is F8_E4M3; leave them out, or write them as F32"),
        ({"a": tensor("F32", 0, 4, 1), "a/b": tensor("F32", 4, 8, 1)}, b"\0" * 8, "is within it|are others within"),
        ({"": tensor("F32", 0, 4, 1)}, b"\0" * 4, "names in params are non-empty"),
        ({"a/" * 600 + "b": tensor("F32", 0, 4, 1)}, b"\0" * 4, "at most 500 levels"),
        ({"a": tensor("F32", 0, 4, 2)}, b"\0" * 4, "it is no safetensors file"),
        ({"a": tensor("F32", 0, 400, 100)}, b"\0" * 4, "it is no safetensors file"),
        ({"a": tensor("F32", 4, 8, 1)}, b"\0" * 8, "it is no safetensors file"),
        ({"a": tensor("F32", 0, 0, 0, 2**63)}, b"", "cannot be read"),
        ({"a": tensor("F32", 0, 0, 2**40, 2**40)}, b"", "it is no safetensors file"),
        ([], b"", "it is no safetensors file"),
        (b"{" * 100_000, b"", "it is no safetensors file"),
        ({f"{i}/{'a/' * 400}b": tensor("F32", 0, 0, 0) for i in range(100)}, b"", "more than 10,400 subtrees"),
    ],
)  # fmt: skip
def test_what_is_refused(tmp_path: Path, header: Any, body: bytes, said: str) -> None:
    """With the reason, and the path where there is one."""
    path = written(tmp_path / "s", header, body)
    with pytest.raises(CheckpointError, match=said) as caught:
        load_safetensors(path)
    assert str(caught.value).startswith(f"{path} cannot be read as a checkpoint: ")


@pytest.mark.parametrize("read", [load_safetensors, metadata_of])
def test_what_is_no_such_file(tmp_path: Path, read: Any) -> None:
    """Damage at the end, other files, pipes, folders, and nothing."""
    save_safetensors(tmp_path / "s", TREES["usual"])
    data = (tmp_path / "s").read_bytes()
    zip_file, huge = b"PK\x03\x04" + b"\0" * 30, struct.pack("<Q", 1 << 60)
    for other in (b"", b"\x80\x04.", zip_file, huge, data[:-1], data[:20], data + b"\0"):
        (tmp_path / "s").write_bytes(other)
        with pytest.raises(CheckpointError, match="it is no safetensors file"):
            read(tmp_path / "s")
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(CheckpointError, match="it is not a regular file"):
            read(path)
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "none")


def test_the_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    """Whichever system call fails, as for checkpoints."""
    old, new = Params({"w": np.zeros(3000)}), Params({"w": np.ones(3000)})
    save_safetensors(tmp_path / "s", old)
    counting = Calls()
    for n in range(200):
        calls = Calls(n) if n else counting
        with pytest.MonkeyPatch.context() as patch:
            calls.patch(patch)
            error = None
            try:
                save_safetensors(tmp_path / "s", new)
            except OSError as caught:
                error = caught
        found = load_safetensors(tmp_path / "s")
        assert found in (old, new) and (error is not None or found == new)
        assert list(tmp_path.iterdir()) == [tmp_path / "s"]
        save_safetensors(tmp_path / "s", old)
        if n >= len(counting.names):
            break
    else:
        raise AssertionError("there are more system calls than were tried")


def test_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """How it is installed is said."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "safetensors"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "safetensors", None)
    for call in (lambda: save_safetensors(tmp_path / "s", {}), lambda: load_safetensors("s"), lambda: metadata_of("s")):
        with pytest.raises(MissingExtraError, match=r"pip install 'funcnn\[safetensors\]'"):
            call()
