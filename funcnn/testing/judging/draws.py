"""Does a function draw random numbers, from elsewhere than its key?"""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Final

import numpy as np

from funcnn.keys import Key

SOURCES: Final = (np.random, random)


def asks_elsewhere(initializer: Callable[..., Any], leaf: Any) -> bool:
    """Does an initializer get random numbers from NumPy or Python themselves, and not from its key?"""
    with _heard() as asked:
        try:
            initializer(Key(0), leaf.shape, leaf.dtype)
        except Exception:  # its own law says so
            return True
    return bool(asked) or any(_is_source(value) for value in _known(initializer))


@contextmanager
def _heard() -> Generator[list[str], None, None]:
    asked: list[str] = []
    kept = [(module, name, f) for module in SOURCES for name, f in _functions(module)]

    def listening(name: str, f: Callable[..., Any]) -> Callable[..., Any]:
        def heard(*args: Any, **kwargs: Any) -> Any:
            asked.append(name)
            return f(*args, **kwargs)

        return heard

    try:
        for module, name, f in kept:
            setattr(module, name, listening(name, f))
        yield asked
    finally:
        for module, name, f in kept:
            setattr(module, name, f)


def _functions(module: ModuleType) -> list[tuple[str, Callable[..., Any]]]:
    """Functions alone, not classes: a key makes its generator out of these."""
    return [(n, f) for n, f in vars(module).items() if not n.startswith("_") and callable(f) and not inspect.isclass(f)]


def _known(f: Any) -> list[Any]:
    """What a function names of its module, and what it has closed over."""
    names = getattr(getattr(f, "__code__", None), "co_names", ())
    inside = getattr(f, "__globals__", {})
    closed: tuple[Any, ...] = getattr(f, "__closure__", None) or ()
    return [*(inside[n] for n in names if n in inside), *(cell.cell_contents for cell in closed)]


def _is_source(value: Any) -> bool:
    sources = [f for module in SOURCES for _, f in _functions(module)]
    made = isinstance(value, (np.random.Generator, np.random.RandomState, random.Random))
    return made or any(value is f for f in sources)
