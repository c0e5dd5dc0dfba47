"""What the plugin costs, as counts of what it does: what is read, how often, and how many ways are kept apart."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mypy.options import Options

import funcnn
from funcnn.mypy_plugin import plugin, trust
from funcnn.mypy_plugin.flow import frames, imports, reading, shelf, trials
from funcnn.mypy_plugin.flow.core import Library
from funcnn.mypy_plugin.flow.machine import Machine
from funcnn.mypy_plugin.flow.shelf import Files, Shelf
from funcnn.mypy_plugin.flow.values import options
from funcnn.mypy_plugin.runs import Runner
from funcnn.mypy_plugin.trust import Loader, Trust


def counted(patched: pytest.MonkeyPatch, module: Any, name: str) -> list[tuple[Any, ...]]:
    """The arguments of every call of a function of a module, from here on."""
    calls: list[tuple[Any, ...]] = []
    f: Callable[..., Any] = getattr(module, name)

    def noted(*args: Any) -> Any:
        calls.append(args)
        return f(*args)

    patched.setattr(module, name, noted)
    return calls


def read(folder: Path, text: str) -> reading.Found:
    """What a program says, read as mypy's first question makes the plugin read it."""
    path = folder / "program.py"
    path.write_text(f"from funcnn import *\nimport sys\n{text}\n", "utf-8")
    found = Shelf().read(str(path), "program")
    assert found is not None
    return reading.meetings(found, Files({"program": str(path)}, Shelf()), Runner(Loader(Trust())), Library({}, {}))


BRANCHES = {
    "returns": ["if n > {i}:", "    if m > {i}:", "        return Dense({i} + 1)"],
    "errors": ["if n > {i}:", "    if m > {i}:", "        raise ValueError", "    elif m < 1:", "        return Relu"],
    "handlers": ["try:", "    print(n)", "except ValueError:", "    return Relu", "except KeyError:", "    n += 1"],
    "patterns": ["match n:", "    case {i}:", "        return Relu", "    case [m]:", "        n = m"],
    "loops": ["for _ in sys.argv:", "    if n > {i}:", "        return Relu", "    if m > {i}:", "        break"],
}


