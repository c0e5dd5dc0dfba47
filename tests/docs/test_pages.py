"""The README and the pages of docs tell the truth: their programs run, their links lead somewhere."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from mypy import api

from tests.docs.pages import PAGES, ROOT, blocks

FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS

PROGRAMS = [
    pytest.param(text, id=f"{page.relative_to(ROOT)} {i}")
    for page in PAGES for i, text in enumerate(blocks(page, "python"))
]  # fmt: skip
TESTS = [program for program in PROGRAMS if re.search(r"^(?:Test\w+ =|def test_)", str(program.values[0]), re.MULTILINE)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project as the page on types has it: mypy with the plugin, and a program whose types are pinned."""
    page = ROOT / "docs" / "types.md"
    (tmp_path / "pyproject.toml").write_text(blocks(page, "toml")[0], encoding="utf-8")
    (tmp_path / "tests" / "typing").mkdir(parents=True)
    (tmp_path / "tests" / "typing" / "images.py").write_text(blocks(page, "py")[-1], encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("text", PROGRAMS)
def test_programs_run_as_printed(text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each program runs by itself."""
    monkeypatch.chdir(folder)
    exec(compile(text, "a program", "exec"), {"__name__": "readme"})


@pytest.mark.parametrize("text", TESTS)
def test_tests_pass_as_printed(text: str, folder: Path) -> None:
    """A program that defines tests is a test file: pytest finds them, and all pass."""
    (folder / "test_program.py").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_program.py"],
        cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, "CI": "true"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert re.search(r"^\d+ passed", done.stdout, re.MULTILINE)


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


def test_every_page_is_reached() -> None:
    """By links, from the README."""
    found, left = set[Path](), [ROOT / "README.md"]
    while left:
        page = left.pop()
        found.add(page)
        links = re.findall(r"\]\(([\w./-]+\.md)\)", page.read_text(encoding="utf-8"))
        left += sorted({(page.parent / link).resolve() for link in links} - found)
    assert [str(page) for page in PAGES if page not in found] == []


def test_every_example_is_linked() -> None:
    """From the README."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in (ROOT / "examples").glob("*.py") if f"(examples/{path.name})" not in text] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_has_two_versions_of_anything(page: Path) -> None:
    """The marks that Git leaves where two did not agree."""
    assert re.findall(r"^(?:<<<<<<<|>>>>>>>) .*$", page.read_text(encoding="utf-8"), re.MULTILINE) == []


def test_the_readme_is_short() -> None:
    """What is longer stands in docs."""
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 250


def test_mypy_says_what_the_page_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wrong program, under the two lines of configuration, gives the output that stands there, line for line."""
    page = ROOT / "docs" / "types.md"
    program, (config,) = blocks(page, "py")[0], blocks(page, "toml")
    (shown,) = [text for text in blocks(page, "text") if text.startswith("$ mypy")]
    (tmp_path / "wrong.py").write_text(program, encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(config, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    out, err, _ = api.run(["wrong.py"])
    assert (out.splitlines(), err) == (shown.splitlines()[1:], "")


def test_there_is_something_to_run() -> None:
    """The blocks above were found."""
    assert len(PROGRAMS) > 9 and len(TESTS) > 3 and blocks(ROOT / "README.md", "pycon")
