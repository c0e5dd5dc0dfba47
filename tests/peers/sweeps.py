"""The recipes of docs/distributed.md for Dask and Ray: `PYTHONPATH=. python -m tests.peers.sweeps dask ray`, with them
installed. What comes back is, bit for bit, what runs here give; called again, runs go on from their folders."""

from __future__ import annotations

import os
import sys
import tempfile
from typing import Any

from tests.docs.pages import ROOT, blocks

PAGE = ROOT / "docs" / "distributed.md"
ENGINES = ("dask", "ray")


def recipe(engine: str) -> str:
    """The program of the page that imports it."""
    (found,) = [text for text in blocks(PAGE, "py") if f"import {engine}" in text or f"from {engine}" in text]
    return found


def main(engines: list[str]) -> None:
    """Run them, twice each."""
    (sweep,) = [text for text in blocks(PAGE, "python") if "joblib" in text]
    for engine in engines:
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            here: dict[str, Any] = {"__name__": "__main__"}
            exec(compile(sweep, "the sweep", "exec"), here)
            wanted = here["found"]
            for _ in range(2):
                exec(compile(recipe(engine).replace('"runs"', repr(f"{folder}/runs")), engine, "exec"), here)
                assert here["found"] == wanted, engine
            assert len(os.listdir("runs")) == len(here["grid"])
            os.chdir(ROOT)
        print(f"{engine}: {len(wanted)} runs, the same bits as here")


if __name__ == "__main__":
    main(sys.argv[1:] or list(ENGINES))
