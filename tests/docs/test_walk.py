"""The walk of `apply` that the page on the house tells is the one that the program takes."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import numpy as np

import funcnn
from funcnn import Dense, serial
from tests.docs.pages import ROOT

PACKAGE = Path(funcnn.__file__).parent


def visited(f: Callable[[], object]) -> list[str]:
    """The files of the package in which a call runs functions, in the order in which they are entered first."""
    found: list[str] = []

    def see(frame: FrameType, event: str, _: object) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and PACKAGE in path.parents and (name := path.relative_to(PACKAGE).as_posix()) not in (*found, "types.py"):
            found.append(name)

    before = sys.getprofile()
    sys.setprofile(see)
    try:
        f()
    finally:
        sys.setprofile(before)
    return found


def told() -> list[str]:
    """The files that the numbered steps of the page name, in order."""
    text = (ROOT / "docs" / "contributing" / "house.md").read_text(encoding="utf-8")
    steps = "".join(re.findall(r"^\d+\. .*$", text, flags=re.MULTILINE))
    return list(dict.fromkeys(re.findall(r"`([\w/]+\.py)`", steps)))


def test_apply_goes_through_the_files_that_are_named() -> None:
    """All of them in their order, and through no other, on the second call with an input that is to be converted."""
    net = serial(Dense(4), Dense(1))
    _, params = net.init(0, (-1, 3))
    x = np.ones((2, 3))
    net.apply(params, x)
    assert visited(lambda: net.apply(params, x)) == told()
