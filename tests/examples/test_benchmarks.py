"""The benchmarks run, for this library alone."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.distributed.jobs import missing

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
    """Those of NumPy, of the library, of the names a training program takes, and of all."""
    said = [line.split(" ms  ") for line in run("--imports").splitlines()]
    assert [program.split(" ")[:2] for _, program in said] == [["import", "numpy"], ["import", "funcnn"], *[["from", "funcnn"]] * 2]
    assert all(float(time) > 0 for time, _ in said)


def test_growth_is_drawn(tmp_path: Path) -> None:
    """A panel for every axis, and a line of milliseconds for every contestant."""
    printed = run("--scaling", str(tmp_path / "curves.svg")).splitlines()
    assert len(printed) == 12 and all(line.split()[0] == "funcnn" for line in printed[1::2])
    assert all(float(ms) > 0 for line in printed[1::2] for ms in line.split()[1:3])
    assert "tokens" in printed[10] and "<svg" in (tmp_path / "curves.svg").read_text()


SECOND = [
    "mlp 64-64-64-1, batch 8, momentum", "mlp 300-100-10, batch 32",
    "gru 5-10, 8 steps, batch 16", "lstm 32-64 both ways, lengths",
    "layer norm", "100 tokens, one by one", "gpt, width 192, 6 heads, 200 tokens, batch 3",
]  # fmt: skip


@pytest.mark.parametrize("name", SECOND)
def test_work_of_the_second_list_runs(name: str) -> None:
    """By its name."""
    assert run(name).startswith(name)


def test_convolutions_are_timed_by_both_algorithms() -> None:
    """A table with a row for every size: both times, the memory, and which one is taken."""
    done = subprocess.run(
        [sys.executable, "-W", "error", str(FOLDER / "convolutions.py"), "--sizes", "8", "16", "--channels", "3", "16",
         "--windows", "3", "5", "--budget", "0.01"],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    tables = [table.splitlines() for table in done.stdout.strip().split("\n\n")]
    assert [table[0] for table in tables] == ["| 3 x 3 | 3 | 16 |", "| 5 x 5 | 3 | 16 |"]
    assert [line.split(" |")[0] for line in tables[0][2:]] == ["| 8", "| 16"]
    time = r"\d+(\.\d)?"
    direct, winograd = rf"\*\*{time}\*\* / {time}, \d+\.\d", rf"{time} / \*\*{time}\*\*, \d+\.\d"
    assert all(re.fullmatch(rf"\| \d+ \| {direct} \| {winograd} \|", line) for line in tables[0][2:])
    assert all(re.fullmatch(rf"\| \d+ \| {winograd} \| {winograd} \|", line) for line in tables[1][2:])


def test_the_plugin_is_timed() -> None:
    """Over a project of three modules, in which it finds nothing wrong."""
    done = subprocess.run(
        [sys.executable, "-W", "error", str(FOLDER / "checking.py"), "--modules", "3", "--rounds", "1"],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"3 modules: mypy [\d.]+ s, with the plugin [\d.]+ s: [\d.]+\n", done.stdout)


def test_ranks_are_timed_and_reckoned() -> None:
    """One of them, with every network and sum; and the model that the page shows, to the last digit."""
    program = [sys.executable, "-W", "error", str(FOLDER / "ranks.py")]
    paper = subprocess.run([*program, "--paper"], capture_output=True, text=True, timeout=60, check=True).stdout
    page = FOLDER.parents[1] / "docs" / "distributed.md"
    assert len(paper.splitlines()) == 10 and paper in page.read_text(encoding="utf-8")
    if missing() is None:
        command = [*program, "--ranks", "1", "--quick"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        assert len(done.stdout.splitlines()) == 10


def test_large_work_is_timed_beside_bare_calls() -> None:
    """A row for each job, with times and memory."""
    done = subprocess.run(
        [sys.executable, "-W", "error", str(FOLDER / "large.py"), "--small", "--times", "1"],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    cells = [line.strip("| ").split(" | ") for line in done.stdout.splitlines()[2:]]
    assert len(cells) == 8
    assert all(float(number) > 0 for row in cells for number in row[1:])


def test_single_layers_are_timed() -> None:
    """A row for every layer; the peers have the same layers."""
    program = [sys.executable, "-W", "error", str(FOLDER / "single.py"), "--quick"]
    done = subprocess.run(program, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    cells = [line.strip("| ").split(" | ") for line in done.stdout.splitlines()[2:]]
    assert len(cells) == 20 and all(float(row[1]) > 0 for row in cells)
    page = (FOLDER.parents[1] / "docs" / "speed.md").read_text(encoding="utf-8")
    assert all(f"| {row[0]} | " in page for row in cells)
    names = {row[0].split("`")[1] for row in cells}
    found = subprocess.run(
        [sys.executable, "-c", "import json, single_peers as p; print(json.dumps([list(p.TORCH), list(p.JAX)]))"],
        capture_output=True, text=True, timeout=60, check=True, cwd=FOLDER,
    )  # fmt: skip
    assert all(names <= set(peer) for peer in json.loads(found.stdout))
