"""The benchmarks run, for this library alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "examples" / "benchmarks"


def run(*arguments: str) -> str:
    """What the program prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", str(FOLDER / "run.py"), *arguments, "--quick"],
        capture_output=True, text=True, timeout=300, check=False, env={**os.environ, "MPLBACKEND": "Agg"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_training_step_is_timed_in_both_forms() -> None:
    """Through the public calls, and in the loop of `fit`."""
    printed = run("xor")
    assert [line.split()[0] for line in printed.splitlines()] == ["xor,", "funcnn", "funcnn"]
    assert printed.count("ratio") == 2


def test_a_forward_pass_is_timed() -> None:
    """Of work that is inference only, and of every other on request."""
    assert "forward pass" in run("mlp inference, batch 1")
    assert "forward pass" in run("xor", "--inference")


def test_imports_are_timed() -> None:
    """Those of NumPy and of the library."""
    assert [line.split()[1] for line in run("--imports").splitlines()] == ["numpy", "funcnn"]


@pytest.mark.parametrize("name", ["mlp 64-64-64-1, batch 8, momentum", "mlp 300-100-10, batch 32"])
def test_work_of_the_second_list_runs(name: str) -> None:
    """By its name."""
    assert run(name).startswith(name)
