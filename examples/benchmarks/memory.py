"""What a program needs beside time: memory at its peak, and time to import. Each is measured in a fresh process."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from contestants import entries
from lists import WORKS
from works import classifier

from funcnn import Conv, Dense, Flatten, Relu, mlp, serial


def rises(work: str, alone: bool) -> dict[str, float]:
    """By how many megabytes the peak of some steps lies above the process that has made a step of a tiny network."""
    found: dict[str, float] = {}
    for entry in entries(alone, WORKS[work]()):
        done = _python(str(Path(__file__).with_name("run.py")), "--rise", work, entry.name)
        if done.returncode == 0:
            found[entry.name] = float(done.stdout.split()[-1])
    return found


def rise(work: str, name: str) -> float:
    """The same in this process, for one contestant. What is warmed up is tiny, and leaves no memory to use again."""
    tiny = serial(Conv(4, (3, 3)), Relu, Flatten, Dense(10))
    for warm in (classifier(mlp((8, 10)), 4, 8), classifier(tiny, 4, 8, 8, 1)):
        for entry in entries(False, warm):
            if entry.name == name:
                step = entry.make(warm)
                for _ in range(3):
                    step()
                del step
    before = _now()
    Path("/proc/self/clear_refs").write_text("5")  # the peak is reset to what is in use
    for entry in entries(False, WORKS[work]()):
        if entry.name == name:
            step = entry.make(WORKS[work]())
            for _ in range(10):
                step()
    return _now("VmHWM") - before


def _now(field: str = "VmRSS") -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024


TRAINING = "from funcnn import Dense, Relu, serial, softmax_cross_entropy, adam, fit, evaluate, accuracy"
IMPORTS = ("import numpy", "import funcnn", TRAINING, "from funcnn import *")


def imports(times: int) -> dict[str, float]:
    """The milliseconds that imports take, start of the interpreter apart and NumPy's own contained: the minimum.

    All from compiled files, which Python writes at the first import unless it is told not to.
    """
    code = "import time; t = time.perf_counter(); exec({!r}); print((time.perf_counter() - t) * 1e3)"
    found = dict.fromkeys(IMPORTS, float("inf"))
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    for _ in range(times):
        for program in found:
            found[program] = min(found[program], float(_python("-c", code.format(program)).stdout))
            time.sleep(0.01)
    return found


def _python(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *args], capture_output=True, text=True, check=False)
