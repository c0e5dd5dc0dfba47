"""Which test runs: noted by the pytest plugin, asked for by laws that are tried in the body of a test."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

running: ContextVar[pytest.Item | None] = ContextVar("running", default=None)
