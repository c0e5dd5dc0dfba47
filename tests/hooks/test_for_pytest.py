"""A user's project: one line a layer, options, the summary, the file that is written for them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

LAYERS = '''
import numpy as np
from funcnn import Array, Layer, layer
from funcnn.authoring import axes

@layer
def Cube(*, fault: bool = False) -> Layer[Array, Array]:
    def f(x):
        return x * x * x, lambda dy: (3.0 - 1e-6 * fault) * x * x * dy
    return Layer.lift(lambda shape: axes("Cube", shape, at_least=1), f)

@layer
def Shift(by: float) -> Layer[Array, Array]:
    return Layer.lift(lambda shape: axes("Shift", shape, at_least=1), lambda x: (x + float(by), lambda dy: dy))

Ramp = Layer.lift(lambda shape: axes("Ramp", shape, at_least=1), lambda x: (np.maximum(x, 0), lambda dy: dy * (x > 0)))
'''


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A fresh project with a module of layers."""
    (tmp_path / "mypkg").mkdir()
    (tmp_path / "mypkg" / "__init__.py").touch()
    (tmp_path / "mypkg" / "layers.py").write_text(LAYERS)
    return tmp_path


def python(project: Path, *arguments: str, plugins: bool = False) -> subprocess.CompletedProcess[str]:
    """Run Python in the project."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")} | {"PYTHONPATH": str(project)}
    if not plugins:
        environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    return subprocess.run(
        [sys.executable, *arguments], cwd=project, env=environment, capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip


def printed_by(project: Path, body: str, *options: str, plugins: bool = False) -> str:
    """What pytest prints about a test file of the project."""
    head = "from mypkg.layers import *\nfrom funcnn.testing import laws, parametrize_with_laws, shapes\n"
    (project / "test_layers.py").write_text(head + body)
    loaded = ("-m", "pytest", "-p", "funcnn.hooks.for_pytest", "-p", "no:cacheprovider")
    return python(project, *loaded, "--strict-markers", "-W", "error", *options, plugins=plugins).stdout


def counts(printed: str) -> dict[str, int]:
    """How many tests passed, failed, ..."""
    return {what: int(n) for n, what in re.findall(r"(\d+) (passed|failed|deselected|error)", printed.splitlines()[-1])}


def test_one_line_tests_a_layer(project: Path) -> None:
    """A test for every law, all of them passed."""
    printed = printed_by(project, 'TestCube = laws(Cube(), shapes("B", ..., "D"))', "-q")
    assert counts(printed)["passed"] > 25 and "failed" not in counts(printed)


def test_a_fault_of_a_millionth_fails_readably(project: Path) -> None:
    """The law's sentence, the leaf, both numbers, the error, a line that rebuilds the case."""
    printed = printed_by(project, 'TestCube = laws(Cube(fault=True), shapes("B", ..., "D"))', "-q")
    assert "the pullback is the transpose of the derivative" in printed
    assert re.search(r"gradient of x: the pullback says \S+, differences say \S+ ± \S+", printed)
    assert """  again:
from funcnn.testing import Case, LAWS
from mypkg.layers import Cube
LAWS['true_pullback'](Case(Cube(fault=True), (1, 1)))
""" in printed
    assert "suites.py" not in printed  # nothing of the laws' own code
    assert counts(printed)["failed"] == 2  # the full Jacobian is the other law that sees it


def test_what_the_layer_raises_is_told_once(project: Path) -> None:
    """From the line that calls into the layer on; the laws after the first say which one tells."""
    body = """
@layer
def Torn() -> Layer:
    def spec(shape):
        return {"w": (None, (shape[7],))}
    return Layer.of(lambda shape: shape, spec, lambda params, x: None)

TestTorn = laws(Torn(), ("B", "D"))
"""
    printed = printed_by(project, body, "-q")
    assert printed.count("what the layer raised") == printed.count("again:") == 1
    assert printed.count('return {"w": (None, (shape[7],))}') == 1
    assert printed.count("by the same exception as declared_shape") == counts(printed)["failed"] - 1 > 25


def test_whoever_asks_for_tracebacks_gets_them(project: Path) -> None:
    """In the style of pytest that was asked for."""
    body = 'TestCube = laws(Cube(fault=True), shapes("B", "D"), only=["true_pullback"])'
    printed = printed_by(project, body, "--tb=native")
    assert "Traceback (most recent call last)" in printed and "LawBroken: true_pullback is broken" in printed


