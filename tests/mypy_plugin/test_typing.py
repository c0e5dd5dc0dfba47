"""The type contract: what mypy, with the plugin, says about the programs in `typings/`; those it accepts run."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from funcnn.testing.typing_cases import TypingCase, marks, mypy_cases
from tests.mypy_plugin.mypy_runs import ROOT, Project, cache

TYPINGS = ROOT / "typings"
PARTS = [TYPINGS / part for part in ("accept", "infer", "plugin", "refuse")]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
CASES = mypy_cases(
    *PARTS, *EXAMPLES, options=("--config-file", str(TYPINGS / "mypy.ini"), "--cache-dir", str(cache("typings")))
)
PLAIN = mypy_cases(
    TYPINGS / "plain", options=("--config-file", str(TYPINGS / "plain.ini"), "--cache-dir", str(cache("plain")))
)
"""Programs that any checker judges; `pyright` is told of them in `pyproject.toml`, and says nothing where all is well."""


def test_mypy_says_what_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every line of every program, in one run: reported with the code and text it is marked with, or not at all."""
    monkeypatch.chdir(ROOT)
    wrong: list[str] = []
    for case in CASES + PLAIN:
        try:
            case.check()
        except AssertionError as error:
            wrong.append(str(error))
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("case", [c for c in CASES if c.path.parent.name in ("accept", "infer")], ids=str)
def test_what_mypy_accepts_runs(case: TypingCase) -> None:
    """A program without a mark runs through: what type checkers say is not all there is to say."""
    runpy.run_path(str(case.path))


def test_every_refused_line_has_a_code() -> None:
    """A program in `refuse` is wrong on every line that calls something, so it has many marks and each has its code."""
    lines = [line for c in CASES if c.path.parent.name == "refuse" for line in c.path.read_text().splitlines()]
    refused = [m for line in lines for m in marks(line)]
    assert len(refused) > 60
    assert all(m.code for m in refused)


def test_the_readme_shows_what_mypy_says(tmp_path: Path) -> None:
    """The README's wrong programs, and under each what a plain configuration makes mypy say about it."""
    readme = (ROOT / "docs" / "types.md").read_text("utf-8")
    shown = r"^```py\n(.*?)```\n+```text\n\$ mypy (.*?)\n(.*?)```"
    found = re.findall(shown, readme, re.M | re.S)
    assert found
    for program, command, expected in found:
        project = Project(tmp_path, columns=False)
        project.write(command, program)
        assert project.output(command) == expected
