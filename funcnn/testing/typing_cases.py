"""Pin what mypy says about programs, on the line that it is about.

A case is a Python file. A line says what mypy must report on it; about a line that says nothing, mypy must be silent:

    net = serial(Flatten, Conv(8, (3, 3)))   # E[funcnn-shape]: Conv takes (batch
    reveal_type(net.out_shape((2, 3)))       # N: tuple[int

`E[code]` is an error with that code, `N` a note; what follows the colon must occur in the message. In a test file,

    @pytest.mark.parametrize("case", mypy_cases("tests/typing"), ids=str)
    def test_typing(case: TypingCase) -> None:
        case.check()

mypy runs once for all of them, with your own configuration, and only when the first one is checked.
"""

from __future__ import annotations

import functools
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

MARK: Final = re.compile(r"#\s*(?:E\[(?P<code>[\w-]+)\]|N)(?::|$)\s*(?P<text>.*?)\s*(?=#\s*(?:E\[[\w-]+\]|N)(?::|$)|$)")
LINE: Final = re.compile(
    r"(?P<file>.+?):(?P<line>\d+):\d+: (?P<kind>error|note): (?P<text>.*?)(?:  \[(?P<code>[\w-]+)\])?$"
)
OPTIONS: Final = (
    "--show-column-numbers", "--show-absolute-path", "--show-error-codes", "--hide-error-context", "--no-pretty",
    "--no-color-output", "--no-error-summary",
)  # fmt: skip


class Said(NamedTuple):
    """A message of mypy's, or what a mark wants to be said. A note has no code."""

    text: str
    code: str | None

    def __str__(self) -> str:
        return f"N: {self.text}" if self.code is None else f"E[{self.code}]: {self.text}"

    def wants(self, other: Said) -> bool:
        """Is that what this mark wants?"""
        return self.code == other.code and self.text in other.text


class TypingRun:
    """One process of mypy over several files."""

    def __init__(self, paths: Sequence[Path], options: Sequence[str]) -> None:
        self.paths, self.options = tuple(paths), tuple(options)

    @functools.cached_property
    def said(self) -> dict[tuple[Path, int], list[Said]]:
        """What mypy says, by file and line.

        Errors
            AssertionError   mypy itself failed; with its output
        """
        command = [sys.executable, "-m", "mypy", *OPTIONS, *self.options, *map(str, self.paths)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode not in (0, 1) or done.stderr:
            raise AssertionError(f"mypy failed:\n{done.stdout}{done.stderr}")
        found: defaultdict[tuple[Path, int], list[Said]] = defaultdict(list)
        for line in done.stdout.splitlines():
            if match := LINE.match(line):
                said = Said(match["text"], match["code"] if match["kind"] == "error" else None)
                found[Path(match["file"]).resolve(), int(match["line"])].append(said)
        return found


class TypingCase(NamedTuple):
    """A file with marks, and the run of mypy that it shares with others."""

    path: Path
    run: TypingRun

    def check(self) -> None:
        """Compare what mypy says with what the file says that it says.

        Errors
            AssertionError   they differ; with every line that does
        """
        found, wrong = self.run.said, list[str]()
        for n, source in enumerate(self.path.read_text("utf-8").splitlines(), 1):
            said = found.get((self.path.resolve(), n), [])
            wanted = marks(source)
            missing = [w for w in wanted if not any(w.wants(s) for s in said)]
            explained = any(w.code for w in wanted)  # notes beside an error belong to it
            extra = [s for s in said if not any(w.wants(s) for w in wanted) and not (explained and s.code is None)]
            wrong += [f"{self.path}:{n}: wanted {w}" for w in missing]
            wrong += [f"{self.path}:{n}: unexpected {s}" for s in extra]
        if wrong:
            raise AssertionError("\n".join(["mypy does not say what is written there:", *wrong]))

    def __str__(self) -> str:
        return f"{self.path.parent.name}/{self.path.stem}"


def marks(source: str) -> list[Said]:
    """What a line of source wants to be said about it.

    >>> marks("f(x)  # E[arg-type]: has incompatible type  # N: see there")
    [Said(text='has incompatible type', code='arg-type'), Said(text='see there', code=None)]
    """
    return [Said(m["text"], m["code"]) for m in MARK.finditer(source)]


def mypy_cases(*paths: str | Path, options: Sequence[str] = ()) -> list[TypingCase]:
    """The files with these paths, and the Python files in these folders, as cases that share one run of mypy.

    `options` are added to mypy's command line, `("--config-file", "mypy.ini")`.

    Errors
        FileNotFoundError   there is no such file, or no Python file in such a folder
    """
    found: list[Path] = []
    for path in map(Path, paths):
        files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
        if not files or not files[0].is_file():
            raise FileNotFoundError(f"{path} is no Python file, and no folder with any")
        found += files
    run = TypingRun(found, options)
    return [TypingCase(path, run) for path in found]
