"""The plugin as mypy runs it: caches, daemons, several processes, trusted modules, and faults of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from mypy.version import __version__ as MYPY

from tests.mypy_plugin.mypy_runs import Error, Project

HEAD = "from funcnn import Array, Conv, Dense, Flatten, Key, Layer, Relu, residual, serial\nkey = Key(0)\n"
WRONG = HEAD + "net = serial(\n    Flatten,\n    Conv(1, (2, 2)),\n)\nnet.init(key, (-1, 3, 3))\n"
MODELS = "from funcnn import Conv, Dense, Flatten, serial\nbackbone = serial(\n    Flatten,\n    {},\n)\n"
USE = HEAD + (
    "from {0} import backbone\nnet = serial(\n    backbone,\n    residual(Dense(4)),\n)\nnet.init(key, (-1, 3, 3))\n"
)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def places(errors: list[Error]) -> list[tuple[str, int, int, str]]:
    return [e[:4] for e in errors]


def test_the_column_is_that_of_the_guilty_layer(project: Project) -> None:
    """Line and column of the argument, however deep; of the call, where the network itself is to blame."""
    project.write(
        "columns.py",
        HEAD + "serial(Flatten, serial(Relu, Conv(1, (2, 2)))).init(key, (2, 3))\n"
        "serial(Dense(3), Relu) >> Flatten >> Conv(1, (2, 2)) >> Dense(0)\n"
        "x = Conv(1, (2, 2)).out_shape((2, 3))\n"
        "serial(Dense(3), Conv)\n",
    )
    assert places(project.errors("columns.py")) == [
        ("columns.py", 3, 30, "funcnn-shape"),
        ("columns.py", 4, 57, "funcnn-value"),
        ("columns.py", 5, 31, "funcnn-shape"),
        ("columns.py", 6, 18, "funcnn-wiring"),
    ]


def test_networks_come_out_of_the_cache(project: Project) -> None:
    """A network of another module is checked when that module was not read again, and when it was changed."""
    project.write("cached_models.py", MODELS.format("Dense(5)"))
    project.write("cached_use.py", USE.format("cached_models"))
    first = project.errors("cached_use.py")
    assert places(first) == [("cached_use.py", 6, 5, "funcnn-shape")]
    assert project.errors("cached_use.py") == first
    project.write("cached_use.py", "\n" + USE.format("cached_models"))
    assert places(project.errors("cached_use.py")) == [("cached_use.py", 7, 5, "funcnn-shape")]
    project.write("cached_models.py", MODELS.format("Dense(4)"))
    assert project.errors("cached_use.py") == []
    project.write("cached_models.py", MODELS.format("Conv(4, (2, 2))"))
    (error,) = project.errors("cached_use.py")
    assert (error.line, error.text.endswith("got (?, 9) (layer built at cached_models.py:4)")) == (6, True)


def test_what_a_function_returns_is_followed_into_other_files(project: Project) -> None:
    """And when its body alone changes, which no type shows, those that call it are checked again."""
    factory = "from funcnn import Array, Dense, Layer\ndef head(n: int) -> Layer[Array, Array]:\n    return Dense(n{})\n"
    project.write("followed_layers.py", factory.format(""))
    project.write("followed_models.py", "from followed_layers import head\nbody = head(4)\n")
    use = "from followed_models import body\nserial(body, residual(Dense(4))).init(key, (2, 3))\n"
    project.write("followed_use.py", HEAD + use)
    assert project.errors("followed_use.py") == []
    project.write("followed_layers.py", factory.format(" + 1"))
    (error,) = project.errors("followed_use.py")
    assert (error.line, error.code) == (4, "funcnn-shape") and "got (?, 4) and (?, 5)" in error.text.replace("2", "?")
    project.write("followed_layers.py", factory.format(""))
    assert project.errors("followed_use.py") == []


def test_the_daemon_sees_what_changed(project: Project) -> None:
    """dmypy reports after an edit what mypy would report, in the module that was edited and in those that use it."""
    arguments = ("--status-file", "daemon.json", "run", "--", "daemon_use.py")
    project.write("daemon_models.py", MODELS.format("Dense(4)"))
    project.write("daemon_use.py", USE.format("daemon_models"))
    try:
        assert project.errors(*arguments, module="mypy.dmypy") == []
        project.write("daemon_models.py", MODELS.format("Dense(5)"))
        assert places(project.errors(*arguments, module="mypy.dmypy")) == [("daemon_use.py", 6, 5, "funcnn-shape")]
        project.write("daemon_use.py", USE.format("daemon_models").replace("Dense(4)", "Dense(5)"))
        assert project.errors(*arguments, module="mypy.dmypy") == []
    finally:
        project.output("--status-file", "daemon.json", "stop", module="mypy.dmypy")


@pytest.mark.parametrize("option", ["-n2", "--native-parser"])
def test_other_ways_to_run_mypy(project: Project, option: str) -> None:
    """Several processes and the other parser find the same."""
    name = f"ways_{option.strip('-').replace('-', '_')}"
    project.write(f"{name}.py", WRONG)
    arguments = (f"{name}.py", *([option] if int(MYPY.split(".")[0]) >= 2 else []))
    assert places(project.errors(*arguments)) == [(f"{name}.py", 5, 5, "funcnn-shape")]


def test_codes_can_be_disabled(tmp_path: Path) -> None:
    """The codes are mypy's as any other, in the configuration, in a file and on a line."""
    project = Project(tmp_path)
    project.write("inline_off.py", '# mypy: disable-error-code="funcnn-shape"\n' + WRONG)
    project.write("on_line.py", WRONG.replace("(2, 2)),", "(2, 2)),  # type: ignore[funcnn-shape]"))
    project.write("other.py", WRONG.replace("(2, 2)),", "(2, 2)),  # type: ignore[funcnn-value]"))
    assert places(project.errors("inline_off.py", "on_line.py", "other.py")) == [("other.py", 5, 5, "funcnn-shape")]
    off = Project(tmp_path, kept="projects_off")
    assert off.errors("other.py", "--disable-error-code", "funcnn-shape") == []


