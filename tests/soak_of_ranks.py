"""Jobs of which a rank is killed at a random step: `python -m tests.soak_of_ranks 20` for twenty kills.

A job of two ranks trains with dropout, weights and a checkpoint after every fourth step. One rank, drawn anew, kills
itself (-9) in a step that is drawn too, and the job is started again, until it has been killed so many times; it goes
to its end in between as often as it comes there. It never hangs, no kill costs more than the steps since the last
checkpoint, and every end is, bit for bit, that of the job that was never stopped. Before, whatever else a rank may do is
done once, and ends the job soon and with its reason. Two, three and four ranks equal one, and
the example learns on two.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import numpy as np

from funcnn import adam, astype, load_checkpoint
from funcnn.distributed.guards import lives
from tests.distributed.jobs import ROOT, command, environment, job, missing
from tests.distributed.program import start

PROGRAM: Final = "tests.distributed.program"
STEPS: Final = 60
EVERY: Final = 4
SOON: Final = 20.0  # seconds, of which two are for starting and the rest for a machine that does other things too

ENDINGS: Final = {
    "raising": "ValueError: something of rank 1",
    "interrupted": "KeyboardInterrupt",
    "leaving": "rank 1 has ended its program",
    "killed": "",
    "terminated": "",
    "hanging": "rank 0 has waited for 3 seconds",
    "deciding": "all ranks must make the same steps and calls",
    "ahead": "is in its call number",
    "infinite": "the loss is nan",
}
"""What a rank may do, and what is then said."""


def state_in(folder: str) -> Any:
    """The newest state, None where there is none."""
    found = load_checkpoint(folder, adam(1e-2), like=astype(start(), np.float32))
    return found and found.state


def ended(*arguments: str, stop: str = "") -> tuple[int, str, float]:
    """How a job ends, what it says, and how long it takes; a job that hangs is an error."""
    os.environ["STOP"] = stop
    begin = time.monotonic()
    done = job(2, "-m", PROGRAM, *arguments, seconds=60)
    return done.returncode, done.stderr, time.monotonic() - begin


def soak(kills: int) -> dict[str, float]:
    """How often a rank was killed, how often a job came to its end, and the longest that a job took."""
    random, longest, ends, killed = np.random.default_rng(), 0.0, 0, 0
    with tempfile.TemporaryDirectory() as root:
        code, said, _ = ended("resuming", f"{root}/whole")
        assert code == 0, said
        wanted = state_in(f"{root}/whole")
        assert wanted.step == STEPS
        while killed < kills:
            before = state_in(f"{root}/run")
            step = int(random.integers((before.step if before else 0) + 1, STEPS + 20))
            code, said, took = ended("resuming", f"{root}/run", stop=f"{step}:{random.integers(2)}")
            longest, found = max(longest, took), state_in(f"{root}/run")
            if step > STEPS:
                assert code == 0, said
                assert found == wanted, "the job has ended otherwise"
                shutil.rmtree(f"{root}/run")
                ends += 1
                continue
            killed += 1
            assert code != 0 and took < SOON, f"{took:.0f} seconds"
            reached = found.step if found else 0
            assert step - EVERY <= reached <= step, f"killed in step {step}, and step {reached} is there"
    return {"kills": killed, "ends": ends, "seconds": round(longest, 1)}


def equal(ranks: int) -> None:
    """So many ranks equal one."""
    done = job(ranks, "-m", PROGRAM, "equal", seconds=120)
    assert done.returncode == 0 and done.stdout.count("is done") == ranks, done.stderr
    print(f"{ranks} ranks equal one")


def example() -> None:
    """The example learns on two ranks, and one of them prints."""
    done = job(2, str(ROOT / "examples" / "distributed_digits.py"), "--quick", seconds=120)
    first, *epochs, _ = done.stdout.splitlines()
    assert first == "2 ranks, from step 0" and len(epochs) == 8 and float(epochs[-1].split()[-1]) > 0.9, done.stderr
    print("the example learns on two ranks")


def unnoticed() -> None:
    """A rank is killed, and the launcher does not notice: the other one sees that its process is no more."""
    with tempfile.TemporaryDirectory() as folder:
        child = subprocess.Popen(
            command(2, "-m", PROGRAM, "vanishing", folder),
            env=environment(), text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        end = time.monotonic() + 3 * SOON
        while not Path(folder, "launcher").exists() and time.monotonic() < end:
            time.sleep(0.05)
        begin, first = time.monotonic(), int(Path(folder, "0").read_text(encoding="ascii"))
        while lives(first) and time.monotonic() < end:
            time.sleep(0.05)
        took = time.monotonic() - begin
        os.kill(int(Path(folder, "launcher").read_text(encoding="ascii")), signal.SIGCONT)
        _, said = child.communicate(timeout=SOON)
    assert "and rank 1, process" in said and "is no more" in said and took < SOON, said
    print(f"unnoticed by the launcher: {took:.1f} seconds")


def endings() -> None:
    """Whatever else a rank may do, once."""
    for name, wanted in ENDINGS.items():
        code, said, took = ended(name)
        assert code != 0 and wanted in said and took < SOON, f"{name}: {code}, {took:.0f} seconds, {said[-2000:]}"
        print(f"{name}: {took:.1f} seconds")


if __name__ == "__main__":
    if reason := missing():
        sys.exit(reason)
    for size in (2, 3, 4):
        equal(size)
    example()
    endings()
    unnoticed()
    print(soak(int(sys.argv[1]) if len(sys.argv) > 1 else 20))
