"""What killed writers leave is removed by the next save of that name, and nothing else is."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from funcnn import load_params, save_params
from funcnn.checkpoints import leftovers

PARAMS = {"w": np.ones(2)}

WRITER = """
import sys, time
from funcnn.checkpoints.atomic_writes import replacing
with replacing(sys.argv[1]) as file:
    file.write(b"half")
    file.flush()
    print("writing", flush=True)
    time.sleep(600)
"""


def names(folder: Path) -> set[str]:
    """What is in a folder."""
    return {path.name for path in folder.iterdir()}


def age(path: Path, seconds: float) -> None:
    """Let nobody have written to a file for so long."""
    then = time.time() - seconds
    os.utime(path, (then, then))


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that has begun to save, and does not end."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path / "params.npz")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "writing\n"
    yield process
    process.kill()
    process.communicate()


def temporary(folder: Path) -> Path:
    """The temporary file in a folder."""
    (found,) = (path for path in folder.iterdir() if path.name.endswith(".tmp"))
    return found


def test_what_a_killed_writer_leaves(tmp_path: Path, writer: subprocess.Popen[str]) -> None:
    """Is removed once it is old enough, and kept before."""
    left = temporary(tmp_path)
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    save_params(tmp_path / "params.npz", PARAMS)
    assert names(tmp_path) == {"params.npz", left.name}
    age(left, leftovers.STALE + 1)
    save_params(tmp_path / "params.npz", PARAMS)
    assert names(tmp_path) == {"params.npz"}


def test_what_a_slow_writer_is_at(tmp_path: Path, writer: subprocess.Popen[str]) -> None:
    """Is kept, however long nobody has written to it: its writer lives, and has it locked."""
    left = temporary(tmp_path)
    age(left, 1e7)
    save_params(tmp_path / "params.npz", PARAMS)
    assert names(tmp_path) == {"params.npz", left.name}


LEFT = ".params.npz.0123456789abcdef.tmp"


@pytest.mark.parametrize(
    "name",
    [
        ".params.npz.0123456789abcde.tmp",
        ".params.npz.0123456789abcdef.tmp2",
        ".params.npz.0123456789ABCDEF.tmp",
        ".params.npzx0123456789abcdef.tmp",
        ".other.npz.0123456789abcdef.tmp",
        "params.npz.0123456789abcdef.tmp",
    ],
)
def test_files_of_other_names(tmp_path: Path, name: str) -> None:
    """Are none of ours."""
    (tmp_path / name).write_bytes(b"")
    age(tmp_path / name, 1e7)
    save_params(tmp_path / "params.npz", PARAMS)
    assert names(tmp_path) == {"params.npz", name}


@pytest.mark.parametrize("name", ["params.npz", "[a]*.npz", "ä" * 100, "a\nb"])
def test_names_are_taken_as_they_are(tmp_path: Path, name: str) -> None:
    """Special characters, long names."""
    left = tmp_path / f".{name[:40]}.0123456789abcdef.tmp"
    left.write_bytes(b"")
    age(left, 1e7)
    save_params(tmp_path / name, PARAMS)
    assert names(tmp_path) == {name}


def test_links_and_folders_are_left_alone(tmp_path: Path) -> None:
    """Whatever they are called, and what they lead to as well."""
    (tmp_path / "precious").write_bytes(b"")
    (tmp_path / LEFT).symlink_to("precious")
    (tmp_path / LEFT.replace("0", "1")).mkdir()
    for path in tmp_path.iterdir():
        os.utime(path, (0, 0), follow_symlinks=False)
    save_params(tmp_path / "params.npz", PARAMS)
    assert names(tmp_path) == {"params.npz", "precious", LEFT, LEFT.replace("0", "1")}


def test_files_of_others_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only whose they are may know."""
    (tmp_path / LEFT).write_bytes(b"")
    age(tmp_path / LEFT, 1e7)
    user = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    save_params(tmp_path / "params.npz", PARAMS)
    assert names(tmp_path) == {"params.npz", LEFT}


def test_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a file system without them a day must have gone by."""

    def refused(*args: Any) -> None:
        raise OSError("no locks available")

    monkeypatch.setattr(fcntl, "flock", refused)
    for seconds, left in ((3600, {LEFT}), (2 * 86400, set[str]())):
        (tmp_path / LEFT).write_bytes(b"")
        age(tmp_path / LEFT, seconds)
        save_params(tmp_path / "params.npz", PARAMS)
        assert names(tmp_path) == {"params.npz"} | left


@pytest.mark.parametrize("name", ["scandir", "lstat", "unlink"])
def test_what_fails_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The save is what was asked for."""
    (tmp_path / LEFT).write_bytes(b"")
    age(tmp_path / LEFT, 1e7)
    real = getattr(os, name)

    def refused(path: Any, *args: Any, **options: Any) -> Any:
        if name == "scandir" or os.path.basename(path) == LEFT:
            raise PermissionError(13, "Permission denied", path)
        return real(path, *args, **options)

    monkeypatch.setattr(os, name, refused)
    save_params(tmp_path / "params.npz", PARAMS)
    assert names(tmp_path) == {"params.npz", LEFT} and load_params(tmp_path / "params.npz").at("w").tolist() == [1, 1]
