"""Every example runs, as a program, and does what it says."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
PROGRAMS = sorted(EXAMPLES.glob("*.py"))


def load(name: str) -> ModuleType:
    """An example as a module."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_runs_as_a_program(program: Path, tmp_path: Path) -> None:
    """`python examples/name.py --quick` ends well and prints something, from any folder."""
    done = subprocess.run(
        [sys.executable, "-W", "error", str(program), "--quick"],
        cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False, env={**os.environ, "MPLBACKEND": "Agg"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_digits_learns(tmp_path: Path) -> None:
    """A few epochs on a part of the scans are enough for 9 digits in 10, and leave a picture and params behind."""
    from funcnn import load_params

    digits = load("digits")
    found = digits.main(["--quick", "--out", str(tmp_path)])
    assert found > 0.9
    assert (tmp_path / "digits.png").read_bytes().startswith(b"\x89PNG")
    assert load_params(tmp_path / "digits.npz").paths() == digits.net.init(0, (1, 8, 8, 1))[1].paths()


def test_xor_is_learnt() -> None:
    """Every row ends within 0.05 of its target."""
    xor = load("xor")
    assert np.max(np.abs(xor.main([]) - xor.TARGET)) < 0.05


def test_equal_rows_give_equal_rows() -> None:
    """The stack of mixed activations maps equal rows to equal rows, in float32, and never below zero."""
    y = load("feedforward").main([])
    assert y.dtype == np.float32
    assert np.array_equal(y[0], y[3])
    assert (y >= 0).all()


def test_the_neuron_is_the_one_by_hand() -> None:
    """1 / (1 + exp(-0.45)) = 0.6106..."""
    assert load("neuron").neuron() == pytest.approx(0.6106, abs=1e-4)


def test_the_network_of_widths_learns_to_add() -> None:
    """The loss falls far below the variance of the sum."""
    assert load("neuron").main(["--quick"]) < 0.02


def test_regression_explains_the_data() -> None:
    """R2 on unseen patients is what linear models reach on these data, about one half."""
    assert load("regression").main(["--quick"]) > 0.35
