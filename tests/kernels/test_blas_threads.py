"""How many threads BLAS uses, and when it is told to use one."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from unittest import mock

import numpy as np
import pytest

from funcnn import Array, Layer, Pullback, Shape, Spec, Tree, layer, scan, vjp
from funcnn.authoring import leaves
from funcnn.initializers import glorot_normal
from funcnn.kernels import blas, threads
from funcnn.kernels.cells import GRU, LSTM, RNN, Gates
from funcnn.kernels.recurrence import recur, recur_pullback

get, put = blas.number_of_threads()
seen: list[int] = []


@pytest.fixture(autouse=True)
def _two_threads() -> Iterator[None]:
    """However many cores there are here, two threads, and two of BLAS."""
    before = get()
    put(2)
    blas = threads._Blas()
    with mock.patch.object(threads, "THREADS", 2), mock.patch.object(threads, "_BLAS", blas):
        yield
        assert get() == 2  # whatever happened
    put(before)
    seen.clear()


def test_alone_blas_has_one_thread() -> None:
    """Within another as well, and gets its own back, from errors too."""
    assert threads.alone(lambda a: (a, get(), threads.alone(get)), 5) == (5, 1, 1)
    assert get() == 2
    with pytest.raises(ZeroDivisionError):
        threads.alone(lambda: 1 / 0)


@layer
def Noting(units: int) -> Layer[tuple[Array, Array], tuple[Array, Array]]:
    """A cell of somebody's own, which notes how many threads BLAS has: `h' = h u`."""

    def out_shape(shape: Any) -> Shape:
        return shape[1], shape[1]

    def spec(shape: Shape) -> Spec:
        return {"u": (glorot_normal, (units, units))}

    def rule(params: Tree, x: tuple[Array, Array]) -> tuple[tuple[Array, Array], Pullback[Any, Any]]:
        (u,) = leaves(params, "u")
        seen.append(get())

        def pullback(d: Any) -> tuple[Tree, Any]:
            seen.append(get())
            dh = d[0] + d[1]
            return {"u": x[1].T @ dh}, (np.zeros_like(x[0]), dh @ u.T)

        h = x[1] @ u
        return (h, h), pullback

    return Layer.of(out_shape, spec, rule)


@pytest.mark.parametrize(("batch", "units", "wanted"), [(4, 8, 2), (16, 128, 1), (1, 600, 1), (600, 600, 2)])
def test_products_of_peoples_rules(batch: int, units: int, wanted: int) -> None:
    """One thread for those that BLAS would spread in vain; tiny ones it does not spread, long ones repay it."""
    net = scan(Noting(units))
    x, h = np.ones((batch, 3, 2), np.float32), np.ones((batch, units), np.float32)
    _, params = net.init(0, (x.shape, h.shape))
    y, pullback = vjp(net.apply, params, (x, h))
    del seen[:-3]  # before, the layer was looked at once
    pullback(y)
    assert seen == [wanted] * 6


@pytest.mark.parametrize(("units", "wanted"), [(3, 2), (96, 1)])
@pytest.mark.parametrize("gates", [RNN, GRU, LSTM], ids=["RNN", "GRU", "LSTM"])
def test_steps_of_recurrent_layers(gates: Gates, units: int, wanted: int) -> None:
    """One thread for products of steps, unless they are so small that BLAS takes one anyway."""

    def noting(f: Any) -> Any:
        def run(*args: Any) -> Any:
            seen.append(get())
            return f(*args)

        return run

    noted = gates._replace(forward=noting(gates.forward), back=noting(gates.back))
    rows = gates.blocks * units
    w, u, b = (np.ones(shape, np.float32) / 99 for shape in ((units, rows), (units, rows), (2 * rows,)))
    x = np.ones((32, 4, units), np.float32)
    done = recur(noted, w, u, b, x, None, None, keep=True)
    recur_pullback(done, np.ones((32, 4, units), np.float32), (None,) * gates.states)
    assert set(seen) == {wanted} and len(seen) > 1


def test_limits_of_threadpoolctl_are_heeded() -> None:
    """Who tells BLAS to use one thread means these too; behind the limit there are two again."""
    limits: Any = importlib.import_module("threadpoolctl").threadpool_limits
    parts: list[int] = []

    def count() -> int:
        parts.clear()
        threads.spread(10, 1, lambda start, end: parts.append(end))
        return len(parts)

    with limits(1, "blas"):
        assert count() == 1
        assert get() == 1
    assert count() == 2


def test_another_blas_is_asked_by_threadpoolctl() -> None:
    """It finds the one that NumPy brings, too."""
    other_get, other_put = blas._by_threadpoolctl()
    assert other_get() == 2
    other_put(1)
    assert get() == 1
    other_put(2)


@pytest.mark.parametrize("name", ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"])
def test_other_settings_count_where_ours_is_not_given(name: str) -> None:
    """One thread, but as many as FUNCNN_THREADS says where it does."""
    code = "from funcnn.kernels.threads import THREADS; print(THREADS)"
    plain = {k: v for k, v in os.environ.items() if "_NUM_THREADS" not in k and k != "FUNCNN_THREADS"}
    for environment, wanted in (({name: "1"}, "1"), ({name: "1", "FUNCNN_THREADS": "3"}, "3")):
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60,
            env={**plain, **environment},
        )  # fmt: skip
        assert done.stdout.strip() == wanted
