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


def test_importing_costs_little_beside_numpy(tmp_path: Path) -> None:
    """60 ms at most, of a processor on which NumPy takes 90; the least of several runs, compiled before."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(tmp_path)
    runs = [
        subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True)
        for _ in range(6)
    ]
    numpys, ours = zip(*(map(float, run.stdout.split()) for run in runs[1:]), strict=True)
    assert min(ours) <= ALLOWED * max(1.0, min(numpys) / NUMPY), f"NumPy {min(numpys):.3f} s, funcnn {min(ours):.3f} s"
