"""The page on security tells what the source says: its variables, its limits."""

from __future__ import annotations

import re
from pathlib import Path

import funcnn
from funcnn.checkpoints import leftovers, manifests
from funcnn.params import trees
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
SOURCES = {path: path.read_text(encoding="utf-8") for path in Path(funcnn.__file__).parent.rglob("*.py")}


def test_every_variable_of_the_environment_is_told() -> None:
    """Those that the source reads, and no others."""
    told = set(re.findall(r"^\| `(FUNCNN_\w+)`", PAGE, re.MULTILINE))
    read = {name for text in SOURCES.values() for name in re.findall(r"[\"'](FUNCNN_\w+)[\"']", text)}
    assert told == read


def test_the_limits_are_those_of_the_source() -> None:
    """Levels, subtrees, names, minutes."""
    assert f"{trees.LEVELS} levels" in PAGE
    assert f"{manifests.SUBTREES:,} subtrees and {manifests.SUBTREES_A_LEAF} more for every leaf" in PAGE
    names = f"{manifests.MANIFEST_BYTES >> 20} MiB of names and {manifests.MANIFEST_BYTES_A_LEAF} bytes more"
    assert names in PAGE and leftovers.STALE == 600 and "for ten minutes" in PAGE


def test_who_unpickles_and_evaluates() -> None:
    """Nothing of the package but the programs that the page names, and mypy's plugin, which reads its own cache."""
    words = re.compile(r"\b(?:pickle\.loads?|eval|exec|allow_pickle=True)\(")
    home = Path(funcnn.__file__).parent
    found = {path.relative_to(home).parts[0] for path, text in SOURCES.items() if words.search(_code(text))}
    assert found <= {"testing", "mypy_plugin", "hooks", "distributed"}


def _code(text: str) -> str:
    """A program without its docstrings, whose examples may do what they like."""
    return re.sub(r'"""(?:.|\n)*?"""', "", text)
