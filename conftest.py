"""What doctests may use without importing it: everything the library exports, and NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import funcnn


@pytest.fixture(autouse=True)
def _doctest_names(doctest_namespace: dict[str, object]) -> None:
    doctest_namespace.update({name: getattr(funcnn, name) for name in dir(funcnn) if not name.startswith("_")})
    doctest_namespace["np"] = np
