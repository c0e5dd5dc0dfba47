"""Whatever fails while params are saved, the file is one complete checkpoint."""

from __future__ import annotations

import errno
import io
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from funcnn import Params, load_params, save_params

OLD, NEW = Params({"w": np.zeros(3000), "b": np.zeros(2)}), Params({"w": np.ones(3000), "b": np.ones(2)})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A checkpoint of the old params, alone in its folder."""
    save_params(tmp_path / "params.npz", OLD)
    return tmp_path / "params.npz"


def failure_of(save: Callable[[], None]) -> OSError | None:
    """The error that comes out, if one does."""
    try:
        save()
    except OSError as error:
        return error
    return None


def alone(path: Path) -> bool:
    """Is there no temporary file?"""
    return list(path.parent.iterdir()) == [path]


# the operating system refuses -----------------------------------------------------------------------------------------
@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """No file may become larger: what a full disk looks like."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk(path: Path) -> None:
    """A disk that is full after n bytes is the system's own error; the old file is intact."""
    size = path.stat().st_size
    for n in (*range(0, size, 997), size - 1):
        with file_size_limit(n), pytest.raises(OSError) as caught:
            save_params(path, NEW)
        assert (caught.value.errno, load_params(path) == OLD, alone(path)) == (errno.EFBIG, True, True)
    with file_size_limit(size):
        save_params(path, NEW)
    assert load_params(path) == NEW


def test_no_such_folder(tmp_path: Path) -> None:
    """A missing folder is the system's own error, and names the file."""
    with pytest.raises(FileNotFoundError, match="missing/.params.npz"):
        save_params(tmp_path / "missing" / "params.npz", NEW)


def test_a_file_for_a_folder(path: Path) -> None:
    """A path below a file is the system's own error."""
    with pytest.raises(NotADirectoryError):
        save_params(path / "params.npz", NEW)


def test_a_read_only_folder(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no file may be made, nothing changes."""

    def refused(*args: Any) -> int:
        raise PermissionError(errno.EACCES, "Permission denied", str(args[0]))

    monkeypatch.setattr(os, "open", refused)
    with pytest.raises(PermissionError, match=r"Permission denied: .*params\.npz"):
        save_params(path, NEW)
    assert (load_params(path) == OLD, alone(path)) == (True, True)


# the n-th call fails --------------------------------------------------------------------------------------------------
class Failing:
    """Makes the n-th call of a function fail, and counts the calls."""

    def __init__(self, n: int, f: Callable[..., Any]) -> None:
        self.n, self.f, self.calls = n, f, 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.calls += 1
        if self.calls == self.n:
            raise OSError(errno.EIO, "Input/output error")
        return self.f(*args, **kwargs)


class Unbuffered(io.FileIO):
    """A file whose writes go through a function."""

    through: Callable[..., int]

    def write(self, data: Any) -> int:
        return self.through(super().write, data)


@pytest.mark.parametrize(
    ("name", "n", "expected"),
    [
        ("chmod", 1, OLD),
        ("fsync", 1, OLD),
        ("replace", 1, OLD),
        ("fsync", 2, NEW),  # that of the folder: the new file has its name by then
    ],
)
def test_the_nth_system_call_fails(
    path: Path, monkeypatch: pytest.MonkeyPatch, name: str, n: int, expected: Params
) -> None:
    """The system's error comes out, and the file is one complete version."""
    with monkeypatch.context() as patch:
        patch.setattr(os, name, Failing(n, getattr(os, name)))
        error = failure_of(lambda: save_params(path, NEW))
    assert error is not None and error.errno == errno.EIO
    assert (load_params(path) == expected, alone(path)) == (True, True)


def test_the_system_calls(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those are all of them: a save syncs the file, replaces the old one, and syncs the folder."""
    counting = {name: Failing(0, getattr(os, name)) for name in ("chmod", "fsync", "replace")}
    with monkeypatch.context() as patch:
        for name, f in counting.items():
            patch.setattr(os, name, f)
        save_params(path, NEW)
    assert {name: f.calls for name, f in counting.items()} == {"chmod": 1, "fsync": 2, "replace": 1}


def test_the_nth_write_fails(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever write fails, the old file is intact and no temporary one is left."""

    def writes(n: int) -> tuple[OSError | None, int]:
        counting = Failing(n, lambda write, data: write(data))

        def opened(descriptor: int, mode: str) -> Unbuffered:
            file = Unbuffered(descriptor, mode.replace("w", "r"))
            file.through = counting
            return file

        with monkeypatch.context() as patch:
            patch.setattr(os, "fdopen", opened)
            return failure_of(lambda: save_params(path, NEW)), counting.calls

    error, total = writes(0)
    assert (error, load_params(path) == NEW) == (None, True)
    save_params(path, OLD)
    for n in range(1, total + 1):
        error, _ = writes(n)
        assert error is not None and error.errno == errno.EIO
        assert (load_params(path) == OLD, alone(path)) == (True, True)


# processes ------------------------------------------------------------------------------------------------------------
SAVER = """
import sys
import numpy as np
from funcnn.checkpoints import save_params
path, start, step, count = sys.argv[1], *map(int, sys.argv[2:])
for version in range(start, start + step * count, step):
    save_params(path, {"w": np.full(3000, float(version)), "b": np.full(2, float(version))})
"""


def saver(path: Path, start: int, step: int, count: int) -> subprocess.Popen[bytes]:
    """A process that saves one version after the other."""
    return subprocess.Popen([sys.executable, "-c", SAVER, str(path), str(start), str(step), str(count)])


def version(path: Path) -> float:
    """The version in the file, which must be complete."""
    params = load_params(path)
    found = {*params.at("w").tolist(), *params.at("b").tolist()}
    assert len(found) == 1
    return float(found.pop())


def test_kill_minus_9(path: Path) -> None:
    """A process that is killed while it saves leaves one complete version, no older than the last one seen."""
    random = np.random.default_rng(0)
    for _ in range(5):
        save_params(path, OLD)
        process = saver(path, 1, 1, 1_000_000)
        while (seen := version(path)) == 0:
            time.sleep(0.001)
        time.sleep(random.uniform(0, 0.02))
        process.kill()
        process.wait()
        assert version(path) >= seen


def test_two_processes_save_to_one_path(path: Path) -> None:
    """Whoever reads while two processes save finds one complete version of one of them."""
    processes = [saver(path, start, 2, 150) for start in (1, 2)]
    seen = set()
    while any(p.poll() is None for p in processes):
        seen.add(version(path))
    assert [p.returncode for p in processes] == [0, 0]
    assert version(path) in (299, 300)
    assert len(seen) > 1
    assert alone(path)
