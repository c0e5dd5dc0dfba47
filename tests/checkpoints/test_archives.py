"""Archives whose digest fits, and whose contents do not: nothing in a file is believed."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from funcnn import CheckpointError, Params, ParamsError, Tanh, astype, load_params
from tests.checkpoints.checkpoint_files import npy, refusal, saved


def sealed(data: bytes) -> bytes:
    """The archive with a digest that fits: what somebody can make who means to."""
    end = data.rindex(b"PK\x05\x06")
    body = data[: end + 20] + (78).to_bytes(2, "little") + b"funcnn sha256 "
    return body + hashlib.sha256(body).hexdigest().encode()


def forged(manifest: Any, *members: tuple[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """A sealed archive with this manifest and these members."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        archive.writestr("manifest.json", manifest if isinstance(manifest, str) else json.dumps(manifest))
        for name, content in members:
            archive.writestr(name, content)
    return sealed(file.getvalue())


def manifest(tree: Any, version: Any = 1) -> dict[str, Any]:
    """A manifest as it should be."""
    return {"format": "funcnn params", "version": version, "funcnn": "0.1.0", "tree": tree}


def header(text: str) -> bytes:
    """The beginning of a `.npy` file that says this."""
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


def test_a_newer_format(tmp_path: Path) -> None:
    """A file of a later library says which, and what to do."""
    said = refusal(tmp_path / "newer", forged(manifest({}, version=2)))
    assert "it has format version 2, by funcnn 0.1.0; this one reads 1: upgrade funcnn" in said


ONE, TWO = npy(np.ones(1)), npy(np.ones(2))
HUGE = header("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,)}\n")


def leaf(content: bytes) -> bytes:
    """A sealed archive with one leaf."""
    return forged(manifest({"w": 0}), ("0.npy", content))


# fmt: off
FORGERIES = [
    (forged("[" * 100_000), "recursion"),
    (forged('{"format": 1' + "0" * 10_000 + "}"), "digits"),
    (forged('{"format": "funcnn params", "format": "funcnn params"}'), "a name twice"),
    (forged("[]"), "does not say that the format is 'funcnn params'"),
    (forged(manifest({str(i): {} for i in range(20_000)})), "more subtrees than belong to so few leaves"),
    (forged(manifest({"x" * 2_000_000: {}})), "more than the 1,048,576 for 0 leaves"),
    (forged(manifest(json.loads('{"a":' * 501 + "0" + "}" * 501))), "its tree has more than 500 levels"),
    (forged("{"), "Expecting property name"),
    (forged(manifest({}, version=True)), "has bool for version"),
    (forged(manifest({}, version="1")), "has str for version"),
    (forged(manifest({}, version=0)), "there is no format version 0"),
    (forged(manifest([])), "has list for tree"),
    (forged(manifest({"w": 0})), "its members are not the 1 leaves"),
    (forged(manifest({"w": 0}), ("1.npy", ONE)), "its members are not numbered in order"),
    (forged(manifest({}), ("0.npy", ONE)), "its members are not the 0 leaves"),
    (forged(manifest({"w": 1}), ("0.npy", ONE)), "does not number its leaves in order"),
    (forged(manifest({"a": 0, "b": 0}), ("0.npy", ONE)), "does not number its leaves in order"),
    (forged(manifest({"w": 0.0}), ("0.npy", ONE)), "float for the number of a leaf"),
    (forged(manifest({"w": False}), ("0.npy", ONE)), "bool for the number of a leaf"),
    (forged(manifest({"a/b": 0}), ("0.npy", ONE)), "'a/b' is no name of params"),
    (forged(manifest({"": 0}), ("0.npy", ONE)), "'' is no name of params"),
    (forged(manifest({}), compression=zipfile.ZIP_DEFLATED), "it has compressed members"),
    (leaf(npy(np.ones(1, np.int64))), "a leaf is int64"),
    (leaf(npy(np.ones(1, complex))), "a leaf is complex128"),
    (leaf(npy(np.array([None]))), "a leaf is object"),
    (leaf(npy(np.asfortranarray(np.eye(2)))), "expected floating-point numbers in C order"),
    (leaf(TWO[:-1]), "a leaf is float64 of shape (2,), and has 15 bytes"),
    (leaf(TWO + b"\0"), "a leaf is float64 of shape (2,), and has 17 bytes"),
    (leaf(HUGE), "a leaf is float64 of shape (1000000000000,), and has 0 bytes"),
    (leaf(HUGE.replace(b"1000000000000", b"-100000000000")), "a leaf is float64 of shape (-100000000000,)"),
    (leaf(HUGE.replace(b"1000000000000", b"True         ")), "a leaf is float64 of shape (True,)"),
    (leaf(b"\x93NUMPY\x03\x00"), "a leaf is no .npy file: it has another version than 1.0"),
    (leaf(b""), "a leaf is no .npy file: "),
]
# fmt: on


