"""The README and the pages of docs as the tests read them."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    """The blocks of a page in this language, in order."""
    found = re.findall(r"^```(\w+)\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return [text for name, text in found if name == language]


def rows(page: Path) -> list[list[str]]:
    """The cells of all rows of all tables of a page, without heads and rules."""
    found: list[list[str]] = []
    lines = page.read_text(encoding="utf-8").splitlines()
    for i, line in enumerate(lines):
        if line.startswith("|") and not line.startswith("|---") and not lines[i + 1 : i + 2][:1] == ["|---|---|"]:
            found.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return found


def code(cell: str) -> list[str]:
    """What stands in a cell as code."""
    return [span.replace(r"\|", "|") for span in re.findall(r"`([^`]+)`", cell)]
