"""What `import funcnn` costs, by what it has to load: time itself is measured by `run.py --imports`, and not in a test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import json, os, sys
import numpy, numpy.random
there = set(sys.modules)
import funcnn
new = {name: getattr(sys.modules[name], "__cached__", None) for name in sys.modules.keys() - there}
print(json.dumps({name: os.path.getsize(path) if path and os.path.exists(path) else 0 for name, path in new.items()}))
"""
MODULES, KILOBYTES = 290, 3000
"""Of the library, and of their compiled code with its documentation: 283 and 2636 load in 80 ms where NumPy takes 58, on
a machine where 268 did in 47 and 78; what counts is files, 0.3 ms each."""
FOREIGN = 25  # modules of the standard library that NumPy has not loaded yet; old ones load fewer


def test_importing_loads_little_beside_numpy(tmp_path: Path) -> None:
    """A number of modules and of bytes that grows with the library, and no package of others."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(tmp_path)
    command = [sys.executable, "-c", PROGRAM]
    for _ in range(2):  # the first run compiles
        run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found: dict[str, int] = json.loads(run.stdout)
    ours = {name: size for name, size in found.items() if name.partition(".")[0] == "funcnn"}
    assert len(ours) <= MODULES
    assert 0 < sum(ours.values()) <= KILOBYTES * 1000
    others = sorted(found.keys() - ours.keys())
    assert len(others) <= FOREIGN, others
    assert {name.partition(".")[0] for name in others} <= set(sys.stdlib_module_names) | {"numpy", "org"}
