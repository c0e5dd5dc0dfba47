"""Runs of mypy with the plugin over small projects."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
MESSAGE = re.compile(
    r"(?P<file>[\w/.]+):(?P<line>\d+):(?P<column>\d+): error: (?P<text>.*?)(?:  \[(?P<code>[\w-]+)\])?$"
)


def cache(name: str) -> Path:
    """A cache that is kept between runs, so that NumPy is not read again; one for every process at work."""
    return ROOT / ".mypy_cache" / f"{name}-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"


class Error(NamedTuple):
    """An error of mypy's."""

    file: str
    line: int
    column: int
    code: str
    text: str


class Project:
    """A folder with programs and a configuration."""

    def __init__(
        self,
        folder: Path,
        *,
        plugin: str = "funcnn.mypy_plugin",
        trusted: tuple[str, ...] = (),
        kept: str = "projects",
        columns: bool = True,
    ) -> None:
        self.folder = folder
        settings = [f'mypy_path = "{ROOT}"', f'cache_dir = "{cache(kept)}"']
        if columns:
            settings.append("show_column_numbers = true")
        if plugin:
            settings.append(f'plugins = ["{plugin}"]')
        listed = ", ".join(f'"{m}"' for m in trusted)
        table = f"\n[tool.funcnn.mypy]\ntrusted = [{listed}]\n" if trusted else ""
        self.write("pyproject.toml", "[tool.mypy]\n" + "\n".join(settings) + f"\n{table}")

    def write(self, name: str, source: str) -> None:
        """A file of the project, newer than what was there."""
        path = self.folder / name
        before = path.stat().st_mtime if path.exists() else 0.0
        path.write_text(source, "utf-8")
        now = max(path.stat().st_mtime, before + 2)  # caches compare whole seconds
        os.utime(path, (now, now))

    def output(
        self, *arguments: str, module: str = "mypy", env: Mapping[str, str] | None = None, seconds: float | None = None
    ) -> str:
        """What mypy prints."""
        clean = {k: v for k, v in os.environ.items() if k != "FUNCNN_MYPY_DEBUG"}
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            capture_output=True, text=True, check=False, cwd=self.folder, timeout=seconds,
            env={"PYTHONPATH": str(ROOT), **clean, **(env or {})},
        )  # fmt: skip
        return done.stdout + done.stderr

    def errors(
        self, *arguments: str, module: str = "mypy", env: Mapping[str, str] | None = None, seconds: float | None = None
    ) -> list[Error]:
        """What mypy finds wrong; it must not fail itself."""
        out = self.output(*arguments, module=module, env=env, seconds=seconds)
        assert "INTERNAL ERROR" not in out and "Traceback" not in out, out
        found = filter(None, map(MESSAGE.match, out.splitlines()))
        return [Error(m["file"], int(m["line"]), int(m["column"]), m["code"] or "", m["text"]) for m in found]
