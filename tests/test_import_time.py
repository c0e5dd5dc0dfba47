"""What `import funcnn` costs, by what it has to load: time itself is measured by `run.py --imports`, and not in a test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import json, os, sys
import numpy, numpy.random
there = set(sys.modules)
{}
new = {{name: getattr(sys.modules[name], "__cached__", None) for name in sys.modules.keys() - there}}
sizes = {{name: os.path.getsize(path) if path and os.path.exists(path) else 0 for name, path in new.items()}}
print(json.dumps(sizes))
"""
NAMES = "Dense, Relu, serial, softmax_cross_entropy, adam, fit, evaluate, accuracy"
PROGRAMS = {
    "import funcnn": (5, 30, 5),
    f"from funcnn import {NAMES}": (225, 2200, 25),
    "from funcnn import *": (290, 3000, 25),
}
"""How many modules of the library they may load, how many kilobytes of compiled code with its documentation, and how
many modules of the standard library that NumPy has not loaded yet (old ones load fewer).

A file takes 0.25 ms: the three take 1.2, 52 and 70 ms on a machine where NumPy takes 58.
"""


@pytest.mark.parametrize("program", PROGRAMS)
def test_importing_loads_little_beside_numpy(program: str, tmp_path: Path) -> None:
    """A number of modules and of bytes that grows with what is asked for, and no package of others."""
    modules, kilobytes, foreign = PROGRAMS[program]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(tmp_path)
    command = [sys.executable, "-c", PROGRAM.format(program)]
    for _ in range(2):  # the first run compiles
        run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found: dict[str, int] = json.loads(run.stdout)
    ours = {name: size for name, size in found.items() if name.partition(".")[0] == "funcnn"}
    assert len(ours) <= modules
    assert 0 < sum(ours.values()) <= kilobytes * 1000
    others = sorted(found.keys() - ours.keys())
    assert len(others) <= foreign, others
    assert {name.partition(".")[0] for name in others} <= set(sys.stdlib_module_names) | {"numpy", "org"}