def test_laws_are_chosen_on_the_command_line(project: Path) -> None:
    """By name; other tests are left out."""
    body = 'TestCube = laws(Cube(), shapes("B", "D"))\ndef test_other():\n    assert False\n'
    printed = printed_by(project, body, "-q", "--laws", "pure,true_pullback")
    assert counts(printed)["passed"] == 2 and counts(printed)["deselected"] > 20


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--laws", "pure,puer"), "no test is about puer, and no law has this name"),
        (("--law-examples", "0"), "the number of cases is at least 1, got '0'"),
    ],
    ids=lambda one: str(one),
)
def test_misspelt_options_are_refused(project: Path, options: tuple[str, ...], message: str) -> None:
    """No law is left out in silence."""
    body = 'TestCube = laws(Cube(), shapes("B", "D"))'
    (project / "test_layers.py").write_text(
        f"from mypkg.layers import *\nfrom funcnn.testing import laws, shapes\n{body}"
    )
    done = python(project, "-m", "pytest", "-p", "funcnn.hooks.for_pytest", *options)
    assert done.returncode == 4 and message in done.stderr


def test_laws_are_chosen_by_marker(project: Path) -> None:
    """The marker is known, and on every test of a law."""
    printed = printed_by(
        project, 'TestCube = laws(Cube(), shapes("B", "D"))\ndef test_other(): pass\n', "-q", "-m", "not law"
    )
    assert counts(printed)["passed"] == 1


def test_the_number_of_cases_is_set_on_the_command_line(project: Path) -> None:
    """It overrules the file; Hypothesis counts them."""
    body = 'TestCube = laws(Cube(), shapes("B", "D"), examples=5)'
    printed = printed_by(
        project, body, "--laws", "dtype_kept", "--law-examples", "17", "--hypothesis-show-statistics", plugins=True
    )
    assert "max_examples=17" in printed


def test_the_summary_says_how_often_laws_said_nothing(project: Path) -> None:
    """At kinks there is no verdict; where there are no kinks there is no summary."""
    kinked = 'TestRamp = laws(Ramp, (8, 9), kinks=True)'
    printed = printed_by(project, kinked, "--law-examples", "60", "--laws", "true_pullback,pure")
    assert re.search(
        r"no verdict in \d+ of \d+ cases \(.* %\); most of all:\n +\d+ %  \w+  test_layers.py::TestRamp", printed
    )
    smooth = 'TestCube = laws(Cube(), shapes("B", "D"))'
    assert "no verdict" not in printed_by(project, smooth, "--laws", "true_pullback")


def test_laws_in_the_body_of_a_test_are_counted_too(project: Path) -> None:
    """They are tried as often as the command line says, and stand in the summary."""
    body = """
@parametrize_with_laws([Ramp], shape=(8, 9), kinks=True, only=["true_pullback"])
def test_my_layers(layer, law):
    assert sum(law(layer)) == 57 + 28  # rare ones beside, of four kinds, two of them about params
"""
    printed = printed_by(project, body, "--law-examples", "57")
    assert counts(printed) == {"passed": 1} and re.search(r"no verdict in \d+ of 71 cases", printed)


def test_one_function_tests_several_layers(project: Path) -> None:
    """Every layer with every law."""
    body = """
@parametrize_with_laws([Cube(), Shift(0.5), Cube(fault=True)], shape=(4, 3), only=["pure", "true_pullback"])
def test_my_layers(layer, law):
    law(layer)
"""
    assert counts(printed_by(project, body, "-q")) == {"passed": 5, "failed": 1}


def test_a_stale_exception_fails(project: Path) -> None:
    """The law holds again: the exception must go."""
    printed = printed_by(
        project, 'TestCube = laws(Cube(), shapes("B", "D"), only=["pure"], except_={"pure": "a cache"})', "-q"
    )
    assert "pure is said not to hold (a cache)" in printed and counts(printed) == {"failed": 1}


def test_it_works_on_several_processes_and_in_any_order(project: Path) -> None:
    """The summary is gathered from all processes."""
    (project / "conftest.py").write_text(
        "import random\ndef pytest_collection_modifyitems(items):\n    random.Random(3).shuffle(items)\n"
    )
    body = 'TestCube = laws(Cube(), shapes("B", "D"))\nTestRamp = laws(Ramp, (8, 9), kinks=True)'
    printed = printed_by(
        project, body, "-q", "-p", "xdist", "-n", "2", "--law-examples", "40", "--laws", "true_pullback,pure"
    )
    assert counts(printed) == {"passed": 4}
    assert "no verdict in" in printed


def test_loading_the_plugin_loads_nothing_else(project: Path) -> None:
    """Neither Hypothesis nor the laws, in a run without laws."""
    (project / "test_plain.py").write_text(
        "import sys\ndef test_nothing():\n    assert not {'hypothesis', 'funcnn.testing'} & sys.modules.keys()\n"
    )
    done = python(project, "-m", "pytest", "-q", "-p", "funcnn.hooks.for_pytest", "test_plain.py")
    assert done.returncode == 0, done.stdout


