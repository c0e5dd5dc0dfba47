"""Settings for every test: Hypothesis profiles, strict floating point, and the names that doctests use."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import settings

pytest_plugins = ["funcnn.hooks.for_pytest"]  # where funcnn is installed it is loaded anyway, under the same name

settings.register_profile("quick", max_examples=20, deadline=None)
settings.register_profile("ci", max_examples=25, deadline=None, derandomize=True)
settings.register_profile("fixed", max_examples=20, deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "quick")


@pytest.fixture(autouse=True)
def strict_floating_point() -> Iterator[None]:
    """Divisions by zero, overflows and invalid operations are errors, so that none goes unseen."""
    with np.errstate(divide="raise", over="raise", invalid="raise"):
        yield


@pytest.fixture
def same_cases() -> Iterator[None]:
    """The same cases at every run: for tests that a law fails, which a lucky draw must not pass."""
    before = settings.get_current_profile_name()
    settings.load_profile("fixed")
    yield
    settings.load_profile(before)