def test_a_second_pass_changes_nothing(project: Project) -> None:
    """A module that mypy has to go over twice, for a name that is defined below, is reported once."""
    project.write(
        "twice.py",
        '# mypy: disable-error-code="used-before-def"\n' + HEAD + "def early() -> None:\n"
        "    late.init(key, (2, 3))\n    Later().net().init(key, (2, 3))\n\n"
        "x = Later().net()\nclass Later:\n    def net(self):\n        return helper()\n\n"
        "def helper() -> Layer[Array, Array]:\n    return late\n\nlate = serial(Flatten, Conv(1, (2, 2)))\n",
    )
    assert places(project.errors("twice.py")) == [("twice.py", 16, 24, "funcnn-shape")]


def test_trusted_modules_are_called(tmp_path: Path) -> None:
    """Factories of trusted modules are checked like constructors of ours; others are not called, but read."""
    own = (
        "from funcnn import Array, Conv, Flatten, Layer, serial\nprint('imported')\n"
        "def head(n: int) -> Layer[Array, Array]:\n    assert n > 0\n    return serial(Flatten, Conv(n, (2, 2)))\n"
        "Ready = head(3)\n"
    )
    program = HEAD + (
        "from {0} import Ready, head\nhead(3).init(key, (2, 3))\n"
        "serial(\n    Relu,\n    Ready,\n).init(key, (2, 3))\n"
    )
    (tmp_path / "own").mkdir()
    project = Project(tmp_path, trusted=("own.trusted_layers",))
    for name in ("own/trusted_layers.py", "own/plain_layers.py"):
        project.write(name, own)
    project.write("own/__init__.py", "")
    project.write("calls.py", program.format("own.trusted_layers"))
    project.write("calls_plain.py", program.format("own.plain_layers"))
    found = project.errors("calls.py", "calls_plain.py")
    assert places([e for e in found if e.file == "calls.py"]) == [
        ("calls.py", 4, 1, "funcnn-shape"), ("calls.py", 7, 5, "funcnn-shape"),
    ]  # fmt: skip
    assert places([e for e in found if e.file == "calls_plain.py"]) == [
        ("calls_plain.py", 4, 1, "funcnn-shape"), ("calls_plain.py", 7, 5, "funcnn-shape"),
    ]  # fmt: skip
    (alone, _) = (e for e in found if e.file == "calls.py")
    assert alone.text == "conv_0: Conv takes (batch, height, width, channels), got (2, 3)"


