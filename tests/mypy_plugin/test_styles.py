"""Programs in the styles of research code: right as they stand, and wrong by one line, which must be told where it is.

A line `# wrong: ...` says what stands in place of the next one in the wrong program, and `# guilty` marks the lines that
mypy must report there. Of the right program it says nothing, and both do when they run what mypy says.
"""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from tests.mypy_plugin.mypy_runs import Project

STYLES = sorted(path for path in (Path(__file__).parent / "styles").glob("*.py") if path.stem != "__init__")
GUILTY = "  # guilty"


def wrong(text: str) -> str:
    """The wrong program, with every statement on the line that it has in the right one."""
    return re.sub(r"^( *)# wrong: (.*)\n.*?(  # guilty)?$", r"\n\1\2\3", text, flags=re.M)


def programs(path: Path) -> dict[str, str]:
    """The right one and the wrong one."""
    text = path.read_text("utf-8")
    return {f"{path.stem}_right": text.replace(GUILTY, ""), f"{path.stem}_wrong": wrong(text)}


def test_mypy_tells_the_guilty_line(tmp_path: Path) -> None:
    """And no other; of all the programs in one run."""
    project = Project(tmp_path)
    texts = {name: text for path in STYLES for name, text in programs(path).items()}
    for name, text in texts.items():
        project.write(f"{name}.py", text)
    said = project.errors(*(f"{name}.py" for name in texts), "--strict")
    found = {name: sorted({e.line for e in said if e.file == f"{name}.py"}) for name in texts}
    marked = {name: [i for i, line in enumerate(t.splitlines(), 1) if GUILTY in line] for name, t in texts.items()}
    different = {name: (marked[name], found[name]) for name in texts if marked[name] != found[name]}
    assert different == {}
    assert all(marked[f"{path.stem}_wrong"] for path in STYLES) and len(STYLES) >= 30


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.stem)
def test_the_right_one_runs_and_the_wrong_one_does_not(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that mypy says nothing but the truth."""
    monkeypatch.setattr("sys.argv", ["program"])
    for name, text in programs(path).items():
        (tmp_path / f"{name}.py").write_text(text, "utf-8")
    runpy.run_path(str(tmp_path / f"{path.stem}_right.py"), run_name="__main__")
    with pytest.raises((ValueError, TypeError)):
        runpy.run_path(str(tmp_path / f"{path.stem}_wrong.py"), run_name="__main__")
