"""`python -m funcnn`: what it tells, and that its self-test finds faults."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import funcnn
from funcnn.__main__ import main
from funcnn.about import environment, selftest
from funcnn.about.environment import Extra, extras, facts

ROOT = Path(funcnn.__file__).parent.parent


def test_the_program() -> None:
    """It tells the version first, ends with the laws, and needs less than ten seconds of a processor."""
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-m", "funcnn"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    lines = ran.stdout.splitlines()
    assert lines[0] == f"funcnn       {funcnn.__version__}"
    assert lines[-1].startswith("  laws")
    assert "FAILED" not in ran.stdout


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """A line."""
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"funcnn {funcnn.__version__}\n"


def test_without_the_test(capsys: pytest.CaptureFixture[str]) -> None:
    """Only what is here."""
    assert main(["--no-test"]) == 0
    assert "self-test" not in capsys.readouterr().out


def test_settings_are_told() -> None:
    """Those of the environment, as they were read."""
    settings = {**os.environ, "FUNCNN_THREADS": "3", "FUNCNN_SCRATCH": "7", "FUNCNN_WINOGRAD": "0"}
    program = "from funcnn.about.environment import facts; print(*facts().values(), sep='\\n')"
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=settings, cwd=ROOT, check=True
    )
    told = dict(zip(facts(), ran.stdout.splitlines(), strict=True))
    assert told["threads"] == "3, by FUNCNN_THREADS"
    assert told["scratch"].startswith("7 MB")
    assert told["Winograd"].startswith("off")
    assert told["NumPy"] == np.__version__


@pytest.mark.parametrize(
    ("chosen", "found", "told"),
    [
        ("Haswell", ["X86_V3", "X86_V4"], True),
        ("Zen", ["AVX512_ICL"], True),
        ("Haswell", ["X86_V3"], False),
        ("SkylakeX", ["X86_V4"], False),
        (None, ["X86_V4"], False),
    ],
)
def test_slow_products_are_told(
    monkeypatch: pytest.MonkeyPatch, chosen: str | None, found: list[str], told: bool
) -> None:
    """Where OpenBLAS leaves AVX-512 unused that is there."""
    monkeypatch.setattr(environment, "architecture", lambda: chosen)
    monkeypatch.setattr(np, "show_config", lambda mode: {"SIMD Extensions": {"found": found}})
    assert (environment.advice() is not None) == told


def test_extras(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every extra with its packages; those that are missing with the command that installs them."""

    def requires(_: str) -> list[str]:
        return [
            "numpy>=2.2",
            "pytest>=8; extra == 'one'",
            "hypothesis[numpy]>=6; python_version > '3' and extra == \"one\"",
            "no-such-package; extra == 'two'",
            "funcnn[one]; extra == 'three'",
        ]

    monkeypatch.setattr(metadata, "requires", requires)
    one, two = extras()
    assert (one.name, one.installed, list(one.packages)) == ("one", True, ["pytest", "hypothesis"])
    assert metadata.version("pytest") in str(one)
    assert str(two) == "without no-such-package: pip install 'funcnn[two]'"


def test_not_installed_by_pip(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """That is told, and is no error."""

    def requires(name: str) -> list[str]:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", requires)
    assert extras() == ()
    assert main(["--no-test"]) == 0
    assert "not installed by pip" in capsys.readouterr().out


def test_extras_of_the_project_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every one in pyproject.toml that names a package is of the form that is read."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    given = {
        name: [p for p in packages if "funcnn" not in p] for name, packages in project["optional-dependencies"].items()
    }
    lines = [f"{package}; extra == '{name}'" for name, packages in given.items() for package in packages]
    monkeypatch.setattr(metadata, "requires", lambda _: lines)
    assert {extra.name: len(extra.packages) for extra in extras()} == {n: len(ps) for n, ps in given.items() if ps}
    assert Extra("none", {}).installed


@pytest.mark.parametrize(
    ("check", "name", "fault"),
    [
        ("keys", "Key", lambda seed: funcnn.Key(f"other {seed}")),
        ("training", "squared_error", lambda y, t: np.float32(1.0)),
        ("files", "load_params", lambda path: funcnn.Params({})),
    ],
)
def test_the_self_test_finds_faults(monkeypatch: pytest.MonkeyPatch, check: str, name: str, fault: Any) -> None:
    """A part that is broken is named; the next one runs."""
    monkeypatch.setattr(selftest, name, fault)
    (found,) = selftest.run({check: selftest.CHECKS[check]})
    assert not found.passed, found.said


def test_a_wrong_pullback_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """One whose gradients are a hundred-thousandth too large."""

    def vjp(*arguments: Any) -> Any:
        y, pull = funcnn.vjp(*arguments)
        return y, lambda dy: pull(dy * (1 + 1e-5))

    monkeypatch.setattr(selftest, "vjp", vjp)
    (found,) = selftest.run({"derivatives": selftest.CHECKS["derivatives"]})
    assert (found.passed, found.said[:22]) == (False, "gradients differ from ")


def test_a_check_that_raises_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """By its error, and the exit status is 1."""

    def raises() -> str:
        raise OSError("no room")

    every = selftest.run

    monkeypatch.setattr(selftest, "run", lambda: every({"files": raises, "keys": selftest.CHECKS["keys"]}))
    assert main([]) == 1
    captured = capsys.readouterr()
    assert "FAILED: OSError: no room" in captured.out
    assert "draw the numbers" in captured.out
    assert "FUNCNN_THREADS=1" in captured.err
