"""The wheel and the source distribution: what is in them, what they say of themselves, and that they run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

import funcnn

ROOT = Path(funcnn.__file__).parent.parent
NAME = f"funcnn-{funcnn.__version__}"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRA = re.compile(r"pip install '(?:funcnn|\.)\[([\w,]+)\]'")
MODULES = {path.relative_to(ROOT).as_posix() for path in (ROOT / "funcnn").rglob("*.py")}
SHIPPED = {
    path.relative_to(ROOT).as_posix()
    for folder in ("tests", "examples", "docs", "typings")
    for pattern in ("*.py", "*.pyi", "*.md", "*.npz", "*.txt", "*.csv", "*.ipynb", "*.svg")
    for path in (ROOT / folder).rglob(pattern)
}


def built(source: Path, folder: Path, target: str) -> Path:
    """Build a wheel or a source distribution."""
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder), "-t", target]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    (found,) = folder.glob("*.whl" if target == "wheel" else "*.tar.gz")
    return found


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree."""
    return built(ROOT, tmp_path_factory.mktemp("wheel"), "wheel")


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution of this tree, unpacked."""
    folder = tmp_path_factory.mktemp("sources")
    archive = built(ROOT, folder, "sdist")
    subprocess.run([sys.executable, "-m", "tarfile", "-e", str(archive), str(folder)], check=True)
    return folder / NAME


def metadata(text: str) -> Message:
    """What a distribution says of itself."""
    return Parser().parsestr(text)


def test_the_wheel_has_the_package_and_nothing_else(wheel: Path) -> None:
    """Every module, the marker of types, the licence; no tests."""
    with zipfile.ZipFile(wheel) as file:
        names = set(file.namelist())
    info = f"{NAME}.dist-info"
    assert {name for name in names if not name.startswith(info)} == MODULES | {"funcnn/py.typed"}
    assert f"{info}/licenses/LICENSE" in names


def test_what_the_wheel_says(wheel: Path) -> None:
    """The name, the licence, the authors, Python, NumPy alone, and every extra."""
    with zipfile.ZipFile(wheel) as file:
        said = metadata(file.read(f"{NAME}.dist-info/METADATA").decode())
        entries = file.read(f"{NAME}.dist-info/entry_points.txt").decode()
    assert (said["Name"], said["Version"], said["Author"]) == ("funcnn", funcnn.__version__, "funcnn contributors")
    assert (said["License-Expression"], said["Requires-Python"]) == ("MIT", ">=3.11")
    required = said.get_all("Requires-Dist") or []
    assert [line for line in required if "extra ==" not in line] == ["numpy>=2.2"]
    assert set(said.get_all("Provides-Extra") or []) == set(PROJECT["optional-dependencies"])
    assert "[pytest11]" in entries and "[hypothesis]" in entries
    assert said.get_payload() == (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_wheel_runs(wheel: Path, tmp_path: Path) -> None:
    """Straight out of the file, away from this tree: the self-test passes."""
    environment = {**os.environ, "PYTHONPATH": str(wheel)}
    program = "import funcnn.__main__ as m, sys; assert '.whl' in m.__file__, m.__file__; sys.exit(m.main([]))"
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_sources_are_whole(sources: Path) -> None:
    """What the tests, the pages and the gate need is in them; what tools leave behind is not."""
    names = {path.relative_to(sources).as_posix() for path in sources.rglob("*") if path.is_file()}
    assert MODULES | SHIPPED | {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", ".ci/run"} <= names
    assert [name for name in names if "__pycache__" in name or name.endswith((".pyc", ".so"))] == []


def test_the_sources_make_the_same_wheel(sources: Path, wheel: Path, tmp_path: Path) -> None:
    """File for file, to the byte."""
    with zipfile.ZipFile(wheel) as here, zipfile.ZipFile(built(sources, tmp_path, "wheel")) as there:
        assert {n: there.read(n) for n in there.namelist()} == {n: here.read(n) for n in here.namelist()}


def test_python_versions() -> None:
    """The classifiers name the oldest Python that is asked for, and each after it up to the newest that is tested."""
    named = [line.rsplit(" ", 1)[1] for line in PROJECT["classifiers"] if "Python :: 3." in line]
    assert PROJECT["requires-python"] == f">={named[0]}"
    assert [int(version.split(".")[1]) for version in named] == list(range(11, 11 + len(named)))


def test_extras_that_are_named_exist() -> None:
    """Wherever a message or a page tells to install an extra, there is one."""
    texts = [*(ROOT / "funcnn").rglob("*.py"), *(ROOT / "docs").rglob("*.md"), ROOT / "README.md"]
    named = {name for path in texts for name in EXTRA.findall(path.read_text(encoding="utf-8"))}
    assert {extra for names in named for extra in names.split(",")} - set(PROJECT["optional-dependencies"]) == {
        "no_such_package"  # in an example of the error
    }
