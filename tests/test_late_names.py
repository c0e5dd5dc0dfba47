"""Names that are loaded when they are first asked for: which there are, where they come from, and in which order."""

from __future__ import annotations

import ast
import importlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

import funcnn
from tests.test_public import BESIDE

ROOT: Final = Path(funcnn.__file__).parent
MODULES: Final = sorted(
    ".".join(("funcnn", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")
    for path in ROOT.rglob("*.py")
    if path.name != "__main__.py"
)
HOMES: Final[dict[str, str]] = vars(funcnn)["_HOMES"]


FORKS: Final = """
import os, sys, numpy.random
for program in sys.argv[1:]:
    if not os.fork():
        try:
            exec(program)
        except ModuleNotFoundError as error:
            os._exit((error.name or "").startswith("funcnn"))
        except BaseException:
            os._exit(1)
        os._exit(0)
    if os.wait()[1]:
        print(program)
"""
needs_forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="a new process for each of hundreds takes minutes")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """In which modules are compiled once."""
    found = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return found | {"PYTHONPYCACHEPREFIX": str(tmp_path_factory.mktemp("compiled"))}


def failing(programs: list[str], environment: dict[str, str]) -> list[str]:
    """Those that fail, each in a process where only NumPy is loaded; a package of others may be missing."""
    command = [sys.executable, "-c", FORKS, *programs]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.splitlines()


def test_python_and_type_checkers_read_the_same_names() -> None:
    """From the same modules, and no other than the public ones."""
    tree = ast.parse((ROOT / "__init__.py").read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    typed = {(node.module, alias.name) for node in imports for alias in node.names}
    late = [(f"funcnn.{home}", name) for home, names in HOMES.items() for name in names.split()]
    assert len(imports) == len(block.body) and typed == set(late)
    assert sorted(name for _, name in late) == sorted([*funcnn.__all__, *BESIDE])


def test_a_name_is_the_one_of_its_module_and_stays() -> None:
    """It is an ordinary attribute once it was asked for."""
    for home, names in HOMES.items():
        for name in names.split():
            value = getattr(importlib.import_module(f"funcnn.{home}"), name)
            assert getattr(funcnn, name) is value and vars(funcnn)[name] is value


def test_a_name_loads_what_it_needs(environment: dict[str, str]) -> None:
    """The package next to nothing, a layer no optimizer and no training."""
    program = (
        "import sys, funcnn\nprint(sorted(m for m in sys.modules if m.startswith('funcnn')))\n"
        "from funcnn import Dense, Relu, serial\n"
        "print(sorted({m.split('.')[1] for m in sys.modules if m.startswith('funcnn.')}))"
    )
    command = [sys.executable, "-c", program]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    package, layers = map(ast.literal_eval, run.stdout.splitlines())
    assert package == ["funcnn", "funcnn.kernels", "funcnn.kernels.settings", "funcnn.late_names", "funcnn.version"]
    assert not {"optimizers", "training", "losses", "metrics", "derivatives"} & set(layers)


@needs_forks
@pytest.mark.parametrize("before", ["", "from funcnn import Relu, adam; "])
def test_modules_are_attributes_as_type_checkers_say(before: str, environment: dict[str, str]) -> None:
    """Of a package that was only just imported, and of one of which some names are in use."""
    programs = [f"{before}import funcnn; assert funcnn.{home}.__name__ == 'funcnn.{home}'" for home in HOMES]
    assert failing(programs, environment) == []


@needs_forks
def test_every_module_can_be_the_first(environment: dict[str, str]) -> None:
    """No import works only because another one came before."""
    assert failing([f"import {name}" for name in MODULES], environment) == []
    assert failing(["import funcnn.nothing", "1 / 0", "import nothing"], environment) == [
        "import funcnn.nothing", "1 / 0",
    ]  # fmt: skip


def test_what_is_not_there_is_told() -> None:
    """Names of other libraries with ours, all else as Python says it; special names are looked for in no file."""
    package: Any = funcnn
    for name in ("Denes", "__wrapped__", "_hidden", "nothing"):
        assert not hasattr(package, name)
    with pytest.raises(AttributeError, match="^module 'funcnn' has no attribute 'Denes'$"):
        package.Denes  # noqa: B018
    with pytest.raises(AttributeError, match="funcnn has no 'Linear'; its word is Dense"):
        package.Linear  # noqa: B018
    with pytest.raises(ImportError, match="funcnn has no 'Linear'; its word is Dense"):
        exec("from funcnn import Linear")
    with pytest.raises(ImportError, match="cannot import name 'Denes' from 'funcnn'"):
        exec("from funcnn import Denes")
