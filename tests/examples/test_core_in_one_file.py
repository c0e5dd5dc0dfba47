"""The core in one file computes what the library computes."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import funcnn
from funcnn import Params

FILE = Path(__file__).parents[2] / "examples" / "core_in_one_file.py"


def _loaded() -> Any:
    spec = importlib.util.spec_from_file_location("core_in_one_file", FILE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


core = _loaded()


def net(library: Any, widths: tuple[int, ...]) -> Any:
    """The same network of either library."""
    layers: list[Any] = []
    for width in widths[:-1]:
        layers += [library.Dense(width), library.Tanh]
    return library.serial(*layers, library.Dense(widths[-1]))


def same(a: Any, b: Any) -> bool:
    """Are two trees the same to the last bit?"""
    return bool(Params(a) == Params(b))


def test_keys_are_the_same() -> None:
    """Their bytes, those of their children, and the numbers drawn."""
    mine, its = core.Key(7).fold("dense_0"), funcnn.Key(7).fold("dense_0")
    assert mine.state == bytes(its)
    assert np.array_equal(mine.generator().standard_normal(9), its.generator().standard_normal(9))


@pytest.mark.parametrize("widths", [(1,), (4, 1), (7, 5, 3), (64, 64, 10)])
def test_it_computes_what_the_library_computes(widths: tuple[int, ...]) -> None:
    """Initial values, values, gradients, and the params after three steps."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((6, 5), np.float32)
    target = rng.standard_normal((6, widths[-1]), np.float32)
    mine, its = net(core, widths), net(funcnn, widths)

    shape, p = mine.init(core.Key(3).fold("init"), x.shape)
    out, q = its.init(funcnn.Key(3), x.shape)
    assert shape == out and same(p, q)

    y, pullback = core.vjp(mine.apply, p, x)
    z, pull = funcnn.vjp(its.apply, q, x)
    assert np.array_equal(y, z) and np.array_equal(mine.apply(p, x), z)
    (dp, dx), (dq, dz) = pullback(y), pull(z)
    assert same(dp, dq) and np.array_equal(dx, dz)

    objective, other = core.value_and_grad(core.sum_squared_error, mine.apply), funcnn.value_and_grad(
        funcnn.sum_squared_error, its.apply
    )
    optimizer, like = core.sgd(0.01), funcnn.sgd(0.01)
    state, s = optimizer.init(p), like.init(q)
    for _ in range(3):
        value, grads = objective(p, x, target)
        loss, g = other(q, x, target)
        assert value == pytest.approx(loss, rel=1e-6) and same(grads, g)  # the library sums squares by a product
        updates, state = optimizer.update(grads, state, p)
        p = core.tree_map(np.add, p, updates)
        u, s = like.update(g, s, q)
        q = funcnn.apply_updates(q, u)
        assert same(p, q)


def test_it_learns() -> None:
    """XOR, as far as 300 steps go."""
    assert core.main(["--quick"]) < 0.05


def test_a_reader_needs_one_sitting() -> None:
    """About two hundred lines, docstrings included, and nothing but NumPy."""
    assert len(FILE.read_text().splitlines()) <= 260
    assert "funcnn" not in FILE.read_text()
