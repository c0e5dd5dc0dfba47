"""What a state of training prints, as text and as HTML."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from funcnn import Key, Params, TrainState, adam, by_label, chain, clip_by_global_norm, frozen, lookahead, sgd

PARAMS = Params({"w": np.ones((2, 3), np.float32), "b": np.zeros(3, np.float32)})


def shown(memory: Any, params: Any = PARAMS) -> list[str]:
    """The lines of a state."""
    return repr(TrainState(7, params, memory, Key(0), 2, 1)).splitlines()


def test_the_parts_and_their_sizes() -> None:
    """Every part has its place, as one would write it, and no value of an array is shown."""
    optimizer = chain(clip_by_global_norm(1.0), lookahead(adam(0.1)))
    assert shown(optimizer.init(PARAMS)) == [
        "TrainState(step 7, epoch 2, batch 1, 144 bytes)",
        "  params                  Params(2 leaves, 9 values, float32, 36 bytes)",
        "  optimizer[0]            ()",
        "  optimizer[1].step       0",
        "  optimizer[1].slow       Params(2 leaves, 9 values, float32, 36 bytes)",
        "  optimizer[1].fast.step  0",
        "  optimizer[1].fast.m     Params(2 leaves, 9 values, float32, 36 bytes)",
        "  optimizer[1].fast.v     Params(2 leaves, 9 values, float32, 36 bytes)",
        "  key                     Key.fromhex('0b024b06484e2cd5119ba54d30852b39')",
    ]


@pytest.mark.parametrize(
    ("memory", "lines"),
    [
        (None, ["  optimizer  None"]),
        (np.ones((2, 3)), ["  optimizer  float64 of shape (2, 3), 48 bytes"]),
        ({"a": [1, np.float32(2)]}, ["  optimizer['a'][0]  1", "  optimizer['a'][1]  np.float32(2.0)"]),
        ([0.5] * 1000, ["  optimizer  list of 1000"]),
        ({"\x1b[2J": 1}, [r"  optimizer['\\x1b[2J']  1".replace("\\\\", "\\")]),
        ("x" * 500, [f"  optimizer  '{'x' * 56}..."]),
        ((), ["  optimizer  ()"]),
    ],
)
def test_states_of_ones_own(memory: Any, lines: list[str]) -> None:
    """Whatever an optimizer keeps, in few lines."""
    assert [" ".join(line.split()) for line in shown(memory)[2:-1]] == [" ".join(line.split()) for line in lines]


def test_large_states() -> None:
    """Forty parts, and how many more there are; lists of many are one."""
    assert len(shown(by_label({"w": sgd(0.1), "**": frozen}).init(PARAMS))) == 5
    many = tuple((i, i) for i in range(40))
    assert len(shown(many)) == 44 and shown(many)[-2].split() == ["...", "40", "more"]


def test_what_is_within_itself_prints() -> None:
    """And what is no state of training at all: printing never fails."""
    loop: list[Any] = []
    loop.append(loop)
    assert len(shown(loop)) == 4
    assert shown((), {"w": 1})[1].split() == ["params", "dict", "of", "1"]
    assert shown((), None)[1].split() == ["params", "None"]


def test_html() -> None:
    """The same in a table; what looks like markup is text."""
    html = TrainState(7, PARAMS, {"<b>": "<script>"}, Key(0))._repr_html_()
    assert html.startswith("<table><caption>TrainState(step 7, epoch 0, batch 0, 36 bytes)</caption>")
    assert "<script>" not in html and "optimizer[&#x27;&lt;b&gt;&#x27;]" in html and html.count("<tr>") == 3
