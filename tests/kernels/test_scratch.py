"""Memory is used again only when nobody can tell."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, cast
from unittest import mock

import numpy as np
import pytest

from funcnn.kernels import scratch
from funcnn.kernels.scratch import SHORT, vector

FLOAT32 = np.dtype(np.float32)
counted = sys.implementation.name == "cpython" and getattr(sys, "_is_gil_enabled", lambda: True)()


def address(a: np.ndarray[tuple[int], np.dtype[np.float32]]) -> int:
    """Where the elements are."""
    return int(a.__array_interface__["data"][0])


@pytest.mark.parametrize("n", [0, 1, SHORT - 1, SHORT, SHORT + 1])
def test_a_vector_is_as_asked_for(n: int) -> None:
    """Of this length and dtype, contiguous and writable."""
    v = vector(n, FLOAT32)
    assert (v.shape, v.dtype, v.flags.writeable, v.flags.c_contiguous) == ((n,), FLOAT32, True, True)


def test_memory_comes_back() -> None:
    """A sealed vector that nobody refers to any more is handed out again, writable."""
    first = vector(SHORT + 11, FLOAT32)
    first.setflags(write=False)
    where = address(first)
    del first
    again = vector(SHORT + 11, FLOAT32)
    assert (address(again) == where, again.flags.writeable) == (counted, True)


@pytest.mark.skipif(not counted, reason="nothing is used again")
@pytest.mark.parametrize("n", [30, 60])
def test_many_of_a_size_come_back(n: int) -> None:
    """As many as a pass through a transformer keeps at once."""
    scratch.release()
    first = [address(v) for v in [vector(SHORT + 17, FLOAT32) for _ in range(n)]]
    again = [address(v) for v in [vector(SHORT + 17, FLOAT32) for _ in range(n)]]
    assert (len(set(first)), set(again)) == (n, set(first))


@pytest.mark.parametrize("megabytes", [1, 3, 4, 64])
def test_what_is_two_or_three_to_a_power_of_two_wastes_nothing(megabytes: int) -> None:
    """But for the line at which it begins: a page of the rest may be 2 MB."""
    scratch.release()
    _held = vector(megabytes << 18, FLOAT32)
    assert scratch._mine.pool.held == ((megabytes << 20) + 64 if counted else 0)  # others may hold what tests have left


def test_a_vector_in_use_is_left_alone() -> None:
    """However many are asked for, those that are held, or of which a view is held, keep what they hold."""
    held = []
    for i in range(40):
        v = vector(SHORT + 12, FLOAT32)
        v[:] = i
        held.append(v if i % 2 else v[5:9].reshape(2, 2))
    assert [set(v.ravel().tolist()) for v in held] == [{float(i)} for i in range(40)]


def test_a_memoryview_counts() -> None:
    """Whoever took the buffer holds the vector."""
    v = vector(SHORT + 13, FLOAT32)
    v[:] = 1.0
    buffer = memoryview(cast(Any, v))
    del v
    vector(SHORT + 13, FLOAT32)[:] = 2.0
    assert buffer[0] == 1.0


def test_threads_do_not_share() -> None:
    """Vectors filled by several threads at once keep what their thread wrote."""
    start = threading.Barrier(4)

    def work(i: int) -> bool:
        start.wait()
        good = True
        for _ in range(20):
            v = vector(SHORT + 14, FLOAT32)
            v[:] = i
            good &= bool((v == i).all())
        return good

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(4))) == [True] * 4


def test_many_lengths_are_not_all_kept() -> None:
    """Old lengths make room for new ones."""
    assert [len(vector(SHORT + i, FLOAT32)) for i in range(100, 130)] == [SHORT + i for i in range(100, 130)]


OBSERVED = """
import sys
def look(frame, event, arg):
    len(frame.f_locals)  # what a debugger does; before Python 3.13 a dict stays behind, which refers to all of them
    return look
sys.settrace(look)
import funcnn
from funcnn.kernels.scratch import SHORT, vector
sys.settrace(None)
import numpy as np
held = []
for i in range(40):
    held.append(vector(SHORT + 12, np.dtype('f4')))
    held[-1][:] = i