@pytest.mark.parametrize("tried", BRANCHES.values(), ids=BRANCHES)
def test_few_ways_are_kept_apart(tried: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of n statements with two ways through each there are 2 ** n."""
    seen: list[int] = []
    block = Machine.block

    def noted(self: Machine, body: Any, frame: Any) -> Any:
        came = block(self, body, frame)
        seen.append(options(came))
        return came

    monkeypatch.setattr(Machine, "block", noted)
    statements = "".join(f"    {line}\n".replace("{i}", str(i)) for i in range(20) for line in tried)
    text = f"def f(n: int, m: int) -> Layer[Array, Array]:\n{statements}    return Dense(n)\n"
    text += "f(int(sys.argv[1]), int(sys.argv[2])).init(0, (2, 3))\nDense(3).init(0, (2, 3))"
    found = read(tmp_path, text)
    assert 1 < max(seen) <= frames.OUTCOMES
    assert max(place.line for place in found.met) == 2 + len(text.splitlines())  # what stands behind it is read too


def test_what_goes_on_is_not_forgotten_where_there_are_many_ways() -> None:
    """A block that returns in a hundred ways, or goes on: what it bound before that may hold behind it."""
    fresh = map("#{}".format, itertools.count()).__next__
    came: Any = frames.NEXT
    for i in range(100):
        came = frames.parted(f"m == {i}", frames.Returned(i), came, fresh)
        assert frames.goes_on(came) and options(came) <= frames.OUTCOMES
    rest = frames.parted("n", frames.Returned(1), frames.NEVER, fresh)
    assert {*frames.leaves(frames.filled(came, rest, fresh))} >= {frames.NEVER}
    assert not frames.goes_on(frames.filled(came, rest, fresh))


def test_names_of_a_star_import_are_listed_once(tmp_path: Path) -> None:
    """Not for every name that is looked up."""
    trust.public_names.cache_clear()
    read(tmp_path, "\n".join(f"Dense({n}).init(0, (2, 3))" for n in range(1, 50)))
    assert trust.public_names.cache_info().misses == 1


def test_arrays_are_tried_once_for_the_same_arguments(tmp_path: Path) -> None:
    """A loop makes them again and again."""
    trials.shape_of.cache_clear()
    read(tmp_path, "import numpy as np\nx = np.zeros((8, 3))\nfor _ in range(500):\n    x = np.sin(x) + 1")
    assert trials.shape_of.cache_info().misses <= 4
    assert trials.shape_of.cache_info().hits > 500


def program(folder: Path, n: int, text: Callable[[int], str]) -> dict[str, str]:
    """The paths of n modules."""
    for i in range(n):
        (folder / f"m{i}.py").write_text(text(i), "utf-8")
    return {f"m{i}": str(folder / f"m{i}.py") for i in range(n)}


def test_files_are_not_parsed_to_see_what_they_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the imports of each are read once, in a circle too; of all of them one digest is made."""
    paths = program(tmp_path, 40, lambda i: f"from m{(i + 1) % 40} import f\nimport os, m{i // 2} as g\n# funcnn\n")
    parses = counted(monkeypatch, shelf, "parsed")
    imports.imports_of.cache_clear()
    of = Shelf()
    assert len({of.reached(path, module) for module, path in paths.items()}) == 1
    assert (len(parses), imports.imports_of.cache_info().misses) == (0, 40)


def test_files_that_do_not_reach_funcnn_have_no_digest(tmp_path: Path) -> None:
    """Of the others, it changes with every file that is reached: a constant may stand there."""
    paths = program(tmp_path, 4, lambda i: ["import funcnn, m1\n", "import m2\n", "WIDTH = 3\n", "import m2\n"][i])
    before = [Shelf().reached(path, module) for module, path in paths.items()]
    assert [bool(d) for d in before] == [True, False, False, False]
    Path(paths["m2"]).write_text("WIDTH = 4\n", "utf-8")
    assert Shelf().reached(paths["m0"], "m0") != before[0]


@pytest.mark.parametrize("line", [
    "from . import b", "from .b import c", "from p import (  # ) no\n  a,\n  b as d,\n)",
    "import os; import p.b as q", "import p.b", "import os, \\\n  p.b", "from p import a, \\\n  b",
    "if True: from p \\\n  import b", "from .. p import b",
    "from ..p.b import x",
])  # fmt: skip
def test_imports_are_found_in_the_text(line: str, tmp_path: Path) -> None:
    """In every form that Python has for them."""
    found = imports.imports_of(str(tmp_path / "p" / "a.py"), "p.a", f"x = 1\n{line}\n".encode())
    deeper = imports.imports_of(str(tmp_path / "q" / "p" / "a.py"), "q.p.a", f"x = 1\n{line}\n".encode())
    assert "p.b" in found or "q.p.b" in deeper


def test_only_files_with_the_word_are_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file of a program may bind a name of another one; most never name it."""
    paths = program(tmp_path, 30, lambda i: f"import m0\nm0.net{i} = 3\nnet = m0\n")
    parses = counted(monkeypatch, shelf, "parsed")
    rebound = Files(paths, Shelf()).rebound
    assert "m0.net7" in rebound and "m0.net" not in rebound and "m0.net7" in rebound
    assert [module for _, module in parses] == ["m7"]


def test_hooks_are_made_once() -> None:
    """mypy asks for them at every call of a program."""
    made = plugin("")(Options())
    name = f"{funcnn.Dense.__module__}.Dense"
    assert made.get_function_hook(name) is made.get_function_hook(name) is not None
    assert made.get_function_hook("numpy.zeros") is None
