"""Interrupts at any instant: BLAS gets its threads back, no part goes on, nobody waits, results stay what they are."""

from __future__ import annotations

import inspect
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, Final
from unittest import mock

import numpy as np
import pytest

from funcnn import GRU, Conv, Layer, Relu, serial, vjp
from funcnn.kernels import convolution, threads
from funcnn.kernels.blas import number_of_threads

RNG: Final = np.random.default_rng(0)
NET: Final[Layer[Any, Any]] = serial(Conv(8, (3, 3), padding="SAME"), Relu, Conv(8, (5, 5)))
X: Final = RNG.normal(size=(4, 16, 16, 8)).astype(np.float32)
_, PARAMS = NET.init(0, X.shape)
LOOP: Final[Layer[Any, Any]] = GRU(64)
STEPS: Final = RNG.normal(size=(24, 2, 64)).astype(np.float32)
_, LOOP_PARAMS = LOOP.init(0, STEPS.shape)
KERNELS: Final = str(Path(threads.__file__).parent)


@pytest.fixture(autouse=True)
def _two_threads() -> Iterator[None]:
    """With work for both, whatever there is."""
    with (
        mock.patch.object(threads, "THREADS", 2),
        mock.patch.object(threads, "_helpers", []),
        mock.patch.object(convolution, "_WORTHWHILE", 1 << 12),
    ):
        yield


@pytest.fixture
def blas() -> Iterator[Callable[[], int]]:
    """The number of threads that BLAS uses, two at first."""
    get, put = number_of_threads()
    if get is None:
        yield lambda: 2
        return
    before = get()
    put(2)
    yield get
    put(before)


def passes() -> list[Any]:
    """Passes there and back: of convolutions, and of a recurrent layer, whose loop BLAS does on one thread."""
    found: list[Any] = []
    for net, params, x in ((NET, PARAMS, X), (LOOP, LOOP_PARAMS, STEPS)):
        y, pullback = vjp(net.apply, params, x)
        dparams, dx = pullback(y)
        found += [y, dx, *(dparams.at(path) for path in dparams.paths())]
    return found


def at_rest(get: Callable[[], int]) -> bool:
    """Nobody is inside, nobody works, and BLAS has its threads."""
    free = all(helper.job is None for helper in threads._helpers)
    return (get(), threads._BLAS.users, threads._BLAS.before, free) == (2, set(), 0, True)


class Interrupter:
    """Raises at the n-th and the following calls of functions of the kernels, in the thread that traces."""

    def __init__(self, n: int, times: int) -> None:
        self.first, self.last, self.calls = n, n + times, 0

    def __call__(self, frame: FrameType, event: str, arg: object) -> None:
        code = frame.f_code  # generators are called also where they are thrown away, where no signal comes
        if event == "call" and code.co_filename.startswith(KERNELS) and not code.co_flags & inspect.CO_GENERATOR:
            self.calls += 1
            if self.first <= self.calls < self.last:
                raise KeyboardInterrupt


def traced(interrupter: Interrupter) -> bool:
    """Was the pass interrupted?"""
    before = sys.gettrace()
    sys.settrace(interrupter)
    try:
        passes()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


@pytest.mark.parametrize("times", [1, 2, 3])
def test_interrupts_at_every_call(blas: Callable[[], int], times: int) -> None:
    """The interpreter looks for signals where a function begins: at each of them, once, twice and three times."""
    wanted = passes()
    counted = Interrupter(0, 0)
    assert not traced(counted) and counted.calls > 50
    for n in range(1, counted.calls + 1):
        assert traced(Interrupter(n, times)), n
        assert at_rest(blas), n
    assert all(map(np.array_equal, passes(), wanted))


def by_timer(instants: int) -> str:
    """What is wrong after interrupts by a timer at random instants of a pass, or how many there were."""
    get, put = number_of_threads()
    if get is not None:
        put(2)
    resting, wanted, hits = get or (lambda: 2), passes(), 0
    start = time.perf_counter()
    for _ in range(20):
        passes()
    duration = (time.perf_counter() - start) / 20

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGALRM, interrupt)
    for delay in np.random.default_rng(1).uniform(1e-5, duration, instants):
        try:
            signal.setitimer(signal.ITIMER_REAL, delay)
            passes()
            signal.setitimer(signal.ITIMER_REAL, 0)
        except KeyboardInterrupt:
            hits += 1
        if not at_rest(resting):
            return f"not at rest after {hits} interrupts"
    return f"{hits} interrupts" if all(map(np.array_equal, passes(), wanted)) else "other results"


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timers that send signals")
def test_interrupts_at_random_instants() -> None:
    """Two thousand of them; in a process of its own, where nothing else is interrupted."""
    code = (
        "from tests.kernels.test_interrupts import by_timer, convolution, threads\n"
        "threads.THREADS, convolution._WORTHWHILE = 2, 1 << 12\n"
        "print(by_timer(2000))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=300)
    hits, said = done.stdout.split(maxsplit=1) if done.stdout else ("", done.stderr)
    assert said == "interrupts\n" and int(hits) > 100


def test_an_interrupt_beside_an_error_of_a_part(blas: Callable[[], int]) -> None:
    """The interrupt comes out, and the error stands behind it."""
    finish = threads._Job.finish

    def work(i: int, j: int) -> None:
        raise ValueError(i)

    def once(job: Any) -> Any:
        threads._Job.finish = finish  # type: ignore[method-assign]
        raise KeyboardInterrupt

    threads._Job.finish = once  # type: ignore[method-assign, assignment]
    with pytest.raises(KeyboardInterrupt) as caught:
        threads.spread(2, 1, work)
    assert isinstance(caught.value.__context__, ValueError)
    assert at_rest(blas)


def test_users_of_blas_come_and_go(blas: Callable[[], int]) -> None:
    """It has its threads back when the last one has left, in whatever order; leaving twice does nothing."""
    if blas() != 2:
        return
    a, b = object(), object()
    threads._BLAS.enter(a)
    threads._BLAS.enter(b)
    threads._BLAS.leave(a)
    threads._BLAS.leave(a)
    assert threads._BLAS.users == {b}
    threads._BLAS.leave(b)
    assert at_rest(blas)


def test_what_people_set_meanwhile_stays(blas: Callable[[], int]) -> None:
    """Who sets one thread gets one thread back."""
    get, put = number_of_threads()
    if get is None:
        return
    put(1)
    passes()
    assert blas() == 1
    put(2)


def test_threads_work_while_another_is_interrupted(blas: Callable[[], int]) -> None:
    """The results of the others are what they are alone."""
    wanted, wrong, stop = passes(), list[int](), threading.Event()

    def others() -> None:
        while not stop.is_set():
            if not all(map(np.array_equal, passes(), wanted)):
                wrong.append(1)

    busy = [threading.Thread(target=others) for _ in range(2)]
    for thread in busy:
        thread.start()
    try:
        for n in range(1, 120):
            traced(Interrupter(n, 1))
    finally:
        stop.set()
        for thread in busy:
            thread.join()
    assert not wrong and at_rest(blas)