def test_changed_rules_are_run_again(tmp_path: Path) -> None:
    """A rule that changed in a way no type shows leaves no verdict behind in the cache."""
    own = (
        "from funcnn import Array, Dense, Layer, residual\n"
        "def block() -> Layer[Array, Array]:\n    return residual(Dense({}))\n"
    )
    project = Project(tmp_path, trusted=("rules_layers",))
    project.write("rules_layers.py", own.format(5))
    use = "from rules_layers import block\nserial(Dense(4), block()).init(key, (2, 3))\n"
    project.write("rules_use.py", HEAD + use)
    assert places(project.errors("rules_use.py")) == [("rules_use.py", 4, 18, "funcnn-shape")]
    project.write("rules_layers.py", own.format(4))
    assert project.errors("rules_use.py") == []


def test_trusted_modules_may_fail(tmp_path: Path) -> None:
    """A module that cannot be imported, that exits or raises is told where it is used, once, and mypy goes on."""
    sources = {
        "exits": "import sys\nsys.exit(3)\n", "raises": "1 / 0\n",
        "missing": "import nowhere_to_be_found  # type: ignore[import-not-found]\n",
    }  # fmt: skip
    function = "from funcnn import Array, Dense, Layer\ndef make() -> Layer[Array, Array]:\n    return Dense(3)\n"
    names = [f"fails_{name}" for name in sources]
    project = Project(tmp_path, trusted=(*names, "fails_not_there"))
    for name in names:
        project.write(f"{name}.py", function + sources[name.removeprefix("fails_")])
    use = "from {0} import make as {0}\nserial({0}(), Conv(1, (2, 2))).init(key, ())\n"
    project.write("fails.py", HEAD + "".join(map(use.format, names)))
    found = [e for e in project.errors("fails.py") if e.code == "funcnn-trusted"]
    assert [(e.line, e.code) for e in found] == [(3 + 2 * i + 1, "funcnn-trusted") for i in range(3)], found
    assert all(word in e.text for word, e in zip(("SystemExit(3)", "ZeroDivisionError", "nowhere"), found, strict=True))


@pytest.mark.parametrize(
    "body", ["sys.exit(0)", "os._exit(0)", "raise KeyboardInterruptLike", "while True:\n        pass", "print('loud')"]
)
def test_trusted_factories_cannot_end_mypy(tmp_path: Path, body: str) -> None:
    """Neither by an exit, nor by never coming back, nor by what they print: the errors of the file are still there."""
    own = (
        "import os, sys\nfrom funcnn import Array, Dense, Layer\nclass KeyboardInterruptLike(BaseException): ...\n"
        f"def make() -> Layer[Array, Array]:\n    {body}\n    return Dense(3)\n"
    )
    project = Project(tmp_path, trusted=("ends",))
    project.write("ends.py", own)
    project.write("uses.py", HEAD + "from ends import make\nnet = make()\nwrong: int = 'text'\n")
    out = project.output("uses.py", env={"FUNCNN_MYPY_SECONDS": "0.5"})
    assert "[assignment]" in out and "loud" not in out
    assert ("[funcnn-trusted]" in out) is ("print" not in body)


BROKEN = """
from funcnn.mypy_plugin import hooks, plugin, wiring
def broken(*args, **kwargs):
    raise RuntimeError("a mistake of ours")
for name in ("made", "shifted", "named", "out_shape", "init"):
    setattr(hooks.Hooks, name, broken)
wiring.as_layer = broken
"""


def test_mistakes_of_ours_are_silent(tmp_path: Path) -> None:
    """When every hook raises, mypy says what it says without the plugin; in development it shows the mistake."""
    wrong = WRONG + "Dense(0)\nDense('3')\nserial(Dense(3), Relu) >> Flatten\n"
    (tmp_path / "plain").mkdir()
    without = Project(tmp_path / "plain", plugin="", kept="projects_plain")
    without.write("faults.py", wrong)
    project = Project(tmp_path, plugin="broken.py", kept="projects_broken")
    project.write("broken.py", BROKEN)
    project.write("faults.py", wrong)
    expected = without.errors("faults.py")
    assert [e.code for e in expected] == ["arg-type"]
    assert project.errors("faults.py") == expected
    project.write("faults.py", wrong + "\n")
    assert "INTERNAL ERROR" in project.output("faults.py", env={"FUNCNN_MYPY_DEBUG": "1"})
