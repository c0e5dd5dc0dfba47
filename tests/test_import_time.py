"""What `import funcnn` costs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import time
start = time.process_time()
import numpy, numpy.random
there = time.process_time()
import funcnn
print(there - start, time.process_time() - there)
"""
ALLOWED, NUMPY = 0.060, 0.090
"""Seconds of a processor, where NumPy itself takes about as many as the other number says."""
RUNS = 15


def test_importing_costs_little_beside_numpy(tmp_path: Path) -> None:
    """60 ms at most, of a processor on which NumPy takes 90, in one of some runs, compiled before: others may have been
    disturbed.
    """
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(tmp_path)
    command, found = [sys.executable, "-c", PROGRAM], list[tuple[float, float]]()
    subprocess.run(command, env=environment, check=True, capture_output=True)
    for _ in range(RUNS):
        run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        numpy, ours = map(float, run.stdout.split())
        if ours <= ALLOWED * max(1.0, numpy / NUMPY):
            return
        found.append((numpy, ours))
    raise AssertionError(f"seconds of NumPy and of funcnn: {found}")
