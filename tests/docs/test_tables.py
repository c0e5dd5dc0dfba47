"""The tables of the pages for those who come from elsewhere: every word of ours in them runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.pages import ROOT, code, rows

# What the tables take for granted: a network with its params, data for regression and for classes, a training step.
PREPARED = """
import numpy as np
import funcnn
from funcnn import *
from funcnn import astype, partition, ravel, repeat, select, split, trace
from funcnn import initializers, optimizers, schedules

key, shape, step = Key(0), (-1, 4), 3
x, target = np.ones((8, 4), np.float32), np.ones((8, 3), np.float32)
x_train, x_test, labels = x, x, np.array([0, 1, 2, 0, 1, 2, 0, 1])
images = np.ones((2, 6, 6, 3), np.float32)
net = serial(Dense(5), Relu, Dense(3))
out_shape, params = net.init(key, shape)
logits = net.apply(params, x)
optimizer = adam(1e-3)
state = optimizer.init(params)
value, grads = value_and_grad(squared_error, net.apply)(params, x, target)
"""
PAGES = [*sorted((ROOT / "docs").glob("coming_from_*.md")), ROOT / "docs" / "losses_and_optimizers.md"]
ROWS = [pytest.param(row[-1], id=f"{page.stem} {row[0]}"[:80]) for page in PAGES for row in rows(page)]


@pytest.mark.parametrize("cell", ROWS)
def test_what_a_table_says_runs(cell: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The code of the last cell, one piece after the other; `...` stands for whatever there is."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(PREPARED, names)
    for piece in code(cell):
        exec(compile(piece, "a table", "exec"), names)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_there_is_something_to_read(page: Path) -> None:
    """Each page has a table, and nearly every row of it says something in code."""
    found = rows(page)
    assert sum(bool(code(row[-1])) for row in found) > 0.7 * len(found) > 7
