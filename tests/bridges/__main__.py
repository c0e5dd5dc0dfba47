"""What needs PyTorch, JAX or Thinc, which the tests do without: `python -m tests.bridges jax torch thinc`, or some.

Runs the files `live_<library>_*.py` beside this one, and the programs of docs/bridges.md for it. Every library that is
named, PyTorch and JAX where none is, has to be installed.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

LIBRARIES = ("jax", "torch")
OTHERS = ("thinc",)


def main(names: list[str]) -> int:
    """What pytest returns."""
    if unknown := sorted({*names} - {*LIBRARIES, *OTHERS}):
        sys.exit(f"the libraries are {', '.join((*LIBRARIES, *OTHERS))}, not {', '.join(unknown)}")
    wanted = names or [*LIBRARIES]
    if missing := [name for name in wanted if importlib.util.find_spec(name) is None]:
        sys.exit(f"{' and '.join(missing)} must be installed: pip install {' '.join(missing)}")
    files = [str(path) for name in wanted for path in sorted(Path(__file__).parent.glob(f"live_{name}_*.py"))]
    plugin = () if "funcnn.hooks.for_pytest" in sys.modules else ("-p", "funcnn.hooks.for_pytest")
    return pytest.main(["-q", "-p", "no:cacheprovider", *plugin, *files])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
