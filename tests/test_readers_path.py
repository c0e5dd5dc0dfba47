"""How much a reader reads to understand one `apply` and one `vjp`: the files of `docs/contributing/house.md`, counted."""

from __future__ import annotations

import ast
import io
import tokenize
from pathlib import Path

import pytest

import funcnn

ROOT = Path(funcnn.__file__).parent
PATH = (
    "params/mapping.py", "keys.py", "calculus.py", "networks/definitions.py", "networks/children.py",
    "networks/series.py", "networks/pair.py", "layers/dense.py",
)  # fmt: skip
"""In the order in which they are read, behind `__init__.py`, which is a list of names and grows with the catalogue."""

LIMIT = 645
"""Lines of code: no docstrings, comments, blank lines, overloads. Before anything is added here, something leaves."""

NO_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


def code_lines(text: str) -> int:
    """The lines of a program that are neither docstrings nor comments, neither blank nor of an overload."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in NO_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            lines.difference_update(range(node.lineno, (node.end_lineno or 0) + 1))
        elif isinstance(node, ast.FunctionDef):
            marks = [d for d in node.decorator_list if isinstance(d, ast.Name) and d.id == "overload"]
            if marks:
                lines.difference_update(range(marks[0].lineno, (node.end_lineno or 0) + 1))
    return len(lines)


def test_what_counts() -> None:
    """Statements count by their lines, and nothing else does."""
    program = (
        '"""A docstring\nof two lines."""\n\n# a comment\nx = (\n    1,  # one\n)\n\n\n'
        '@overload\ndef f(x: int) -> int: ...\n@cache\ndef f(x):\n    """Tells."""\n    return """a\nstring"""\n'
    )
    assert code_lines(program) == 3 + 2 + 2


@pytest.mark.parametrize("name", PATH)
def test_the_page_on_the_house_names_them(name: str) -> None:
    """In this order."""
    page = (ROOT.parent / "docs" / "contributing" / "house.md").read_text(encoding="utf-8")
    told = next(line for line in page.splitlines() if line.startswith("To understand a layer, read in this order"))
    places = [told.index(f"`{other}`") for other in PATH]
    assert places == sorted(places) and f"`{name}`" in told


def test_the_path_is_short() -> None:
    """All the rest of the core is behind the door."""
    found = {name: code_lines((ROOT / name).read_text(encoding="utf-8")) for name in PATH}
    assert sum(found.values()) <= LIMIT, found


def test_the_public_face_is_a_list_of_names() -> None:
    """Imports, `__all__` and where names come from, and no code that a reader would have to understand."""
    body = ast.parse((ROOT / "__init__.py").read_text(encoding="utf-8")).body
    assigned = {ast.unparse(t) for node in body if isinstance(node, ast.Assign) for t in node.targets}
    kinds = {type(node) for node in body}
    assert kinds <= {ast.Expr, ast.ImportFrom, ast.Assign, ast.Import, ast.FunctionDef, ast.If} and "__all__" in assigned
