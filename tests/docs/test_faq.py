"""The page of questions: each is answered in short, leads on, and has code that runs behind that of the ones before."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import ROOT, blocks

PAGE = ROOT / "docs" / "faq.md"


def questions() -> dict[str, str]:
    """What stands below every heading."""
    _, *parts = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {part.split("\n")[0]: part.split("\n", 1)[1] for part in parts}


def test_there_are_twenty() -> None:
    """At least."""
    assert len(questions()) >= 20


@pytest.mark.parametrize("question", questions())
def test_an_answer_is_short_and_has_code(question: str) -> None:
    """Two to five sentences, and one block of a few lines."""
    text, code, rest = re.split(r"^```\w*$", questions()[question], flags=re.MULTILINE)
    prose = re.sub(r"`[^`]*`", "code", re.sub(r"\]\([^)]*\)", "]", text))
    assert 2 <= len(re.findall(r"[.?!:](?=\s|$)", prose)) <= 6
    assert 1 <= len(code.strip().splitlines()) <= 5 and not rest.strip()


def test_all_lines_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In their order, in a fresh folder; those that need PyTorch as far as their import, which does without."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "faq"}
    for text in blocks(PAGE, "py"):
        lines = text.split("module = ")[0] if "bridges.torch" in text else text
        exec(compile(lines, "faq", "exec"), names)
    assert callable(names["to_torch"]) and names["again"] == names["net"]
