"""What layers keep for their pullbacks goes while an objective goes backward; a pullback that is yours stays as it is."""

from __future__ import annotations

import tracemalloc
import weakref
from collections.abc import Callable
from typing import Any
from unittest import mock

import numpy as np
import pytest

from funcnn import (
    Array, Dense, FanInSum, FanOut, Gelu, Layer, bidirectional, checkpoint, ensemble, first, freeze, keep, map_over,
    parallel, repeat, residual, scan, select, serial, squared_error, tie, value_and_grad, vjp,
)  # fmt: skip
from funcnn.kernels import scratch
from funcnn.pulling import Pulling

Net = Layer[Any, Any]


def keeping(kept: list[weakref.ref[Array]]) -> Net:
    """The identity, which keeps an array for its pullback."""

    def f(x: Any) -> tuple[Any, Callable[[Any], Any]]:
        factor = np.ones_like(x)
        kept.append(weakref.ref(factor))
        return x, lambda dy: dy * factor

    return Layer.lift(lambda shape: shape, f, value=lambda x: x)


def watching(kept: list[weakref.ref[Array]], seen: list[int]) -> Net:
    """The identity, whose pullback counts what is still kept."""

    def pullback(dy: Any) -> Any:
        seen.append(sum(ref() is not None for ref in kept))
        return dy

    return Layer.lift(lambda shape: shape, lambda x: (x, pullback), value=lambda x: x)


def cell(inner: Net) -> Net:
    """(x, state) to (y, state), where both are what the inner layer makes of their sum."""
    return serial(FanInSum, inner, FanOut(2))


COMBINED: dict[str, Callable[[Net], Net]] = {
    "serial": lambda f: serial(f, f),
    "residual": lambda f: residual(serial(f)),
    "residual with a shortcut": lambda f: residual(serial(f), serial(f)),
    "parallel": lambda f: serial(FanOut(2), parallel(serial(f), serial(f)), FanInSum),
    "repeat": lambda f: repeat(serial(f), 3, shared=True),
    "first": lambda f: serial(FanOut(2), first(serial(f)), select(0)),
    "keep": lambda f: serial(FanOut(2), keep(serial(FanInSum, f)), select(0)),
    "map_over": lambda f: map_over(serial(f)),
    "bidirectional": lambda f: serial(bidirectional(serial(f)), Dense(4)),
    "scan": lambda f: serial(FanOut(2), parallel(serial(), Layer.lift(_batch_only, _at_start)), scan(cell(f)), select(0)),
}


AROUND: dict[str, tuple[Callable[[Net], Net], list[int]]] = {
    "tie": (lambda f: tie(f, {"dense_1/w": "dense_0/w"}), [0]),
    "freeze": (lambda f: freeze(f, f.init(0, (-1, 4))[1], "dense_1/w"), [0]),
    "checkpoint": (checkpoint, [0]),
    "ensemble": (lambda f: ensemble(f, 2), [1, 0]),  # of the second member, while the first one is gone back through
}
"""What goes around a whole network, and how many arrays each of its pullbacks still finds."""


def _batch_only(shape: Any) -> Any:
    return (shape[0], *shape[2:])


def _at_start(x: Array) -> tuple[Array, Callable[[Array], Array]]:
    def pullback(dy: Array) -> Array:
        dx = np.zeros_like(x)
        dx[:, 0] = dy
        return dx

    return x[:, 0], pullback


@pytest.mark.parametrize("name", COMBINED)
def test_what_was_kept_is_gone_before_the_layers_in_front(name: str) -> None:
    """An objective calls a pullback once; one that is yours may be called again, and keeps everything."""
    kept: list[weakref.ref[Array]] = []
    seen: list[int] = []
    net = serial(Dense(4), watching(kept, seen), COMBINED[name](serial(Dense(4), keeping(kept))))
    _, params = net.init(0, (-1, 3, 4))
    x = np.ones((2, 3, 4), np.float32)
    value, grads = value_and_grad(squared_error, net.apply)(params, x, 0 * x)
    assert kept and seen == [0]
    kept.clear()
    y, pullback = vjp(net.apply, params, x)
    again = [pullback(vjp(squared_error, y, 0 * x)[1](1.0)[0])[0] for _ in range(2)]
    assert (seen, again, float(squared_error(y, 0 * x))) == ([0, len(kept), len(kept)], [grads, grads], value)


@pytest.mark.parametrize("name", AROUND)
def test_what_goes_around_a_network_hands_on_that_a_call_is_the_last(name: str) -> None:
    """And the gradients are those of a pullback that is called again."""
    kept: list[weakref.ref[Array]] = []
    seen: list[int] = []
    make, left = AROUND[name]
    net = make(serial(Dense(4), watching(kept, seen), Dense(4), keeping(kept)))
    _, params = net.init(0, (-1, 4))
    x = np.ones((2, 4), np.float32)
    target = 0 * net.apply(params, x)
    _, grads = value_and_grad(squared_error, net.apply)(params, x, target)
    assert seen == left
    y, pullback = vjp(net.apply, params, x)
    dy = vjp(squared_error, y, target)[1](1.0)[0]
    assert pullback(dy)[0] == pullback(dy)[0] == grads


def live_peak(work: Callable[[], object]) -> int:
    """The most bytes that it has at one time; every array is fresh memory."""
    with mock.patch.object(scratch, "COUNTED", False):
        work()
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            work()
            return tracemalloc.get_traced_memory()[1] - before
        finally:
            tracemalloc.stop()


def test_a_step_holds_what_its_forward_pass_kept_and_little_more() -> None:
    """Of a Dense and a Gelu two arrays are kept. Two more are there at once at the loss, and never more going backward."""
    layers = 4
    net = serial(*[serial(Dense(128), Gelu) for _ in range(layers)])
    _, params = net.init(0, (-1, 128))
    x = np.ones((8192, 128), np.float32)
    target = 0 * x
    objective, room = value_and_grad(squared_error, net.apply), x.nbytes // 2  # for gradients, and blocks of numbers

    def by_vjp() -> None:
        y, pullback = vjp(net.apply, params, x)
        pullback(vjp(squared_error, y, target)[1](1.0)[0])

    most = (2 * layers + 2) * x.nbytes + room
    assert live_peak(lambda: objective(params, x, target)) <= most
    assert live_peak(by_vjp) >= most + x.nbytes // 2  # for it may be called again


def test_what_is_no_combinator_is_called_as_it_is() -> None:
    """A layer's own pullback knows nothing of last calls."""
    net = Dense(2)
    _, params = net.init(0, (-1, 3))
    back = net.apply.entered(params, np.ones((1, 3)), None)[3]
    assert not isinstance(back, Pulling)
    assert isinstance(serial(net).apply.entered({"dense_0": params}, np.ones((1, 3)), None)[3], Pulling)
