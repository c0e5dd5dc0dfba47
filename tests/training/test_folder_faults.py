"""Whatever fails while a folder is saved to, it always has a good checkpoint."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from funcnn import FuncnnWarning, load_checkpoint, save_checkpoint
from tests.checkpoints.failing_calls import COUNTED_CALLS, Calls
from tests.training.small_folders import PARAMS, SGD, at, found


class MoreCalls(Calls):
    """With those that folders need."""

    NAMES = (*Calls.NAMES, "unlink", "mkdir")  # type: ignore[assignment]


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC, errno.EACCES, errno.ENOENT])
def test_every_system_call_fails(tmp_path: Path, number: int) -> None:
    """Whichever fails: the newest one is the old or the new one, and the best one is there."""

    def save(folder: Path, calls: Calls) -> OSError | None:
        with pytest.MonkeyPatch.context() as patch:
            calls.patch(patch)
            try:
                save_checkpoint(folder, at(4), score=0.4, keep=2)
            except OSError as error:
                return error
        return None

    def fresh(i: int) -> Path:
        for step in (1, 2, 3):
            save_checkpoint(tmp_path / str(i), at(step), score=1 / step, keep=2)
        return tmp_path / str(i)

    counting = MoreCalls()
    assert save(fresh(0), counting) is None
    assert counting.names.count("unlink") == 1 and "replace" in counting.names
    outcomes = set()
    for n in range(1, len(counting.names) + 1):
        folder = fresh(n)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FuncnnWarning)
            error = save(folder, MoreCalls(n, number))
        outcomes.add((error is None, found(folder)))
        assert found(folder, best=True) == 1
        assert error is not None or found(folder) == 4, counting.names[n - 1]
    assert {(True, 4), (False, 3)} <= outcomes


KILLED = COUNTED_CALLS + """
import json, sys
import numpy as np
from funcnn import *

folder = sys.argv[1]
like, optimizer = Params({"w": np.zeros(300)}), sgd(0.1)

def at(step):
    return TrainState(step, Params({"w": np.full(300, float(step))}), optimizer.init(like), Key(0))

CALLS = ("open", "chmod", "fsync", "replace", "close", "unlink", "mkdir", "scandir")
real = {name: getattr(os, name) for name in CALLS}

def patch():
    for name in real:
        setattr(os, name, counting(name, real[name]))

def saved(place):
    for step, score in ((1, 0.9), (2, 0.1), (3, 0.2)):
        save_checkpoint(place, at(step), score=score, keep=2)

def last(place):
    save_checkpoint(place, at(4), score=0.3, keep=2)

saved(folder + "/0")
patch()
last(folder + "/0")
names, ends = list(seen), []
for name in real:
    setattr(os, name, real[name])
for kill in range(1, len(names) + 1):
    place = folder + f"/{kill}"
    saved(place)
    child = os.fork()
    if not child:
        seen.clear()
        patch()
        last(place)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    newest = load_checkpoint(place, optimizer, like=like)
    best = load_checkpoint(place, optimizer, like=like, best=True)
    good = newest.state.params.at("w").tolist() == [newest.state.step] * 300
    last(place)
    files = [name for name in os.listdir(place) if not name.startswith(".")]
    ends.append([os.WTERMSIG(status), newest.state.step, best.state.step, good, len(files)])
print(json.dumps([names, ends]))
"""


def test_kill_minus_9_at_every_system_call(tmp_path: Path) -> None:
    """The newest is the old one until the new one has its name, the best one is there at any moment, nothing is
    damaged; and the next save tidies up.
    """
    program = [sys.executable, "-W", "error", "-c", KILLED, str(tmp_path)]
    seen, ends = json.loads(subprocess.run(program, check=True, capture_output=True, text=True).stdout)
    renamed = seen.index("after replace")
    assert seen.index("before unlink") > renamed
    assert ends == [[signal.SIGKILL, 3 if n < renamed else 4, 1, True, 3] for n in range(len(seen))]


def test_what_killed_writers_left_goes(tmp_path: Path) -> None:
    """Whichever step they were saving."""
    path = Path(save_checkpoint(tmp_path, at(1)))
    left = tmp_path / f".step_{7:010d}_score_0.123456789012345678.{'0' * 16}.tmp"
    young, other = tmp_path / f".step_{8:010d}.npz.{'0' * 16}.tmp", tmp_path / f".other.npz.{'0' * 16}.tmp"
    for file in (left, young, other):
        file.write_bytes(path.read_bytes())
    for file in (left, other):
        os.utime(file, (0, 0))
    save_checkpoint(tmp_path, at(2))
    assert (left.exists(), young.exists(), other.exists()) == (False, True, True)


WRITER = """
import sys
import numpy as np
from funcnn import *
optimizer, like = sgd(0.1), Params({"w": np.zeros(3000)})
for step in range(1, 150):
    memory = optimizer.init(like)._replace(step=step)
    state = TrainState(step, Params({"w": np.full(3000, float(step))}), memory, Key(0))
    try:
        save_checkpoint(sys.argv[1], state, score=float(-abs(step - 20)))
    except CheckpointError as error:
        assert "go on from that one" in str(error)
"""


def test_two_processes_save_to_one_folder(tmp_path: Path) -> None:
    """Who is behind is refused, and whoever reads finds a complete state, never an earlier one than before."""
    processes = [subprocess.Popen([sys.executable, "-W", "error", "-c", WRITER, str(tmp_path)]) for _ in range(2)]
    last = 0
    try:
        while any(process.poll() is None for process in processes):
            if (checkpoint := load_checkpoint(tmp_path, SGD, like=PARAMS)) is not None:
                assert checkpoint.state == at(checkpoint.state.step) and checkpoint.state.step >= last
                last = checkpoint.state.step
    finally:
        for process in processes:
            process.wait()
    assert [process.returncode for process in processes] == [0, 0]
    assert (found(tmp_path), found(tmp_path, best=True)) == (149, 20)