@pytest.mark.parametrize(("data", "reason"), FORGERIES, ids=range(len(FORGERIES)))
def test_forgeries(tmp_path: Path, data: bytes, reason: str) -> None:
    """An archive whose digest fits, and whose contents do not, is refused with the reason."""
    assert reason in refusal(tmp_path / "forged", data)


def peak_of_refusing(path: Path, data: bytes) -> int:
    """The memory that refusing a file takes, at most."""
    path.write_bytes(data)
    with pytest.raises(CheckpointError):
        load_params(path)  # what the first call imports is not counted
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointError):
            load_params(path)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


EMPTY = '{"format": "funcnn params", "version": 1, "funcnn": "", "tree": {' + ",".join(
    f'"{i:x}": {{}}' for i in range(1_000_000)
) + "}}"  # fmt: skip
BOMBS = {
    "a million empty subtrees": forged(EMPTY),
    "lists": forged("[" + "[]," * 1_000_000 + "[]]"),
    "one name a million times": forged("{" + '"":0,' * 1_000_000 + '"":0}'),
    "a directory and nothing else": b"",
    "compressed": forged(manifest({"w": 0}), ("0.npy", npy(np.zeros(1 << 20))), compression=zipfile.ZIP_DEFLATED),
    "a size that is claimed": leaf(HUGE),
    "members over one another": b"",
}  # fmt: skip


