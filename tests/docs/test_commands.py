"""The commands that the README and the pages of docs name exist and take what they are given."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, blocks, code

OPTION = re.compile(r"--[\w-]+")


def commands(page: Path) -> list[str]:
    """What a page tells to type, one command each, comments taken off."""
    lines = [line for text in blocks(page, "sh") for line in text.splitlines()]
    lines += [span for span in code(page.read_text(encoding="utf-8")) if "python" in span.split(" ")[0]]
    parts = [part.strip() for line in lines for part in re.sub(r"\s#.*", "", line).split("&&")]
    return [part for part in parts if re.match(r"(?:\.venv/bin/)?python3? ", part)]


COMMANDS = [
    pytest.param(command, id=f"{page.relative_to(ROOT)}: {command}"[:100]) for page in PAGES for command in commands(page)
]


def source(words: list[str]) -> str:
    """The text of the program that a command runs; that of pytest's plugin where it runs pytest."""
    if words[1] != "-m":
        return (ROOT / words[1]).read_text(encoding="utf-8")
    if words[2] == "pytest":
        return (ROOT / "funcnn" / "hooks" / "for_pytest.py").read_text(encoding="utf-8") + "--hypothesis-seed"
    if words[2] in ("venv", "mypy", "pip"):
        return "--strict"
    spec = importlib.util.find_spec(words[2])
    assert spec is not None, words[2]
    main = importlib.util.find_spec(f"{words[2]}.__main__") if spec.submodule_search_locations else spec
    assert main is not None and main.origin is not None, words[2]
    return "".join(path.read_text(encoding="utf-8") for path in Path(main.origin).parent.glob("*.py"))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_exists(command: str) -> None:
    """Its program or module is there, and reads every option that is named."""
    text = source(shlex.split(command))
    assert [option for option in OPTION.findall(command) if option not in text] == []


def test_there_are_commands() -> None:
    """They were found."""
    assert len(COMMANDS) > 8


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
