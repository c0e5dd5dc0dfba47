"""Networks are as long and as deep as people like: nothing takes more than its share of time, or of the stack."""

from __future__ import annotations

import copy
import pickle
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from funcnn import (
    Array, Dense, Layer, Params, Relu, ShapeError, Tanh, calibrate, rebuild, residual, serial, squared_error, summary,
    trace, value_and_grad, vjp,
)  # fmt: skip

Net = Layer[Array, Array]


def nested(n: int, wrap: Callable[[Net], Net]) -> Net:
    """A Dense inside `n` of these."""
    net: Net = Dense(4)
    for _ in range(n):
        net = wrap(net)
    return net


def in_series(net: Net) -> Net:
    """A level of serial."""
    return serial(net, Tanh)


def around(net: Net) -> Net:
    """Two levels."""
    return residual(serial(net, Tanh))


def by_arrows() -> Net:
    """A thousand layers, one after the other."""
    net: Net = Dense(4)
    for _ in range(999):
        net = net >> Relu
    return net


MAKERS: dict[str, Callable[[], Net]] = {
    "a row of 1000": lambda: serial(*[Dense(4) for _ in range(1000)]),
    "a row of 1000 by >>": by_arrows,
    "200 serials": lambda: nested(200, in_series),
    "100 residuals of serials": lambda: nested(100, around),
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_networks_are_values_at_any_size(make: Callable[[], Net]) -> None:
    """They print, compare, hash, pickle, copy, and are rebuilt."""
    net, other = make(), make()
    assert net == other and hash(net) == hash(other) and repr(net) == repr(other)
    assert pickle.loads(pickle.dumps(net)) == net and copy.deepcopy(net) == net
    assert rebuild(net, lambda path, layer: layer) == net
    assert rebuild(net, lambda path, layer: Dense(5) if layer == Dense(4) else layer) != net


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_networks_run_at_any_size(make: Callable[[], Net]) -> None:
    """Forward, backward, traced, calibrated, summed up, and refused."""
    net, x = make(), np.ones((2, 4), np.float32)
    out, params = net.init(0, (-1, 4))
    assert out == (-1, 4) == net.out_shape((-1, 4))
    y, pullback = vjp(net.apply, params, x)
    assert np.array_equal(y, net.apply(params, x))
    assert pullback(y)[0].paths() == params.paths()
    assert value_and_grad(squared_error, net.apply)(params, x, y)[0] == 0
    assert np.array_equal(trace(net)(params, x)[0], y)
    assert calibrate(net, params, [x]) == params
    assert "4" in str(summary(net, (-1, 4)))
    assert Params(params.to_dict()) == params == pickle.loads(pickle.dumps(params))
    with pytest.raises(ShapeError, match=r"takes \(\.\.\., 4\), got \(2, 5\)"):
        net.apply(params, np.ones((2, 5), np.float32))


def test_a_refusal_behind_many_serials_is_told_soon() -> None:
    """Thirty levels cost about what thirty layers cost: each is asked a few times, and none twice for each above it."""
    net = nested(30, in_series)
    _, params = net.init(0, (-1, 4))
    best = np.inf
    for _ in range(5):
        started = time.perf_counter()
        with pytest.raises(ShapeError):
            net.apply(params, np.ones((2, 5), np.float32))
        best = min(best, time.perf_counter() - started)
    assert best < 0.25  # 10 ms on a quiet machine; it was hours


def test_a_shape_rule_runs_once_for_an_init() -> None:
    """However deep its layer lies."""
    asked: list[Any] = []

    def shape_rule(shape: Any) -> Any:
        asked.append(shape)
        return shape

    own: Net = Layer.lift(shape_rule, lambda x: (x, lambda dy: dy))
    net: Any = own
    for _ in range(10):
        net = residual(serial(net, Tanh))
    net.init(0, (-1, 4))
    assert len(asked) == 1