def directory() -> bytes:
    """An archive of one member, listed 70,000 times: more than are counted in an archive of the old format."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a", b"")
        archive.filelist.extend(archive.infolist() * 70_000)
    return sealed(file.getvalue())


def overlapping() -> bytes:
    """A directory that lists one large member a hundred times."""
    count, content = 100, npy(np.zeros(1 << 17))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("manifest.json", json.dumps(manifest({str(i): i for i in range(count)})))
        archive.writestr("0.npy", content)
        for i in range(1, count):
            again = zipfile.ZipInfo(f"{i}.npy")
            first = archive.infolist()[1]
            again.header_offset, again.CRC = first.header_offset, first.CRC
            again.file_size = again.compress_size = first.file_size
            archive.filelist.append(again)
    return sealed(file.getvalue())


@pytest.mark.parametrize("name", BOMBS)
def test_bombs(tmp_path: Path, name: str) -> None:
    """Refusing a file takes little more memory than its size, whatever it claims."""
    data = BOMBS[name] or (directory() if "directory" in name else overlapping())
    assert peak_of_refusing(tmp_path / "bomb", data) < 3 * len(data) + (1 << 18)


def test_no_directory_is_read_that_lists_too_much(tmp_path: Path) -> None:
    """Of either format: the size that is looked at is that of the format that readers take."""
    few, many = io.BytesIO(), directory()
    with zipfile.ZipFile(few, "w") as archive:
        archive.writestr("a", b"")
        archive.filelist.extend(archive.infolist() * 30_000)
    for data in (sealed(few.getvalue()), many):
        assert "its directory lists more than there can be in it" in refusal(tmp_path / "listed", data)


def test_many_leaves(tmp_path: Path) -> None:
    """So many that an archive has its larger directory."""
    tree = {f"layer_{i}": {"w": np.zeros(1, np.float32), "b": np.zeros(0, np.float32)} for i in range(33_000)}
    assert load_params(saved(tmp_path, tree)) == Params(tree)


def test_what_is_refused_when_saved(tmp_path: Path) -> None:
    """What could not be loaded again: too many empty subtrees, too long names; and no file is made."""
    empty: Any = {str(i): {} for i in range(10_002)}
    with pytest.raises(ParamsError, match="of 0 leaves holds at most 10,000 subtrees, these params have 10,002; leave"):
        saved(tmp_path, empty)
    with pytest.raises(ParamsError, match="of 1 leaves holds 1,048,832; give shorter ones"):
        saved(tmp_path, {"x" * 2_000_000: np.ones(1)})
    assert list(tmp_path.iterdir()) == []
    assert load_params(saved(tmp_path, {**dict(list(empty.items())[:9_999]), "w": np.ones(1)})).at("w") == 1


@pytest.mark.parametrize("levels", [100, 300, 500])
def test_deep_trees(tmp_path: Path, levels: int) -> None:
    """Come back, however deep; they compare, print, pickle and convert as others do."""
    tree: Any = {"w": np.ones(2)}
    for _ in range(levels - 1):
        tree = {"a": tree}
    params = Params(tree)
    loaded = load_params(saved(tmp_path, params), like=params)
    assert loaded == params == Params(loaded.to_dict()) == pickle.loads(pickle.dumps(loaded))
    assert pickle.loads(pickle.dumps(params)) == params and repr(loaded) == repr(params)
    assert astype(loaded, np.float32).paths() == params.paths()


@pytest.mark.parametrize("levels", [501, 600, 100_000])
def test_trees_that_are_too_deep(tmp_path: Path, levels: int) -> None:
    """Are refused when they are made params, before a file is."""
    tree: Any = {"w": np.ones(2)}
    for _ in range(levels - 1):
        tree = {"a": tree}
    for call in (lambda: Params(tree), lambda: saved(tmp_path, tree), lambda: Tanh.apply(tree, np.ones(2))):
        with pytest.raises(ParamsError, match="at most 500 levels, these have more, from a/a/a/a/"):
            call()
    assert list(tmp_path.iterdir()) == []
    while tree:  # one at a time: Python would take them apart by recursion
        tree = tree.get("a")


def test_trees_within_themselves() -> None:
    """Have no end, and are refused so."""
    tree: Any = {}
    tree["a"] = tree
    with pytest.raises(ParamsError, match="at most 500 levels"):
        Params(tree)


def test_loading_takes_twice_the_size(tmp_path: Path) -> None:
    """Loading takes the file and the params, and next to nothing beside."""
    path = saved(tmp_path, {str(i): np.zeros(1 << 14) for i in range(8)})
    load_params(path)  # what the first call imports is not counted
    tracemalloc.start()
    try:
        load_params(path)
        assert tracemalloc.get_traced_memory()[1] < 2 * path.stat().st_size + (1 << 18)
    finally:
        tracemalloc.stop()


def test_random_edits_never_do_anything_else(tmp_path: Path) -> None:
    """Sealed archives with random bytes changed are read or refused: no other error comes out."""
    data, random = saved(tmp_path).read_bytes(), np.random.default_rng(0)
    refused = 0
    for _ in range(1500):
        edited = bytearray(data[:-64])
        for _ in range(random.integers(1, 4)):
            edited[random.integers(len(edited) - 14)] = random.integers(256)
        (tmp_path / "edited").write_bytes(edited + hashlib.sha256(edited).hexdigest().encode())
        try:
            assert isinstance(load_params(tmp_path / "edited"), Params)
        except CheckpointError:
            refused += 1
    assert 500 < refused < 1500
