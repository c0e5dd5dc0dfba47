"""Whatever fails while params are saved, the file is one complete checkpoint."""

from __future__ import annotations

import builtins
import errno
import io
import json
import os
import resource
import signal
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
from funcnn.checkpoints.atomic_writes import NO_SYNC
from tests.checkpoints.failing_calls import COUNTED_CALLS, Calls

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
    with pytest.raises(FileNotFoundError, match="missing/params.npz'$"):
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


# the n-th system call fails ------------------------------------------------------------------------------------------
def saved_with(path: Path, calls: Calls) -> OSError | None:
    """The error of saving the new params over the old ones, if there is one; without warnings of open files."""
    with pytest.MonkeyPatch.context() as patch:
        calls.patch(patch)
        return failure_of(lambda: save_params(path, NEW))


def descriptors() -> int:
    """How many files this process has open."""
    return len(os.listdir("/proc/self/fd"))


NUMBERS = {name: getattr(errno, name) for name in ("EIO", "ENOSPC", "EACCES", "EINTR", "EINVAL", "EDQUOT", "ESTALE")}


@pytest.mark.parametrize("number", NUMBERS.values(), ids=NUMBERS)
def test_every_system_call_fails(path: Path, number: int) -> None:
    """Whichever fails: the error says so of the path that was asked for, or there is none and the new file is there;
    the file is one complete version, no temporary file is left, and none is open."""
    (path.parent / "link").symlink_to("params.npz")
    link, counting = path.parent / "link", Calls()
    assert saved_with(link, counting) is None
    names, kept = counting.names, {path, link}
    renamed = names.index("replace") + 1
    for n in range(1, len(names) + 1):
        save_params(path, OLD)
        before = descriptors()
        error = saved_with(link, Calls(n, number))
        where, found = f"{n}, {names[n - 1]}", load_params(path)
        assert set(path.parent.iterdir()) == kept and link.is_symlink() and descriptors() == before, where
        if error is None:
            assert found == NEW, where
            again = number == errno.EINTR and names[n - 1] == "write"  # Python tries once more
            unneeded = names[n - 1] in ("scandir", "flock", "lstat")
            assert again or unneeded or (n > renamed and number in NO_SYNC), where
        else:
            assert (error.errno, error.filename) == (number, str(link)), where
            assert str(error).endswith(repr(str(link))), where
            assert found == (NEW if n > renamed else OLD), where
            assert ("the new file is there" in str(error)) == (n > renamed), where


def test_folders_that_nobody_can_sync(path: Path) -> None:
    """Are no error: some file systems and sandboxes have no others."""
    counting = Calls()
    assert saved_with(path, counting) is None
    n = len(counting.names) - counting.names[::-1].index("fsync")
    for number in (errno.EINVAL, errno.EACCES, errno.EPERM, errno.ENOTSUP):
        for call in (n, n - 1):  # fsync, and open before it
            save_params(path, OLD)
            assert (saved_with(path, Calls(call, number)), load_params(path) == NEW, alone(path)) == (None, True, True)


@pytest.mark.parametrize("at_once", [1, 100, 1000])
def test_short_writes(path: Path, at_once: int) -> None:
    """A system that writes less at once than it is given gets the rest in further calls."""
    assert saved_with(path, Calls()) is None
    whole = path.read_bytes()
    assert saved_with(path, Calls(at_once=at_once)) is None
    same = path.read_bytes() == whole
    assert same  # alone: pytest would look for the differences for minutes


def test_the_order_of_system_calls(path: Path) -> None:
    """Private before it is written to, on the disk before it has its name, and then the folder."""
    counting = Calls()
    saved_with(path, counting)
    told = [name for name in counting.names if name in ("open", "flock", "chmod", "write", "fsync", "replace", "close")]
    once = [name for i, name in enumerate(told) if told[i - 1 : i] != [name]]
    assert once == ["open", "flock", "chmod", "write", "fsync", "replace", "open", "fsync", "close"]


def test_nobody_reads_a_private_file_early(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The temporary file is private from the beginning where the old file was."""
    path.chmod(0o600)
    modes: list[int] = []
    real = os.chmod

    def chmod(name: Any, mode: int) -> None:
        modes.append(os.stat(name).st_mode & 0o777)
        real(name, mode)

    monkeypatch.setattr(os, "chmod", chmod)
    save_params(path, NEW)
    assert modes == [0o600] and path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_cannot_be_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's own error, about the path that was asked for."""

    def refused(size: int = -1) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    class Refusing(io.BytesIO):
        read = staticmethod(refused)  # type: ignore[assignment]

    monkeypatch.setattr(builtins, "open", lambda *args: Refusing(b""))
    with pytest.raises(OSError, match="Input/output error: '.*params.npz'"):
        load_params(path)


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


KILLED = COUNTED_CALLS + """
import io, json, sys
import numpy as np
from funcnn.checkpoints import load_params, save_params

path, old, new = sys.argv[1], {"w": np.zeros(3000), "b": np.zeros(2)}, {"w": np.ones(3000), "b": np.ones(2)}

class File(io.FileIO):
    def write(self, data):
        made("write")
        return super().write(memoryview(data)[:1000])

real = {name: getattr(os, name) for name in ("open", "chmod", "fsync", "replace", "close", "fdopen")}

def patch():
    for name in real:
        setattr(os, name, counting(name, real[name]))
    os.fdopen = lambda descriptor, mode: io.BufferedRandom(File(descriptor, "r+"), 512)

patch()
save_params(path, new)
names, ends = list(seen), []
for kill in range(1, len(names) + 1):
    for name in real:
        setattr(os, name, real[name])
    save_params(path, old)
    child = os.fork()
    if not child:
        seen.clear()
        patch()
        save_params(path, new)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    (version,) = set(load_params(path).at("w").tolist())
    ends.append([os.WTERMSIG(status), version])
print(json.dumps([names, ends]))
"""


def test_kill_minus_9_at_every_system_call(path: Path) -> None:
    """The old file is there until the new one has its name, and from then on the new one is."""
    out = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=True, capture_output=True, text=True).stdout
    names, ends = json.loads(out)
    renamed = names.index("after replace")
    assert len(names) > 40 and names.count("write") > 25
    assert ends == [[signal.SIGKILL, 0.0 if n < renamed else 1.0] for n in range(len(names))]
    assert 0 < len(list(path.parent.iterdir())) - 1 <= renamed  # until they are stale, see test_leftovers.py
    for left in path.parent.glob(".*.tmp"):
        os.utime(left, (0, 0))
    save_params(path, NEW)
    assert alone(path)


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