assert [set(v.tolist()) for v in held] == [{float(i)} for i in range(40)], 'overwritten'
one = vector(SHORT + 13, np.dtype('f4'))
where = one.__array_interface__['data'][0]
del one
print(vector(SHORT + 13, np.dtype('f4')).__array_interface__['data'][0] == where)
"""


def test_an_import_that_is_observed_counts_as_any_other() -> None:
    """By a debugger that reads the locals of frames: what somebody holds is left alone, and the rest comes back."""
    done = subprocess.run([sys.executable, "-c", OBSERVED], capture_output=True, text=True, check=False, timeout=120)
    assert (done.stdout.strip(), done.stderr) == (str(counted), "")


def test_kernels_that_are_observed_are_right() -> None:
    """A debugger that reads the locals of every frame while they run changes no result."""
    held: list[Any] = []

    def look(frame: Any, event: str, arg: object) -> Any:
        held.append(dict(frame.f_locals))
        return look

    before = sys.gettrace()
    sys.settrace(look)
    try:
        vectors = [vector(SHORT + 15, FLOAT32) for _ in range(10)]
        for i, v in enumerate(vectors):
            v[:] = i
    finally:
        sys.settrace(before)
    assert [set(v.tolist()) for v in vectors] == [{float(i)} for i in range(10)]


def test_a_count_of_one_holder_is_known() -> None:
    """The interpreter counts as the library thinks it does, for this version of it."""
    one = np.empty(0)
    assert sys.getrefcount(one) == scratch.ALONE or not counted


# how much is kept ------------------------------------------------------------------------------------------------------
LARGE: Final = 1 << 20


@pytest.fixture
def room() -> Iterator[Callable[[int], None]]:
    """Sets how much all threads may keep, in vectors of `LARGE`; nothing is kept at first."""
    for pool in scratch._all():
        pool.clear()
    with mock.patch.object(scratch, "SCRATCH", 0), mock.patch.object(scratch, "_IDLE", 0.0):
        yield lambda n: setattr(scratch, "SCRATCH", n * scratch._size(4 * LARGE))
    for pool in scratch._all():
        pool.clear()


class Idle:
    """A thread that does what it is told, and waits."""

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(1)

    def ask(self, n: int) -> None:
        """For so many vectors at once, none of which it keeps."""
        self.pool.submit(lambda: [vector(LARGE, FLOAT32) for _ in range(n)] and None).result()

    def end(self) -> None:
        """For good."""
        self.pool.shutdown()


def kept() -> float:
    """How many vectors all threads keep."""
    return scratch.held() / scratch._size(4 * LARGE)


@pytest.mark.skipif(not counted, reason="nothing is kept where references are not counted")
def test_idle_threads_give_back(room: Callable[[int], None]) -> None:
    """Who wants more than there is room for takes it from whoever asked longest ago."""
    room(8)
    threads = [Idle() for _ in range(4)]
    for thread in threads:
        thread.ask(3)
        assert kept() <= 8
    assert kept() == 6  # of the last two
    threads[0].ask(1)
    assert kept() == 7
    for thread in threads:
        thread.end()


@pytest.mark.skipif(not counted, reason="nothing is kept where references are not counted")
def test_what_a_thread_keeps_goes_with_it(room: Callable[[int], None]) -> None:
    """When it ends."""
    room(8)
    thread = Idle()
    thread.ask(3)
    assert kept() == 3
    thread.end()
    gc.collect()
    assert kept() == 0


@pytest.mark.parametrize("n", [0, 1, 2])
def test_no_more_is_kept_than_there_is_room_for(room: Callable[[int], None], n: int) -> None:
    """What is beyond is as any other memory; and what is held by somebody stays what it is."""
    room(n)
    held = [vector(LARGE, FLOAT32) for _ in range(6)]
    for i, v in enumerate(held):
        v[:] = i
    assert kept() <= n
    again = [vector(LARGE, FLOAT32) for _ in range(6)]
    for v in again:
        v[:] = -1
    assert [float(v[0]) for v in held] == [float(v[-1]) for v in held] == [0, 1, 2, 3, 4, 5]


def test_what_others_let_go_stays_with_its_owner(room: Callable[[int], None]) -> None:
    """Taking the memory of an idle thread takes nothing that it still refers to."""
    room(2)
    thread, held = Idle(), list[Any]()

    def ask() -> None:
        held.append(vector(LARGE, FLOAT32))
        held[-1][:] = 7

    thread.pool.submit(ask).result()
    for _ in range(4):
        vector(LARGE, FLOAT32)[:] = 1
        vector(LARGE + 1, FLOAT32)[:] = 2
    thread.pool.submit(lambda: vector(LARGE, FLOAT32).fill(3)).result()
    assert (held[0] == 7).all()
    thread.end()


STEPS = """
import threading, time
import numpy as np
from funcnn import Conv, Flatten, Dense, Relu, serial, softmax_cross_entropy, value_and_grad
from funcnn.kernels import scratch
net = serial(Conv(32, (3, 3)), Relu, Conv(64, (3, 3)), Relu, Flatten, Dense(10))
_, params = net.init(0, (256, 28, 28, 1))
x, labels = np.ones((256, 28, 28, 1), np.float32), np.zeros(256, int)
done, stop = threading.Semaphore(0), threading.Event()
def step():
    value_and_grad(softmax_cross_entropy, net.apply)(params, x, labels)
    done.release()
    stop.wait()
for _ in range(8):
    threading.Thread(target=step, daemon=True).start()
    done.acquire()
    time.sleep(1.1)  # idle, from now on
print(scratch.held() >> 20)
stop.set()
"""


@pytest.mark.parametrize(("given", "most"), [("", 512), ("64", 64), ("0", 0)])
def test_eight_idle_threads_keep_what_the_setting_says(given: str, most: int) -> None:
    """Together; each of them has made a step of a convolutional network."""
    done = subprocess.run(
        [sys.executable, "-c", STEPS], capture_output=True, text=True, check=False, timeout=300,
        env={**os.environ, "FUNCNN_SCRATCH": given, "FUNCNN_THREADS": "2"},
    )  # fmt: skip
    assert done.stderr == ""
    assert int(done.stdout) <= most
    assert int(done.stdout) > 0 or not most or not counted


def test_a_setting_that_is_none_is_refused() -> None:
    """By the import, with the name of the variable and the range."""
    for given in ("-1", "many", "1.5", "9999999"):
        done = subprocess.run(
            [sys.executable, "-c", "import funcnn"], capture_output=True, text=True, check=False, timeout=300,
            env={**os.environ, "FUNCNN_SCRATCH": given},
        )  # fmt: skip
        wanted = f"ValueError: the environment variable FUNCNN_SCRATCH must be an integer from 0 to 1048576, got {given!r}"
        assert done.stderr.strip().splitlines()[-1] == wanted
