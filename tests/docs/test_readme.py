"""The README tells the truth: its programs run, its commands are those that are tested."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest
from mypy import api

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def python_blocks() -> list[str]:
    """The Python programs of the README, in order."""
    return [text for language, text in BLOCKS if language == "python"]


def sessions() -> list[str]:
    """The interactive sessions of the README, in order."""
    return [text for language, text in BLOCKS if language == "pycon"]


@pytest.mark.parametrize("number", range(len(python_blocks())))
def test_programs_run_as_printed(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each program of the README runs by itself."""
    monkeypatch.chdir(tmp_path)
    exec(compile(python_blocks()[number], f"README program {number}", "exec"), {"__name__": "readme"})


def test_sessions_print_what_they_show() -> None:
    """The sessions of the README print what stands there, each going on where the one before ended."""
    text = "\n".join(sessions())
    test = doctest.DocTestParser().get_doctest(text, {}, "README sessions", "README.md", 0)
    printed: list[str] = []
    doctest.DocTestRunner(optionflags=FLAGS).run(test, out=printed.append)
    assert not printed, "".join(printed)


def test_mypy_says_what_the_readme_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wrong program, under the two lines of configuration, gives the output that stands there, line for line."""
    (program,) = [text for language, text in BLOCKS if language == "py"]
    (config,) = [text for language, text in BLOCKS if language == "toml"]
    (shown,) = [text for language, text in BLOCKS if language == "text" and text.startswith("$ mypy")]
    (tmp_path / "wrong.py").write_text(program, encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(config, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    out, err, _ = api.run(["wrong.py"])
    assert (out.splitlines(), err) == (shown.splitlines()[1:], "")


def test_there_is_something_to_run() -> None:
    """The blocks above were found."""
    assert python_blocks() and sessions()


@pytest.mark.parametrize("command", ["examples/digits.py", "-m pytest"])
def test_the_two_commands_make_an_environment(command: str) -> None:
    """Both commands work on a fresh machine: each makes a virtual environment and installs into it."""
    lines = [line for language, text in BLOCKS if language == "sh" for line in text.splitlines() if command in line]
    assert lines
    assert any("python3 -m venv" in line and "pip install" in line for line in lines)


def test_the_gate_installs_and_tests_as_the_readme_says() -> None:
    """The same extras, the same test command."""
    gate = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    (line,) = [
        line for language, text in BLOCKS if language == "sh" for line in text.splitlines() if "-m pytest" in line
    ]
    extras = re.search(r"'\.\[\w+\]'", line)
    assert extras is not None and f"-e {extras[0]}" in gate and "-m pytest" in gate
