"""What a program may do to a checker: networks without end must cost no time, whatever they say."""

from __future__ import annotations

import pytest

from tests.mypy_plugin.mypy_runs import Error, Project

HEAD = "from funcnn import *\nfrom funcnn import FanOut, repeat\n"
SECONDS = 60  # a run of mypy takes one or two, where NumPy is in its cache
MAKES = "import sys\ndef f(n: int, m: int = 3) -> Layer[Array, Array]:\n"
MADE = "f(int(sys.argv[1]), int(sys.argv[2])).init(0, (2, 3))"
ENDLESS = {
    "fan": "serial(FanOut(10**9), FanInSum).init(0, (2, 3))",
    "power": "serial(Dense(10**10**9)).init(0, (2, 3))",
    "powers": "a = 9\n" + "a = a ** a\n" * 30 + "Dense(a).init(0, (2, 3))",
    "repeated": "repeat(repeat(repeat(Dense(3), 900), 900), 900).init(0, (2, 3))",
    "repeated_often": "serial(repeat(Dense(3), 10**7), Relu).init(0, (2, 3))",
    "list": "serial(*[Dense(3) for _ in range(10**7)]).init(0, (2, 3))",
    "doubled": "a0 = serial(Dense(3), Relu)\n"
    + "".join(f"a{i + 1} = serial(a{i}, a{i})\n" for i in range(40))
    + "a40.init(0, (2, 3))",
    "doubled_by_a_function": "def f(n: int) -> Layer[Array, Array]:\n"
    "    return Dense(3) if n == 0 else serial(f(n - 1), f(n - 1))\nf(30).init(0, (2, 3))",
    "branches": "import sys\nlayers: list[Layer[Array, Array]] = []\n"
    + "".join(f"if len(sys.argv) > {i}:\n    layers.append(Dense({i + 1}))\n" for i in range(40))
    + "serial(*layers).init(0, (2, 3))",
    "conditions": "import sys\nserial("
    + ", ".join(f"Dense({i}) if len(sys.argv) > {i} else Relu" for i in range(1, 13))
    + ").init(0, (2, 3))",
    "loop": "n = 1\nwhile n < 10**9:\n    n += 1\nserial(Dense(n)).init(0, (2, 3))",
    "long_shape": "serial(Flatten, Dense(3)).init(0, (2,) + (3,) * 5000)",
    "array": "import numpy as np\nx = np.zeros((10**6, 10**6))\n_, params = Dense(3).init(0, x.shape)\n"
    "Dense(3).apply(params, x @ x.T)",
    "returns": MAKES
    + "".join(f"    if n > {i}:\n        if m > {i}:\n            return Dense({i + 1})\n" for i in range(25))
    + f"    return Relu\n{MADE}",
    "handlers": MAKES
    + "    try:\n        print(n)\n    except OSError:\n        return Relu\n    except KeyError:\n        n = 1\n" * 25
    + f"    return Dense(n)\n{MADE}",
    "doubled_alike": "import sys\na = b = serial(Dense(3), Relu)\n"
    + "a, b = serial(a, a), serial(b, b)\n" * 40
    + "c = a if len(sys.argv) > 2 else b\nc.init(0, (2, 3))",
    "doubled_by_branches": "import sys\na0 = serial(Dense(3), Relu)\n"
    + "".join(
        f"a{i + 1} = serial(a{i}, a{i})\nif len(sys.argv) > {i}:\n    a{i + 1} = serial(a{i}, a{i}, Relu)\n"
        for i in range(40)
    )
    + "a40.init(0, (2, 3))",
    "doubled_by_calls": "def make0(n: int) -> Layer[Array, Array]:\n    return Dense(n)\n"
    + "".join(
        f"def make{i + 1}(n: int) -> Layer[Array, Array]:\n    return serial(make{i}(n), make{i}(n))\n"
        for i in range(25)
    )
    + "make25(3).init(0, (2, 3))",
    "doubled_dict": "from typing import Any\na: Any = {'x': 1}\n"
    + "a = {'x': a, 'y': a}\n" * 60
    + "Dense(3).named(a).init(0, (2, 3))",
    "doubled_list": "a = [1, 2]\n" + "a = a + a\n" * 60 + "Dense(len(a)).init(0, (2, 3))\nb = [1, 2]\n"
    "for _ in range(60):\n    b.extend(b)\nDense(len(b)).init(0, (2, 3))",
    "doubled_text": "import sys\ns = 'a' if len(sys.argv) > 1 else 'b'\n"
    + "s = s + s\n" * 40
    + "t = 'a'\n"
    + "t = f'{t}{t}'\n" * 40
    + "Dense(3).named(s).named(t).init(0, (2, 3))",
    "doubled_array": "import numpy as np\nfrom typing import Any\na: Any = [1.0, 2.0]\n"
    + "a = [a, a]\n" * 40
    + "Dense(3).init(0, np.array(a).shape)",
    "arrays": "import numpy as np\nx = np.zeros((1000, 1000))\nfor y in (np.tile(x, (999, 999)), "
    "np.repeat(x, 999_999), np.pad(x, 999_999), np.eye(999_999), np.stack([x] * 9999), np.arange(0, 1e6, 1e-9), "
    "np.add(np.zeros((999_999, 1)), np.zeros((1, 999_999))), np.ones((999_999, 1)) @ np.ones((1, 999_999)), "
    "x[np.zeros(999_999, int)]):\n    Dense(3).init(0, y.shape)",
    "million": "layers: list[Layer[Array, Array]] = []\nfor i in range(10**6):\n    layers.append(Dense(i + 1))\n"
    "serial(*layers, *[Dense(i * j + 1) for i in range(1000) for j in range(1000)]).init(0, (2, 3))",
    "mutual": "def f(n: int) -> Layer[Array, Array]:\n    return serial(g(n - 1), g(n + 1))\n"
    "def g(n: int) -> Layer[Array, Array]:\n    return serial(f(n - 1), f(n + 1))\nf(3).init(0, (2, 3))",
    "ranges": "a = list(range(10**9))\nb = [0] * 10**9\nfor i in range(10**12):\n    Dense(a[i]).init(0, (2, b[i]))\n"
    "Dense(1 << 10**9).init(0, (2, 3))\nDense(3).named('a' * 10**9).init(0, (2, 3))",
    "text": "s = 'ab' * 5\n" + "s = s * 9\n" * 30 + "Dense(3).named(s).init(0, (2, 3))",
}
WRONG = "residual(Dense(4))"
DEEP = {
    "shifts": "net = (\n    Dense(3)\n" + "    >> Relu\n" * 499 + f"    >> {WRONG}\n)\nnet.init(0, (2, 3))",
    "a_thousand_layers": "net = serial(\n" + "    Dense(3), Relu,\n" * 500 + f"    {WRONG},\n)\nnet.init(0, (2, 3))",
    "nested": "net = " + "serial(\n" * 89 + f"Dense(3),\n{WRONG}\n" + ")" * 89 + "\nnet.init(0, (2, 3))",
    "a_list_of_layers": f"layers = [Dense(3)] * 1000\nserial(*layers,\n{WRONG}).init(0, (2, 3))",
}
"""Networks as large as people make them, and wrong at their very end."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("cost"))


def errors(project: Project, name: str, text: str) -> list[Error]:
    project.write(f"{name}.py", f"{HEAD}{text}\nwrong: int = 'text'\n")
    return project.errors(f"{name}.py", seconds=SECONDS)


@pytest.mark.parametrize("name", ENDLESS)
def test_networks_without_end_cost_no_time(project: Project, name: str) -> None:
    """They are left alone, in time and in little memory; what else stands in the file is reported."""
    assert [e.code for e in errors(project, f"endless_{name}", ENDLESS[name])] == ["assignment"]


@pytest.mark.parametrize("name", DEEP)
def test_large_networks_are_checked_to_their_end(project: Project, name: str) -> None:
    """The mistake is in the last layer."""
    guilty = next(i for i, line in enumerate((HEAD + DEEP[name]).splitlines(), 1) if WRONG in line)
    found = errors(project, f"deep_{name}", DEEP[name])
    assert [(e.line, e.code) for e in found if e.code != "assignment"] == [(guilty, "funcnn-shape")]
