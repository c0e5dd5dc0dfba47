"""How the house is laid out: every file imports its own floor and those below, nothing goes in circles."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

import funcnn

ROOT = Path(funcnn.__file__).parent
FLOORS = (
    "errors version warned",
    "types",
    "keys generators shapes nested values records recorded_functions documentation array_kinds inputs kernels foreign late_names",
    "arguments cotangents calculus params promises pulling",
    "initializers schedules checkpoints",
    "networks",
    "layers losses optimizers inspection decoding",
    "combinators",
    "blocks metrics derivatives stax bridges weights",
    "minimizing training files",
    "plotting estimators distributed",
    "__init__ authoring",
    "testing hooks mypy_plugin",
    "about",
    "__main__",
)
"""From the ground up. What stands on one line is on one floor."""

NETWORKS = (
    "statistics joining", "definitions", "rules mistakes by_parts", "children", "series rebuilding replaying",
    "diagnosis constructors leaks endings",
    "doors sampling", "pictures", "functions asides", "pair", "surgery", "__init__",
)  # fmt: skip
"""The floors inside `networks`."""

MODULES = {
    ".".join(("funcnn", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted(ROOT.rglob("*.py"))
}


class Import(NamedTuple):
    """A line that imports one of our modules."""

    module: str
    line: int
    inside: bool  # a function


def imports(text: str) -> Iterator[Import]:
    """Every import of ours in a program, those inside functions and for type checkers alone included."""
    tree = ast.parse(text)
    inner = {
        node
        for function in ast.walk(tree)
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef))
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            below = [f"{node.module}.{alias.name}" for alias in node.names]
            found = {name if name in MODULES else node.module for name in below}
        elif isinstance(node, ast.Import):
            found = {alias.name for alias in node.names}
        else:
            continue
        for name in sorted(found):
            if name in MODULES:
                yield Import(name, node.lineno, node in inner)


@cache
def imported(name: str) -> tuple[Import, ...]:
    """What a module imports, read once."""
    return tuple(imports(MODULES[name].read_text(encoding="utf-8")))


def graph() -> dict[str, set[str]]:
    """What each file imports. A package's face is a file like any other."""
    return {name: {found.module for found in imported(name)} for name in MODULES}


def floors(*lines: str) -> dict[str, int]:
    """The number of each floor by name."""
    return {name: i for i, names in enumerate(lines) for name in names.split()}


def climbs(found: Mapping[str, set[str]], levels: Mapping[str, int], place: int) -> list[str]:
    """The imports that point up, of modules by the part of their name at this place."""

    def level(module: str) -> int:
        return levels[(module.split(".") + ["__init__"])[place]]

    return [f"{name} -> {other}" for name, others in found.items() for other in others if level(other) > level(name)]


def circle(found: Mapping[str, set[str]]) -> list[str]:
    """One circle of files, if there is one."""
    try:
        TopologicalSorter(found).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_arrows_point_down() -> None:
    """What stands on a floor imports its own floor and those below, nowhere those above."""
    assert climbs(graph(), floors(*FLOORS), 1) == []


def test_arrows_point_down_inside_networks() -> None:
    """There the floors are files."""
    inside = {
        name: {other for other in others if other.startswith("funcnn.networks")}
        for name, others in graph().items()
        if name.startswith("funcnn.networks")
    }
    assert climbs(inside, floors(*NETWORKS), 2) == []


def test_nothing_goes_in_circles() -> None:
    """No file needs a file that needs it, not even for its types."""
    assert circle(graph()) == []


def test_circles_are_seen() -> None:
    """Of two files, of three, and through an import for type checkers or inside a function."""
    text = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from funcnn.keys import Key\n"
    assert [found.module for found in imports(text)] == ["funcnn.keys"]
    assert [found.inside for found in imports("def f():\n    import funcnn.errors\n")] == [True]
    assert [found.module for found in imports("from funcnn import shapes, Dense")] == ["funcnn", "funcnn.shapes"]
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})
    assert circle({"a": {"b"}, "b": {"c"}}) == []
    assert climbs({"funcnn.keys": {"funcnn.training.rows"}}, floors(*FLOORS), 1)


@pytest.mark.parametrize("name", MODULES)
def test_imports_inside_functions_give_a_reason(name: str) -> None:
    """In a comment on their line, or on the line above."""
    lines = ["", *MODULES[name].read_text(encoding="utf-8").splitlines()]
    late = [found for found in imported(name) if found.inside]
    assert [f.module for f in late if "#" not in lines[f.line] and not lines[f.line - 1].strip().startswith("#")] == []


def test_kernels_know_nothing_of_layers() -> None:
    """They import each other, errors and the names of types."""
    known = ("funcnn.kernels", "funcnn.types", "funcnn.errors")
    found = {other for name, others in graph().items() if name.startswith("funcnn.kernels") for other in others}
    assert {name for name in found if not name.startswith(known)} == set()
