"""The examples that take derivatives of derivatives reach what they say, and leave a picture behind."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.examples.test_examples import load

PNG = b"\x89PNG"


def test_heat_equation_is_solved(tmp_path: Path) -> None:
    """Nowhere further than a thousandth from Fourier's solution; and the gradients of its loss are exact."""
    from funcnn import Key, tree_map

    heat = load("heat_equation")
    assert heat.main(["--out", str(tmp_path)]) < 1e-3
    assert (tmp_path / "heat_equation.png").read_bytes().startswith(PNG)
    numbers = np.random.default_rng(0)
    points, key = numbers.uniform(size=(20, 2)), Key(0)
    _, params = heat.net.init(key, points.shape, dtype=np.float64)
    d = tree_map(lambda p: numbers.normal(size=p.shape), params)
    _, grads = heat.loss(params, points, key)
    along = sum(float((grads.at(path) * d.at(path)).sum()) for path in params.paths())
    up, down = (heat.loss(tree_map(lambda p, q: p + s * q, params, d), points, key)[0] for s in (1e-5, -1e-5))  # noqa: B023
    assert abs(along - (up - down) / 2e-5) < 1e-6 * abs(along)


def test_a_lagrangian_keeps_the_energy(tmp_path: Path) -> None:
    """Longer than a network that gives accelerations directly; and the gradients of its loss are exact."""
    from funcnn import Key, tree_map

    lagrangian = load("lagrangian")
    drift, directly = lagrangian.main(["--out", str(tmp_path)])
    assert drift < 0.1 and drift < directly / 2
    assert (tmp_path / "lagrangian.png").read_bytes().startswith(PNG)
    key, numbers = Key(0), np.random.default_rng(0)
    motion = lagrangian.measured(key, 20)
    _, params = lagrangian.net.init(key, (-1, 2), dtype=np.float64)
    d = tree_map(lambda p: numbers.normal(size=p.shape), params)
    _, grads = lagrangian.loss(params, motion, key)
    along = sum(float((grads.at(path) * d.at(path)).sum()) for path in params.paths())
    up, down = (lagrangian.loss(tree_map(lambda p, q: p + s * q, params, d), motion, key)[0] for s in (1e-5, -1e-5))  # noqa: B023
    assert abs(along - (up - down) / 2e-5) < 1e-6 * abs(along)


def test_error_bars_are_right(tmp_path: Path) -> None:
    """As many years lie within them as should, give or take what 59 years leave to chance."""
    laplace = load("laplace")
    covered = laplace.main(["--out", str(tmp_path)])
    assert abs(covered - laplace.LEVELS).max() < 0.15
    assert (tmp_path / "laplace.png").read_bytes().startswith(PNG)
