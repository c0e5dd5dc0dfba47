"""Fast kernels behind whole networks: memory is used again, on several threads, and nobody can tell."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import numpy as np
import pytest

from funcnn import (
    Array, Conv, Dense, Flatten, Layer, MaxPool, Params, Relu, adam, astype, fit, serial, softmax_cross_entropy, vjp,
)  # fmt: skip
from funcnn.kernels import choice, threads

RNG = np.random.default_rng(0)
NET = serial(Dense(256), Relu, Dense(256), Relu, Dense(10))  # params, gradients and activations are long
X, Y = RNG.normal(size=(256, 200)).astype(np.float32), RNG.integers(0, 10, 256)
IMAGES = serial(
    Conv(16, (3, 3)), Relu, Conv(16, (3, 3), padding="SAME"), Relu, MaxPool((2, 2), (2, 2)), Flatten, Dense(3)
)


@pytest.fixture(params=[1, 3])
def _threads(request: pytest.FixtureRequest) -> object:
    """One thread, and three."""
    with mock.patch.object(threads, "THREADS", request.param), mock.patch.object(threads, "_helpers", []):
        yield


def trained(seed: int) -> list[Params]:
    """The params after every one of some steps."""
    _, params = NET.init(seed, X.shape)
    steps = fit(softmax_cross_entropy, NET.apply, adam(1e-3), params, (X, Y), epochs=3, batch_size=128, rng=seed)
    return [state.params for state, _ in steps]


@pytest.mark.usefixtures("_threads")
def test_states_that_were_yielded_stay_what_they_are() -> None:
    """A list of all states holds what each was when it came, and all differ."""
    _, params = NET.init(0, X.shape)
    held, copies = [], []
    for state, _ in fit(softmax_cross_entropy, NET.apply, adam(1e-3), params, (X, Y), epochs=12, batch_size=128):
        held.append((state.params, state.optimizer.m, state.optimizer.v))
        copies.append(tuple(Params(tree.to_dict()) for tree in held[-1]))
    assert [tuple(trees) for trees in held] == copies
    assert all(a[0] != b[0] for a, b in zip(held, held[1:], strict=False))


@pytest.mark.usefixtures("_threads")
def test_threads_of_the_user_do_not_meet() -> None:
    """Three trainings at once are those that run one after the other, bit for bit."""
    alone = [trained(seed) for seed in range(3)]
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(trained, range(3))) == alone


@pytest.mark.usefixtures("_threads")
@pytest.mark.parametrize(("net", "shape"), [(NET, (256, 200)), (IMAGES, (16, 18, 18, 12))])
def test_results_are_repeatable_and_held_ones_stay(net: Layer[Array, Array], shape: tuple[int, ...]) -> None:
    """Values, gradients and views of them that somebody holds are not written to by later passes."""
    x = RNG.normal(size=shape).astype(np.float32)
    _, params = net.init(0, shape)
    y, pullback = vjp(net.apply, params, x)
    dy = np.ones_like(y)
    dparams, dx = pullback(dy)
    part = dx[1:2]
    kept = y.copy(), type(dparams)(dparams.to_dict()), dx.copy(), part.copy()
    for _ in range(3):
        again, back = vjp(net.apply, params, -x)
        back(dy)
    assert np.array_equal(y, kept[0]) and dparams == kept[1] and np.array_equal(dx, kept[2])
    assert np.array_equal(part, kept[3])
    more, other = pullback(dy)
    assert more == dparams and np.array_equal(other, dx)
    value = net.apply(params, x)
    assert np.array_equal(value, y) and not np.array_equal(again, y)


@pytest.mark.usefixtures("_threads")
def test_winograd_in_a_network_is_near_float64() -> None:
    """Value and gradients of a network whose convolutions suit the algorithm, against the direct sum in float64."""
    x = RNG.normal(size=(16, 18, 18, 12))
    _, params = IMAGES.init(0, x.shape)
    y, pullback = vjp(IMAGES.apply, params, x.astype(np.float32))
    exact, back = vjp(IMAGES.apply, astype(params, np.float64), x)
    dparams, dx = pullback(np.ones_like(y))
    wanted, dwanted = back(np.ones_like(exact))
    assert choice.by_winograd((16, 18, 18, 12), (3, 3, 12, 16), (1, 1), ((0, 0), (0, 0)), y.dtype)
    assert np.allclose(y, exact, atol=1e-4)
    for path in params.paths():
        scale = np.abs(wanted.at(path)).max()
        assert np.allclose(dparams.at(path), wanted.at(path), atol=2e-3 * scale), path
    assert np.mean(np.abs(dx - dwanted) > 1e-4) < 0.01  # a pixel or two, where a pool or a kink decides the other way


def test_winograd_can_be_switched_off() -> None:
    """FUNCNN_WINOGRAD=0 sums directly."""
    code = "from funcnn.kernels.choice import by_winograd as suits; import numpy as np; zero = ((0, 0), (0, 0)); " \
        "print(suits((8, 32, 32, 32), (3, 3, 32, 32), (1, 1), zero, np.dtype('f4')))"  # fmt: skip
    for value, expected in (("0", "False"), ("1", "True")):
        environment = {**os.environ, "FUNCNN_WINOGRAD": value}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == expected
