"""The examples that take derivatives of derivatives reach what they say, and leave a picture behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from funcnn import Gradients, Params
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


def test_a_generator_finds_islands_by_the_penalty(tmp_path: Path) -> None:
    """In a sixth of its steps it is close, and far without the penalty; and the gradients of both losses are exact."""
    from funcnn import Key, tree_map

    gan = load("gradient_penalty")
    found, without = gan.main(["--steps", "250", "--out", str(tmp_path)])
    assert found.distance < 0.4 < without.distance
    assert (tmp_path / "gradient_penalty.png").read_bytes().startswith(PNG)
    key, numbers = Key(0), np.random.default_rng(0)
    _, params = gan.generator.init(key, (-1, gan.NOISE), dtype=np.float64)
    _, judge = gan.critic.init(key, (-1, 2), dtype=np.float64)
    truth, made, z = numbers.normal(size=(20, 2)), numbers.normal(size=(20, 2)), numbers.normal(size=(20, gan.NOISE))
    losses: tuple[tuple[Params, Callable[[Params], tuple[float, Gradients]]], ...] = (
        (params, lambda p: gan.generator_loss(p, judge, z)),
        (judge, lambda p: gan.critic_loss(p, truth, made, key, 3.0)),
    )
    for at, loss in losses:
        d = tree_map(lambda p: numbers.normal(size=p.shape), at)
        grads = loss(at)[1]
        along = sum(float((grads.at(path) * d.at(path)).sum()) for path in at.paths())
        up, down = (loss(tree_map(lambda p, q: p + s * q, at, d))[0] for s in (1e-6, -1e-6))  # noqa: B023
        assert abs(along - (up - down) / 2e-6) < 1e-6 * abs(along)


def test_judges_islands_by_what_lies_on_them() -> None:
    """Of points of the mixture all is found, of points on two islands two are, of nothing but the middle none."""
    from funcnn import Key

    gan = load("gradient_penalty")
    truth, two = gan.real(Key(0), 2000), np.repeat(gan.centers()[:2], 1000, axis=0)
    best = gan.judged(gan.real(Key(1), 2000), truth)
    assert best.islands == 8 and best.on_islands > 0.99 and best.distance < 0.05
    assert gan.judged(two, truth)[:2] == (2, 1.0) and gan.judged(two, truth).distance > 0.5
    assert gan.judged(np.zeros((100, 2)), truth)[:2] == (0, 0.0)
