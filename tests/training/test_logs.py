"""Rows in a file while training goes on: what is written is read, a run that goes on writes each step once."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import funcnn
from funcnn import append_row, read_rows
from funcnn.training import History

f: Any = funcnn
KINDS = pytest.mark.parametrize("name", ["log.jsonl", "log.csv"])


@KINDS
def test_rows_come_back(name: str, tmp_path: Path) -> None:
    """In order, NumPy's numbers as Python's own, to the last bit; a history is made of them."""
    rows = [{"step": i, "loss": 1 / 3**i, "rate": 1e-3} for i in range(5)]
    for row in rows:
        append_row(tmp_path / name, {k: np.float64(v) if k == "loss" else np.array(v)[()] for k, v in row.items()})
    assert read_rows(tmp_path / name) == rows
    assert History(read_rows(tmp_path / name))["loss"].tolist() == [row["loss"] for row in rows]


@KINDS
def test_numbers_that_are_none(name: str, tmp_path: Path) -> None:
    """NaN comes back as NaN; JSON has no infinity and keeps to JSON, CSV has one."""
    append_row(tmp_path / name, {"step": 1, "loss": float("nan"), "norm": np.inf, "said": "a, \"b\"\nc"})
    (row,) = read_rows(tmp_path / name)
    assert math.isnan(row["loss"]) and row["step"] == 1 and row["said"].startswith('a, "b"')
    if name.endswith("jsonl"):
        text = (tmp_path / name).read_text()
        assert json.loads(text, parse_constant=lambda word: pytest.fail(word))["norm"] is None
    else:
        assert row["norm"] == math.inf


@KINDS
def test_a_run_that_goes_on(name: str, tmp_path: Path) -> None:
    """From a checkpoint behind which the file has more: every step stands there once, with what was found last."""
    for first in (1, 4, 4, 2):
        for step in range(first, 7):
            append_row(tmp_path / name, {"step": step, "loss": first + step / 10})
    assert read_rows(tmp_path / name) == [{"step": 1, "loss": 1.1}] + [
        {"step": step, "loss": 2 + step / 10} for step in range(2, 7)
    ]


@KINDS
@pytest.mark.parametrize("lost", range(1, 25, 3))
def test_a_line_that_was_cut_off(name: str, lost: int, tmp_path: Path) -> None:
    """Wherever a crash cuts the file: reading leaves the line out, and the next row takes its place."""
    path = tmp_path / name
    for step in (1, 2):
        append_row(path, {"step": step, "loss": 0.5, "rate": 0.125})
    os.truncate(path, path.stat().st_size - lost)
    kept = [row["step"] for row in read_rows(path)]
    assert kept in ([1], [])
    append_row(path, {"step": 7, "loss": 0.5, "rate": 0.125})
    assert [row["step"] for row in read_rows(path)] == [*kept, 7]


@KINDS
def test_a_file_of_nothing_and_long_lines(name: str, tmp_path: Path) -> None:
    """An empty file is one without rows; lines may be longer than what is read at a time."""
    path = tmp_path / name
    path.touch()
    assert read_rows(path) == []
    rows = [{"step": i, "said": "x" * 9000} for i in range(1, 4)]
    for row in [*rows, rows[1], rows[2]]:
        append_row(path, {**row})
    assert [(row["step"], len(str(row["said"]))) for row in read_rows(path)] == [(1, 9000), (2, 9000), (3, 9000)]


def test_other_columns_and_other_orders(tmp_path: Path) -> None:
    """Rows of JSON may have their own names; `order` says by what they come, None of it that they only follow."""
    path = tmp_path / "log.jsonl"
    append_row(path, {"epoch": 1, "weights": np.arange(3)}, order="epoch")
    append_row(path, {"epoch": 2, "more": {"a": np.float32(0.5)}}, order="epoch")
    append_row(path, {"note": "stopped"}, order="epoch")
    append_row(path, {"epoch": 2, "loss": 1.0}, order="epoch")
    rows = read_rows(path)
    assert [row.get("epoch") for row in rows] == [1, 2, None, 2] and rows[0]["weights"] == [0, 1, 2]


def test_inside_of_fit(tmp_path: Path) -> None:
    """One line in the body of the loop; stopped and gone on with, the file is that of one run."""
    net = f.Dense(1)
    _, params = net.init(0, (-1, 2))
    data = np.ones((8, 2), np.float32), np.ones((8, 1), np.float32)

    def run(start: Any, name: str, most: int) -> Any:
        state = start
        for state, step in f.fit(f.squared_error, net.apply, f.sgd(0.1), start, data, epochs=2, batch_size=2):
            append_row(tmp_path / name, {"step": step.step, "loss": step.loss})
            if step.step == most:
                break
        return state

    run(params, "whole.csv", 99)
    third = run(params, "parts.csv", 3)
    run(third, "parts.csv", 6)
    run(third, "parts.csv", 99)
    assert (tmp_path / "parts.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_refusals(tmp_path: Path) -> None:
    """What is no row, other columns of a table, an order that is none, a line that is no row."""
    path: Any = tmp_path / "log.csv"
    append_row(path, {"step": 1, "loss": 0.5})
    with pytest.raises(ValueError, match="has the columns step, loss, the row step, accuracy"):
        append_row(path, {"step": 2, "accuracy": 0.5})
    with pytest.raises(ValueError, match="the order of rows is a number, step is 'two'"):
        append_row(path, {"step": "two", "loss": 0.5})
    with pytest.raises(TypeError, match="takes a row, a mapping"):
        f.append_row(path, [1, 2])
    with pytest.raises(TypeError, match="takes the path of a file, got int 3"):
        f.append_row(3, {})
    with pytest.raises(FileNotFoundError):
        append_row(tmp_path / "missing" / "log.csv", {"step": 1})
    (tmp_path / "odd.jsonl").write_text('{"step": 1}\n[3]\n')
    with pytest.raises(ValueError, match="line 2 of .* is no row"):
        read_rows(tmp_path / "odd.jsonl")
