"""Networks are as long and as deep as people like: nothing takes more than its share of time, or of the stack."""

from __future__ import annotations

import copy
import pickle
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from funcnn import (
    Array, Dense, FanInSum, FanOut, Gradients, Identity, Layer, Params, ParamsError, Relu, ShapeError, Tanh, adam, astype,
    calibrate, first, keep, parallel, ravel, rebuild, residual, select, serial, squared_error, summary, trace, tree_map,
    value_and_grad, vjp,
)  # fmt: skip

Net = Layer[Array, Array]


@pytest.fixture(autouse=True)
def usual_limit() -> Iterator[None]:
    """Python's own recursion limit: mypy raises it in the process that it runs in."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1000)
    yield
    sys.setrecursionlimit(before)


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


def behind(net: Net) -> Net:
    """Two levels, of which the inner one begins with a layer without params."""
    return residual(serial(Tanh, net))


def beside(net: Net) -> Net:
    """Two levels, one of them with branches."""
    return serial(FanOut(2), parallel(net, Identity), FanInSum)


def on_the_first(net: Net) -> Net:
    """Two levels, one on a part of a tuple."""
    return serial(FanOut(2), first(net), select(0))


def kept(net: Net) -> Net:
    """Three levels."""
    return serial(FanOut(2), keep(serial(select(0), net)), select(0))


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


DEEPEST: dict[str, Callable[[], Net]] = {
    "400 serials": lambda: nested(400, in_series),
    "400 residuals": lambda: nested(400, residual),
    "200 residuals of serials": lambda: nested(200, around),
    "200 residuals behind a Tanh": lambda: nested(200, behind),
    "200 branches": lambda: nested(200, beside),
    "200 firsts": lambda: nested(200, on_the_first),
    "130 keeps": lambda: nested(130, kept),
}


@pytest.mark.parametrize("make", DEEPEST.values(), ids=DEEPEST)
def test_four_hundred_levels(make: Callable[[], Net]) -> None:
    """Drawn, run, differentiated, compared, printed, pickled, summed up, rebuilt and refused."""
    net, x = make(), np.ones((2, 4), np.float32)
    out, params = net.init(0, (-1, 4))
    assert out == (-1, 4) == net.out_shape((-1, 4))
    y, pullback = vjp(net.apply, params, x)
    assert np.array_equal(y, net.apply(params, x)) and np.array_equal(y, net.apply(params.to_dict(), x))
    dparams, dx = pullback(np.ones_like(y))
    assert dparams.paths() == params.paths() and dx.shape == x.shape
    assert value_and_grad(squared_error, net.apply)(params, x, y)[0] == 0
    assert net == make() and repr(net) == repr(make()) and hash(net) == hash(make())
    assert pickle.loads(pickle.dumps(net)) == net == copy.deepcopy(net)
    assert rebuild(net, lambda path, layer: Dense(4) if layer == Dense(4) else layer) == net
    assert summary(net, (-1, 4)).params == 20
    with pytest.raises(ShapeError, match=r"takes \(\.\.\., 4\), got \(2, 5\)"):
        net.apply(params, np.ones((2, 5), np.float32))
    with pytest.raises(ParamsError, match="these are not the params of this network: missing"):
        net.apply({"other": params}, x)
    with pytest.raises(ValueError, match=r"trace: layers lie in layers \d+ levels deep"):
        trace(net)(params, x)


@pytest.mark.parametrize("make", DEEPEST.values(), ids=DEEPEST)
def test_params_of_four_hundred_levels(make: Callable[[], Net]) -> None:
    """They are values like others."""
    params = make().init(0, (-1, 4))[1]
    again = Params(params.to_dict())
    assert again == params == pickle.loads(pickle.dumps(params)) == pickle.loads(pickle.dumps(again))
    assert again != tree_map(np.negative, params) and repr(again) == repr(params)
    vector, unravel = ravel(params)
    assert unravel(vector) == params == astype(params, np.float32)
    optimizer = adam(0.1)
    moved, _ = optimizer.step(Gradients(params), optimizer.init(params), params)
    assert moved.paths() == params.paths()


def test_what_is_too_deep_is_told_when_it_is_made() -> None:
    """Not by a stack that overflows when it first runs; with the limit that would do."""
    with pytest.raises(ValueError, match=r"serial: layers lie in layers 426 levels deep, .* allows 425; put them side"):
        nested(450, in_series)
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1100)
    try:
        net = nested(450, in_series)
        assert net.apply(net.init(0, (-1, 4))[1], np.ones((2, 4), np.float32)).shape == (2, 4)
    finally:
        sys.setrecursionlimit(before)


def calls(act: Callable[[], object]) -> int:
    """How many functions are called: what it costs, but for the noise of the machine."""
    count = 0

    def see(frame: object, event: str, arg: object) -> None:
        nonlocal count
        count += event == "call"

    act()  # what is done but once does not count
    before = sys.getprofile()
    sys.setprofile(see)
    try:
        act()
    finally:
        sys.setprofile(before)
    return count


def refused(net: Net) -> Callable[[], None]:
    """A refusal of an input, behind all levels."""
    params = net.init(0, (-1, 4))[1]

    def refuse() -> None:
        with pytest.raises(ShapeError):
            net.apply(params, np.ones((2, 5), np.float32))

    return refuse


@pytest.mark.parametrize(
    "act",
    [
        refused,
        lambda net: lambda: summary(net, (-1, 4)),
        lambda net: lambda: net.init(0, (-1, 4)),
        lambda net: lambda: net.out_shape((-1, 4)),
    ],
    ids=["a refusal", "a summary", "an init", "a shape"],
)
def test_four_times_as_deep_costs_four_times_as_much(act: Callable[[Net], Callable[[], object]]) -> None:
    """And not sixteen times: no level is walked once for each above it."""
    shallow, deep = calls(act(nested(25, around))), calls(act(nested(100, around)))
    assert 3 < deep / shallow < 4.5


def test_a_refusal_behind_many_serials_is_told_soon() -> None:
    """Each level costs the same, and less than a network of one: none is asked twice for each above it."""
    one, five, ten, twenty, thirty = (calls(refused(nested(n, in_series))) for n in (1, 5, 10, 20, 30))
    assert twenty - ten <= 2 * (ten - five) and thirty - twenty <= 2 * (ten - five)
    assert thirty < 30 * one


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
