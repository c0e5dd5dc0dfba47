"""The README and the pages of docs tell the truth: their programs run, their links lead somewhere."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest
from mypy import api

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def blocks(page: Path, language: str) -> list[str]:
    """The blocks of a page in this language, in order."""
    found = re.findall(r"^```(\w+)\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return [text for name, text in found if name == language]


PROGRAMS = [
    pytest.param(text, id=f"{page.relative_to(ROOT)} {i}")
    for page in PAGES for i, text in enumerate(blocks(page, "python"))
]  # fmt: skip


@pytest.mark.parametrize("text", PROGRAMS)
def test_programs_run_as_printed(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each program runs by itself."""
    monkeypatch.chdir(tmp_path)
    exec(compile(text, "a program", "exec"), {"__name__": "readme"})


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "pycon")], ids=lambda page: page.name)
def test_sessions_print_what_they_show(page: Path) -> None:
    """The sessions of a page print what stands there, each going on where the one before ended."""
    test = doctest.DocTestParser().get_doctest("\n".join(blocks(page, "pycon")), {}, page.name, page.name, 0)
    printed: list[str] = []
    doctest.DocTestRunner(optionflags=FLAGS).run(test, out=printed.append)
    assert not printed, "".join(printed)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every file that is linked or named as a path is in the repository."""
    text = page.read_text(encoding="utf-8")
    links = [page.parent / link for link in re.findall(r"\]\(([\w./-]+)\)", text)]
    named = [ROOT / name for name in re.findall(r"`((?:examples|tests|funcnn|docs)/[\w/.]+)`", text)]
    assert [str(path) for path in links + named if not path.exists()] == []


def test_every_example_is_linked() -> None:
    """From the README."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in (ROOT / "examples").glob("*.py") if f"(examples/{path.name})" not in text] == []


def test_the_readme_is_short() -> None:
    """What is longer stands in docs."""
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 250


def test_mypy_says_what_the_page_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wrong program, under the two lines of configuration, gives the output that stands there, line for line."""
    page = ROOT / "docs" / "types.md"
    (program,), (config,) = blocks(page, "py"), blocks(page, "toml")
    (shown,) = [text for text in blocks(page, "text") if text.startswith("$ mypy")]
    (tmp_path / "wrong.py").write_text(program, encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(config, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    out, err, _ = api.run(["wrong.py"])
    assert (out.splitlines(), err) == (shown.splitlines()[1:], "")


def test_there_is_something_to_run() -> None:
    """The blocks above were found."""
    assert len(PROGRAMS) > 9 and blocks(ROOT / "README.md", "pycon")


@pytest.mark.parametrize("command", ["examples/digits.py", "-m pytest"])
def test_the_two_commands_make_an_environment(command: str) -> None:
    """Both commands work on a fresh machine: each makes a virtual environment and installs into it."""
    lines = [line for text in blocks(ROOT / "README.md", "sh") for line in text.splitlines() if command in line]
    assert lines
    assert any("python3 -m venv" in line and "pip install" in line for line in lines)


def test_the_gate_installs_and_tests_as_the_readme_says() -> None:
    """The same extras, the same test command."""
    gate = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    (line,) = [
        line for text in blocks(ROOT / "README.md", "sh") for line in text.splitlines() if "-m pytest" in line
    ]
    extras = re.search(r"'\.\[\w+\]'", line)
    assert extras is not None and f"-e {extras[0]}" in gate and "-m pytest" in gate
