"""The tutorial notebook: its cells run one after the other, and show a line, a picture, tables and plots.

This is without Jupyter; with it, the page on contributing has the command.
"""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import matplotlib
import pytest
from matplotlib import pyplot
from matplotlib.axes import Axes

import funcnn

NOTEBOOK = Path(__file__).parents[2] / "examples" / "tutorial.ipynb"
CELLS: list[dict[str, Any]] = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
CODE = ["".join(cell["source"]) for cell in CELLS if cell["cell_type"] == "code"]


class Notebook:
    """What stands in for Jupyter: it runs cells, and keeps what they display."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.names: dict[str, Any] = {"__name__": "__main__"}
        self.lines: list[list[str]] = []
        ipython, display = ModuleType("IPython"), ModuleType("IPython.display")
        vars(ipython).update(version_info=(9, 0), get_ipython=lambda: SimpleNamespace(kernel=object()), display=display)
        vars(display).update(display=self.display)
        monkeypatch.setitem(sys.modules, "IPython", ipython)
        monkeypatch.setitem(sys.modules, "IPython.display", display)

    def display(self, bundle: dict[str, str], *, raw: bool, display_id: bool) -> SimpleNamespace:
        """A line that is kept up to date."""
        assert raw and display_id
        line = [bundle["text/plain"]]
        self.lines.append(line)

        def update(bundle: dict[str, str], *, raw: bool) -> None:
            assert raw
            line.append(bundle["text/plain"])

        return SimpleNamespace(update=update)

    def run(self, cell: str) -> Any:
        """Run a cell; the value of what stands last, if it is an expression."""
        *body, last = ast.parse(cell).body
        if isinstance(last, ast.Expr):
            exec(compile(ast.Module(body, []), "a cell", "exec"), self.names)
            return eval(compile(ast.Expression(last.value), "a cell", "eval"), self.names)
        exec(compile(cell, "a cell", "exec"), self.names)
        return None


def test_all_cells_run_and_show_what_the_text_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line of progress, a picture of the network, tables, two plots, and an accuracy that is worth it."""
    matplotlib.use("Agg")
    notebook = Notebook(monkeypatch)
    try:
        values = [notebook.run(cell) for cell in CODE]
    finally:
        pyplot.close("all")
    (line,) = notebook.lines
    assert len(line) > 1 and line[-1].startswith("epoch 12  ") and "validation accuracy" in line[-1]
    (picture,) = [v for v in values if hasattr(v, "_repr_svg_")]
    assert picture._repr_svg_().startswith("<svg ") and "Conv(16, (3, 3))" in picture
    tables = [v for v in values if hasattr(v, "_repr_html_")]
    assert [type(v).__name__ for v in tables] == ["Summary", "Params", "History"]
    assert all("<table" in v._repr_html_() for v in tables)
    (history,) = [v for v in values if isinstance(v, funcnn.History)]
    assert history.columns == ("epoch", "step", "train_loss", "loss", "accuracy")
    assert len([v for v in values if isinstance(v, Axes)]) == 2
    assert notebook.names["found"]["accuracy"] > 0.95


def test_it_is_kept_without_outputs() -> None:
    """So that a change of it can be read: `jupyter nbconvert --clear-output --inplace` takes them away."""
    kept = [(cell["outputs"], cell["execution_count"]) for cell in CELLS if cell["cell_type"] == "code"]
    assert kept == [([], None)] * len(CODE)
    assert NOTEBOOK.stat().st_size < 20_000


def test_its_links_lead_somewhere() -> None:
    """From the folder of examples."""
    text = "".join("".join(cell["source"]) for cell in CELLS if cell["cell_type"] == "markdown")
    links = [part.split(")")[0] for part in text.split("](")[1:]]
    assert links and all((NOTEBOOK.parent / link).is_file() for link in links)
