"""Every example in every docstring runs, those of ready-made values too."""

from __future__ import annotations

import ast
import doctest
import importlib
import pkgutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import funcnn
from funcnn import authoring

NAMES = {name: getattr(authoring, name) for name in authoring.__all__} | {"np": np}
NAMES |= {name: getattr(funcnn, name) for name in dir(funcnn) if not name.startswith("_")}
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
# the first needs mypy, the second is a program, the third needs PyTorch
LEFT_OUT = ("funcnn.mypy_plugin", "funcnn.testing.__main__", "funcnn.bridges.torch_modules")


def modules() -> Iterator[str]:
    """All modules of the package."""
    yield "funcnn"
    for found in pkgutil.walk_packages(funcnn.__path__, "funcnn."):
        if not found.name.startswith(LEFT_OUT):
            yield found.name


def examples(module: ModuleType) -> Iterator[doctest.DocTest]:
    """The examples of a module."""
    for test in doctest.DocTestFinder(exclude_empty=True).find(module, globs=NAMES | vars(module)):
        if test.examples:
            yield test
    for name, (text, line) in attribute_docs(module).items():
        test = doctest.DocTestParser().get_doctest(text, NAMES | vars(module), name, module.__file__, line)
        if test.examples:
            yield test


def attribute_docs(module: ModuleType) -> dict[str, tuple[str, int]]:
    """What stands under the assignments of a module: the documentation of values that cannot carry any."""
    found: dict[str, tuple[str, int]] = {}
    for before, after in pairwise(ast.parse(Path(module.__file__ or "").read_text()).body):
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) and isinstance(after.value.value, str):
            targets = [before.target] if isinstance(before, ast.AnnAssign) else getattr(before, "targets", [])
            found |= {t.id: (after.value.value, after.lineno - 1) for t in targets if isinstance(t, ast.Name)}
    return found


@pytest.mark.parametrize("name", list(modules()))
def test_examples_run(name: str) -> None:
    """The examples of this module print what they say."""
    module = importlib.import_module(name)
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    printed: list[str] = []
    for test in examples(module):
        runner.run(test, out=printed.append)
    assert not printed, "".join(printed)


@pytest.mark.parametrize("name", [name for name in NAMES if isinstance(NAMES[name], funcnn.Layer)])
def test_ready_made_layers_are_documented(name: str) -> None:
    """Under the assignment of a ready-made layer stands what it computes, with an example."""
    record = NAMES[name].init.record
    text, _ = attribute_docs(importlib.import_module(record.module))[name]
    assert ">>>" in text