def test_importing_funcnn_imports_no_tools() -> None:
    """Hypothesis and pytest are extras."""
    program = "import funcnn, sys; sys.exit(bool({'hypothesis', 'pytest', 'funcnn.testing'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


BLOCKED = """
import importlib.util as u, sys
found = u.find_spec
u.find_spec = lambda name, *rest: None if name == {0!r} else found(name, *rest)
sys.modules[{0!r}] = None
"""


@pytest.mark.parametrize(
    ("package", "program", "message"),
    [
        ("hypothesis", "import funcnn.testing", "the laws need hypothesis: pip install 'funcnn[testing]'"),
        (
            "pytest",
            "from funcnn import Relu\nfrom funcnn.testing import parametrize_with_laws as p\np([Relu], ('B', 'D'))",
            "tests of laws need pytest: pip install 'funcnn[testing]'; holds(...) does without",
        ),
    ],
)
def test_without_its_tools_the_extra_is_named(project: Path, package: str, program: str, message: str) -> None:
    """The message says what to install."""
    (project / "blocked.py").write_text(f"{BLOCKED.format(package)}\n{program}\n")
    assert f"MissingExtraError: {message}" in python(project, "blocked.py").stderr


def test_laws_hold_without_pytest(project: Path) -> None:
    """Outside tests nobody needs it."""
    program = "from funcnn import Relu\nfrom funcnn.testing import holds\nholds(Relu, ('B', 'D'), only=['pure'])"
    (project / "blocked.py").write_text(f"{BLOCKED.format('pytest')}\n{program}\nprint('held')\n")
    assert python(project, "blocked.py").stdout == "held\n"


def test_the_written_file_passes(project: Path) -> None:
    """One line a public layer, with arguments and shapes found by trying; nothing is overwritten."""
    command = ("-m", "funcnn.testing", "mypkg.layers", "-o", "test_written.py")
    assert python(project, *command).returncode == 0
    assert (project / "test_written.py").read_text().splitlines()[5:] == [
        'TestCube = laws(Cube(), shapes("B", ..., "D"))',
        'TestRamp = laws(Ramp, shapes("B", ..., "D"))',
        'TestShift = laws(Shift(0.5), shapes("B", ..., "D"))',
    ]
    printed = python(
        project, "-m", "pytest", "-q", "-p", "funcnn.hooks.for_pytest", "--law-examples", "3", "test_written.py"
    ).stdout
    assert counts(printed)["passed"] > 75 and "failed" not in counts(printed)
    assert "is there already" in python(project, *command).stderr
    assert "is its folder there?" in python(project, *command[:-1], "nowhere/test_written.py").stderr


def test_a_module_without_layers_is_told_so(project: Path) -> None:
    """So is one that is not there."""
    assert "has no public layers" in python(project, "-m", "funcnn.testing", "math").stderr
    assert "No module named" in python(project, "-m", "funcnn.testing", "nowhere").stderr


def test_unittest_runs_laws_too(project: Path) -> None:
    """A class of laws is one of unittest's, where pytest is not running; a fault fails as it does there."""
    (project / "test_layers.py").write_text(
        "from mypkg.layers import *\nfrom funcnn.testing import laws\n"
        "TestCube = laws(Cube(fault=True), ('B', 'D'), only=['pure', 'true_pullback', 'odd'], also=['odd'])\n"
    )
    told = python(project, "-m", "unittest", "test_layers").stderr
    assert "Ran 3 tests" in told and "FAILED (failures=1)" in told and "true_pullback is broken" in told


def test_a_module_is_checked_without_a_file(project: Path) -> None:
    """Tables on the screen, and as a page; the program ends with 1 where a law is broken.

    What a layer answers that takes no input is told.
    """
    (project / "mypkg" / "faults.py").write_text(
        "from funcnn import Layer\nfrom funcnn.authoring import axes\nfrom mypkg.layers import *\n"
        "Wrong, Choosy = Cube(fault=True), Layer.lift(lambda s: axes('Choosy', s), lambda x: 1 / 0)\n"
        "__all__ = ['Wrong', 'Choosy']\n"
    )
    done = python(project, "-m", "funcnn.testing", "mypkg.faults", "--check", "--html", "laws.html")
    assert done.returncode == 1 and re.search(r"true_pullback +BROKEN", done.stdout)
    assert re.search(r"NOT TRIED.*: Choosy \(on \(.*\): ZeroDivisionError: division by zero\)", done.stderr)
    page = (project / "laws.html").read_text()
    assert 'class="BROKEN" title="true_pullback is broken' in page and 'class="holds"' in page
