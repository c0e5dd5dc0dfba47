"""The table of docs/types.md: of every row, a program that is told and one that is not."""

from __future__ import annotations

import pytest

from tests.mypy_plugin.mypy_runs import ROOT, Error, Project

HEAD = """from typing import Any
import numpy as np
from funcnn import (
    Array, Conv, Dense, Dropout, Embedding, Key, Layer, Relu, adam, fit, residual, serial, softmax_cross_entropy,
    squared_error, value_and_grad,
)
key = Key(0)
"""
WRONG = "residual(Dense(5))).init(key, (-1, 3))\n"
TABLE = {
    "`net = serial(...)` anywhere": (
        "net = serial(Dense(5), Relu)\nnet = serial(Dense(4), residual(Dense(5)))\n"
        "init, apply = net\ninit(key, (-1, 3))",
        "net = serial(Dense(4), residual(Dense(4)))\ndef bind() -> None:\n    global net\n"
        "    net = serial(Dense(4), residual(Dense(5)))\nbind()\nnet.init(key, (-1, 3))",
    ),
    "nested `serial`": (
        "(serial(serial(Dense(4), Relu).named('a')) >> residual(Dense(5))).init(key, (-1, 3))",
        "import random\nlayers = [Dense(4), residual(Dense(5))]\nrandom.shuffle(layers)\n"
        "serial(*layers).init(key, (-1, 3))",
    ),
    "functions, lambdas": (
        f"def make(n: int) -> Layer[Array, Array]:\n    return Dense(n)\nserial(make(4), {WRONG}",
        "import functools\nimport atexit\n@atexit.register\ndef make() -> Layer[Array, Array]:\n    return Dense(4)\n"
        f"serial(make(), {WRONG}",
    ),
    "`for`, `while` and comprehensions": (
        f"serial(*[Dense(n) for n in (3, 4)], {WRONG}",
        "layers = [Dense(4)]\nfor text in open('sizes'):\n    layers.append(Dense(len(text)))\n"
        + f"serial(*layers, {WRONG}",
    ),
    "`if`, `match`": (
        f"import sys\nwidth = 4 if len(sys.argv) > 1 else 5\nserial(Dense(width), {WRONG}",
        "import sys\na, b = len(sys.argv) > 1, len(sys.argv) > 2\nwidth = 4 if a else 5\n"
        "serial(Dense(width), residual(Dense(5 if b else 4))).init(key, (-1, 3))",
    ),
    "`self.net` of `__init__`": (
        f"class Model:\n    def __init__(self) -> None:\n        self.net = Dense(4)\nserial(Model().net, {WRONG}",
        "import threading\nclass Model(threading.Thread):\n    net = Dense(4)\n" + f"serial(Model().net, {WRONG}",
    ),
    "`apply`, `vjp`": (
        "net = Dense(4)\n_, params = net.init(key, (-1, 3))\nnet.apply(params, np.zeros((2, 5), np.float32))",
        "net = Dense(4)\n_, params = net.init(key, (-1, 3))\nx: Array = np.load('x.npy')\nnet.apply(params, x)",
    ),
    "sizes by literals": (
        f"width = 2**3 // 2\nserial(Dense(width), {WRONG}",
        f"serial(Dense(len(input())), {WRONG}",
    ),
    "sizes that nobody knows": (
        "def f(n: int) -> None:\n    serial(Dense(n), residual(Dense(n + 1))).init(key, (-1, 3))",
        "def f(n: int, m: int) -> None:\n    serial(Dense(n), residual(Dense(m)), Dense(n), residual(Dense(2 * n)))"
        ".init(key, (-1, 3))",
    ),
    "constructors: `Dropout(1.5)`": (
        "def noisy(drop: float) -> Layer[Array, Array]:\n    return Dropout(drop)\nnoisy(1.5)",
        "Dropout(float(input()))",
    ),
    "`serial`, `>>`, `value_and_grad`: each": (
        "serial(Dense(4), Embedding(10, 3))",
        "def f(before: Layer[Any, Any]) -> None:\n    serial(before, Embedding(10, 3))",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> list[Error]:
    project = Project(tmp_path_factory.mktemp("table"))
    names = [f"{kind}_{i}.py" for i in range(len(TABLE)) for kind in ("told", "silent")]
    for name, text in zip(names, (text for pair in TABLE.values() for text in pair), strict=True):
        project.write(name, f"{HEAD}{text}\n")
    return project.errors(*names)


@pytest.mark.parametrize("i", range(len(TABLE)), ids=[*TABLE])
def test_a_row_is_as_it_stands_there(said: list[Error], i: int) -> None:
    """What is checked is told, once; what is silent is not."""
    assert len([e for e in said if e.file == f"told_{i}.py" and e.code.startswith("funcnn-")]) == 1
    assert [e for e in said if e.file == f"silent_{i}.py"] == []


def test_every_row_has_its_programs() -> None:
    """In the order of the page."""
    text = (ROOT / "docs" / "types.md").read_text("utf-8")
    table = text[text.index("| checked | silent |") : text.index("Each row of this table")]
    rows = [line.removeprefix("| ") for line in table.splitlines()[2:] if line]
    assert len(rows) == len(TABLE)
    assert all(row.startswith(words) for row, words in zip(rows, TABLE, strict=True))
