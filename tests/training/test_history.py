"""Histories: columns and rows, files, and what they print as."""

from __future__ import annotations

import csv
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from funcnn import History
from tests.refusals import refusal

ROWS = [{"epoch": i + 1, "loss": 1 / 3 / (i + 1), "found": np.array([i, 2.0])} for i in range(4)]
HISTORY = History(ROWS, best=2)


def test_columns_and_rows() -> None:
    """By name, and in order."""
    assert HISTORY.columns == ("epoch", "loss", "found") and len(HISTORY) == 4
    assert HISTORY["epoch"].tolist() == [1, 2, 3, 4] and HISTORY["loss"][3] == 1 / 12
    assert HISTORY["found"].shape == (4, 2)
    assert HISTORY.rows[1]["loss"] == 1 / 6 and HISTORY.best == 2


def test_numbers_of_numpy_become_pythons() -> None:
    """So that they compare and print as such."""
    row = History([{"a": np.float32(0.5), "b": np.int64(3), "c": np.array(2.0)}]).rows[0]
    assert [(type(v), v) for v in row.values()] == [(float, 0.5), (int, 3), (float, 2.0)]


def test_it_never_changes() -> None:
    """Neither by its owner, nor through what it was made of."""
    array = np.zeros(2)
    history = History([{"a": array}])
    array += 1
    assert history.rows[0]["a"].tolist() == [0, 0]
    with pytest.raises(ValueError, match="read-only"):
        history.rows[0]["a"][0] = 1
    said = refusal(lambda: setattr(history, "best", 3), AttributeError)
    assert "a history never changes" in said


def test_histories_compare_and_pickle() -> None:
    """By their rows and the best one; NaN is like NaN."""
    assert pickle.loads(pickle.dumps(HISTORY)) == HISTORY == History(ROWS, best=2)
    assert len({HISTORY, History(ROWS, best=2), History(ROWS, best=1), History(ROWS[:3], best=2)}) == 3
    assert History([{"loss": float("nan")}]) == History([{"loss": float("nan")}])
    assert HISTORY != 3


def test_no_epochs() -> None:
    """An empty table."""
    assert repr(History()) == "History of no epochs" and History().columns == () and len(History()["loss"]) == 0


def test_what_it_prints_as() -> None:
    """A table, the best row with a star."""
    assert repr(HISTORY) == (
        "  epoch     loss      found\n"
        "      1   0.3333  array(2,)\n"
        "      2   0.1667  array(2,)\n"
        "*     3   0.1111  array(2,)\n"
        "      4  0.08333  array(2,)"
    )


@pytest.mark.parametrize(("best", "lines"), [(None, 14), (0, 14), (5, 14), (6, 16), (50, 16), (93, 16), (94, 14)])
def test_a_long_one(best: int | None, lines: int) -> None:
    """Has its ends shown, and the best row."""
    found = repr(History([{"epoch": i + 1} for i in range(100)], best)).splitlines()
    assert len(found) == lines and found[1].strip("* ") == "1" and found[-1].strip("* ") == "100"
    assert [line.strip("* ") for line in found if line.startswith("*")] == ([] if best is None else [str(best + 1)])


def test_json(tmp_path: Path) -> None:
    """Columns by name; every digit; what is not finite is null."""
    rows = [{"epoch": 1, "loss": 0.1 + 0.2, "v": np.array([np.inf, 1])}, {"epoch": 2, "loss": np.nan, "v": np.ones(2)}]
    History(rows).to_json(tmp_path / "history.json")
    found = json.loads((tmp_path / "history.json").read_text())
    assert found == {"epoch": [1, 2], "loss": [0.1 + 0.2, None], "v": [[None, 1.0], [1.0, 1.0]]}


def test_csv(tmp_path: Path) -> None:
    """Rows under their names; every digit, and names with commas."""
    History([{"epoch": 1, "a, b": 0.1 + 0.2}, {"epoch": 2, "a, b": -np.inf}]).to_csv(tmp_path / "history.csv")
    with (tmp_path / "history.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["epoch", "a, b"] and [float(v) for _, v in rows] == [0.1 + 0.2, -np.inf]


@pytest.mark.parametrize("write", [History.to_csv, History.to_json])
def test_a_file_that_cannot_be_written(write: Any, tmp_path: Path) -> None:
    """Is an error of the operating system about that file."""
    with pytest.raises(FileNotFoundError, match="nowhere"):
        write(HISTORY, tmp_path / "nowhere" / "file")
    with pytest.raises(TypeError):
        write(HISTORY, 3)


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (lambda: HISTORY["accuracy"], KeyError, "no column 'accuracy'; this history has epoch, loss, found"),
        (lambda: History([{"a": 1}, {"b": 1}]), ValueError, "have the same columns, got ['a'] and ['b']"),
        (lambda: History([{"a": 1}], best=1), ValueError, "the best row must be one of 1, got 1"),
        (lambda: History(best=0), ValueError, "the best row must be one of 0, got 0"),
    ],
)  # fmt: skip
def test_refusals(act: Any, error: type[Exception], message: str) -> None:
    """By name."""
    assert message in refusal(act, error)


def test_a_table_in_notebooks() -> None:
    """What looks like markup is text, the best row has its star, and of many rows the first and the last are shown."""
    found = History([{"epoch": i + 1, "<b>": 0.5} for i in range(100)], 50)._repr_html_()
    assert "<th>&lt;b&gt;</th>" in found and "<b>" not in found and "<tr><td>*</td><td>51</td>" in found
    assert found.count("<tr>") == 1 + 6 + 1 + 1 + 1 + 6
    assert History()._repr_html_() == "<table><caption>History of no epochs</caption></table>"
