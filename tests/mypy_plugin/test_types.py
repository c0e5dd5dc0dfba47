"""The whole repository passes the strict type checker."""

from __future__ import annotations

from pathlib import Path

from mypy import api

ROOT = Path(__file__).parents[2]


def test_mypy_strict_is_clean() -> None:
    """`mypy --strict` over package, tests, examples and typings, as configured in pyproject.toml."""
    out, err, status = api.run(["--config-file", str(ROOT / "pyproject.toml"), "--no-color-output"])
    assert (status, err) == (0, ""), out
