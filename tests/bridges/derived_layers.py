"""What the bridges to PyTorch and JAX have in common: a layer by a derived rule, and the program of their page."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from funcnn import Array, Dense, Layer, Shape, Spec, Tanh, hvp, layer, serial, squared_error, value_and_grad
from funcnn.authoring import axes
from funcnn.initializers import glorot_normal, zeros
from tests.docs.pages import ROOT, blocks


def dense_by(rule: Any) -> Callable[[int], Layer[Array, Array]]:
    """The constructor of a dense layer of somebody's own, by this rule."""

    @layer
    def Derived(units: int) -> Layer[Array, Array]:
        """A layer of somebody's own."""

        def spec(shape: Shape) -> Spec:
            return {"w": (glorot_normal, (*axes("Derived", shape)[-1:], units)), "b": (zeros, (units,))}

        return Layer.of(lambda s: (*s[:-1], units), spec, rule)

    return Derived


def second_derivatives_are_ours(derived: Layer[Array, Array]) -> None:
    """hvp of three units with tanh, by complex numbers, as of our own layers, to 1e-12."""
    ours = serial(Dense(3), Tanh)
    _, params = ours.init(0, (-1, 2), dtype=np.float64)
    x, y = np.random.default_rng(0).normal(size=(4, 2)), np.ones((4, 3))
    inner = params.sub("dense_0")
    wanted = hvp(value_and_grad(squared_error, ours.apply), params, params, x, y).sub("dense_0")
    found = hvp(value_and_grad(squared_error, derived.apply), inner, inner, x, y)
    for name in ("w", "b"):
        np.testing.assert_allclose(found.at(name), wanted.at(name), rtol=1e-12)


def program_of_the_page_runs(library: str, folder: Path) -> None:
    """Those for this library in docs/bridges.md and docs/weights.md, as printed."""
    there = {**os.environ, "PYTHONPATH": str(ROOT)}
    pages = [ROOT / "docs" / name for name in ("bridges.md", "weights.md")]
    texts = [t for page in pages for t in blocks(page, "py") if f"import {library}" in t or f"bridges.{library}" in t]
    assert texts
    for text in texts:
        (folder / "program.py").write_text(text, encoding="utf-8")
        subprocess.run([sys.executable, "-W", "error", "program.py"], cwd=folder, check=True, env=there)
