"""Every example in every docstring runs, those of ready-made values too."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType

import numpy as np
import pytest

import funcnn

NAMES = {name: getattr(funcnn, name) for name in funcnn.__all__} | {"np": np}
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
LEFT_OUT = ("funcnn.mypy_plugin", "funcnn.testing.__main__")  # the first needs mypy, and has its own tests; the other is a program


def modules() -> Iterator[str]:
    """All modules of the package."""
    yield "funcnn"
    for found in pkgutil.walk_packages(funcnn.__path__, "funcnn."):
        if not found.name.startswith(LEFT_OUT):
            yield found.name


def examples(module: ModuleType) -> Iterator[doctest.DocTest]:
    """The examples of a module."""
    for test in doctest.DocTestFinder(exclude_empty=True).find(module, extraglobs=NAMES):
        if test.examples:
            yield test


@pytest.mark.parametrize("name", list(modules()))
def test_examples_run(name: str) -> None:
    """The examples of this module print what they say."""
    module = importlib.import_module(name)
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    printed: list[str] = []
    for test in examples(module):
        runner.run(test, out=printed.append)
    assert not printed, "".join(printed)
