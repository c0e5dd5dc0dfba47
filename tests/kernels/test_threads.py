"""Several cores: every part is done once, errors come out, and nobody is left waiting."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import numpy as np
import pytest

from funcnn.kernels import blas, threads


@pytest.fixture(autouse=True)
def _four_threads() -> object:
    """However many cores there are here."""
    with mock.patch.object(threads, "THREADS", 4), mock.patch.object(threads, "_helpers", []):
        yield


@pytest.mark.parametrize("n", [0, 1, 3, 7, 8, 100])
@pytest.mark.parametrize("least", [0, 1, 3, 50, 1000])
def test_every_number_is_in_one_part(n: int, least: int) -> None:
    """Parts follow one another from 0 to n, and are long enough unless there is only one."""
    parts: list[tuple[int, int]] = []
    threads.spread(n, least, lambda i, j: parts.append((i, j)))
    assert [k for i, j in sorted(parts) for k in range(i, j)] == list(range(n))
    assert len(parts) == 1 or min(j - i for i, j in parts) >= least


def test_the_parts_run_side_by_side() -> None:
    """Four parts wait for each other, which one thread alone would do for ever."""
    together = threading.Barrier(4, timeout=30)
    threads.spread(4, 1, lambda i, j: together.wait())


@pytest.mark.parametrize("wrong", [0, 3])
def test_an_error_comes_out_after_all_parts_are_done(wrong: int) -> None:
    """Whichever part it is from; the others have ended by then."""
    done: list[int] = []

    def work(i: int, j: int) -> None:
        if i == wrong:
            raise KeyError("here")
        done.append(i)

    with pytest.raises(KeyError, match="here"):
        threads.spread(4, 1, work)
    assert sorted(done) == [i for i in range(4) if i != wrong]


def test_threads_of_the_user_share_the_helpers() -> None:
    """Eight threads at once get their own results."""

    def total(k: int) -> float:
        out = np.zeros(4000)
        for _ in range(20):
            threads.spread(4000, 10, lambda i, j: out[i:j].__iadd__(k))
        return float(out.sum())

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(total, range(8))) == [20 * 4000.0 * k for k in range(8)]


def test_who_finds_nobody_free_works_alone() -> None:
    """Work inside of work takes what helpers are left, then the caller's own thread, in the same parts."""
    inner: list[tuple[int, int]] = []

    def outer(i: int, j: int) -> None:
        threads.spread(8, 2, lambda start, end: inner.append((start, end)))

    threads.spread(4, 1, outer)
    assert sorted(inner) == sorted([(0, 2), (2, 4), (4, 6), (6, 8)] * 4)


def test_an_interrupt_waits_for_the_helpers() -> None:
    """What comes while they work comes out when they are done, and they can be used again."""
    done: list[int] = []

    def work(i: int, j: int) -> None:
        if i == 0:
            raise KeyboardInterrupt
        threading.Event().wait(0.05)
        done.append(i)

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            threads.spread(4, 1, work)
    assert sorted(done) == [1, 1, 2, 2, 3, 3]


def test_an_interrupt_just_after_the_waiting_ends_it() -> None:
    """Who is interrupted having got the lock, before it can know, does not wait for the lock once more."""
    waiting, found = threading.Event(), list[object]()

    class Interrupted:
        def __init__(self, lock: threading.Lock) -> None:
            self.lock, self.release = lock, lock.release

        def acquire(self) -> None:
            waiting.set()
            self.lock.acquire()
            raise KeyboardInterrupt

    job = threads._Job(lambda i, j: waiting.wait(30), 0, 1)
    vars(job)["done"] = Interrupted(job.done)
    threads._offer(job)
    waiter = threading.Thread(target=lambda: found.append(job.finish()), daemon=True)
    waiter.start()
    waiter.join(30)
    assert list(map(type, found)) == [KeyboardInterrupt]


def test_helpers_work_under_the_settings_of_the_caller() -> None:
    """What NumPy is to do about overflow, in every part."""
    found: list[object] = []
    with np.errstate(over="call", invalid="ignore"):
        threads.spread(4, 1, lambda i, j: found.append(np.geterr()))
        assert found == [np.geterr()] * 4


def test_where_there_are_no_more_threads_one_does_all() -> None:
    """The system may refuse, and the interpreter when it ends."""
    done: list[int] = []
    with mock.patch.object(threading.Thread, "start", side_effect=RuntimeError("can't start new thread")):
        threads.spread(4, 1, lambda i, j: done.append(i))
    assert done == [0, 1, 2, 3]


def test_helpers_keep_nothing() -> None:
    """When the work is done, what it used can go."""
    array = np.zeros(1000)
    before = sys.getrefcount(array)
    threads.spread(4, 1, lambda i, j: array[i:j].sum())
    assert sys.getrefcount(array) == before


def test_blas_gets_its_threads_back() -> None:
    """It uses one while parts run, and as many as before after them."""
    get, put = blas.number_of_threads()
    if get is None:
        return
    before = get()
    try:
        put(2)
        during: list[int] = []
        threads.spread(4, 1, lambda i, j: during.append(get()))
        assert (during, get()) == ([1] * 4, 2)
    finally:
        put(before)


def run(code: str, **environment: str) -> str:
    """What a program prints, or the last line of its error."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120,
        env={**os.environ, **environment},
    )  # fmt: skip
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


LONG = """
import os, threading, warnings
import numpy as np
from funcnn.kernels.activations import relu
x = np.linspace(-1, 1, 1 << 20, dtype=np.float32)
"""


def test_no_thread_before_the_first_long_kernel() -> None:
    """Importing the library and training a tiny network start none."""
    code = LONG + "before = threading.active_count(); relu(x); print(before, threading.active_count())"
    assert run(code, FUNCNN_THREADS="2") == "1 2"


def test_one_setting_turns_them_off() -> None:
    """FUNCNN_THREADS=1."""
    assert run(LONG + "relu(x); print(threading.active_count())", FUNCNN_THREADS="1") == "1"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_fork_starts_over() -> None:
    """The child computes what the parent does, with threads of its own."""
    code = LONG + (
        "warnings.simplefilter('ignore'); y = relu(x); child = os.fork()\n"
        "if not child: os._exit(0 if (relu(x) == y).all() and threading.active_count() == 2 else 1)\n"
        "print(os.waitpid(child, 0)[1])"
    )
    assert run(code, FUNCNN_THREADS="2") == "0"


@pytest.mark.parametrize("value", ["many", "-1", "0", "1.5", "1000000000", "1025", "9" * 5000, "²"])
def test_other_settings_are_refused(value: str) -> None:
    """By the import, with the name of the variable and the range."""
    wanted = f"ValueError: the environment variable FUNCNN_THREADS must be an integer from 1 to 1024, got {value!r}"
    assert run("import funcnn", FUNCNN_THREADS=value) == wanted


COUNTS = """
from funcnn.kernels.blas import number_of_threads
from funcnn.kernels.threads import THREADS
get, _ = number_of_threads()
print(THREADS, get() if get else THREADS)
"""


@pytest.mark.parametrize("given", ["1", "2"])
def test_the_setting_is_for_blas_too(given: str) -> None:
    """One core is one core; and BLAS gets no more threads than it had."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    free = {name: "" for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    assert run(COUNTS, FUNCNN_THREADS=given, **free) == f"{given} {min(int(given), cores)}"
    assert run(COUNTS, FUNCNN_THREADS="64", **{**free, "OPENBLAS_NUM_THREADS": "1"}) == "64 1"


@pytest.mark.parametrize(("told", "threads"), [("1", 1), ("1,4", 1), (" 1 ", 1), ("0", None), ("many", None), ("", None)])
def test_the_setting_of_openmp_is_heeded(told: str, threads: int | None) -> None:
    """Where there is none of ours; a number that OpenMP does not take is none."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    code = "from funcnn.kernels.threads import THREADS; print(THREADS)"
    assert run(code, FUNCNN_THREADS="", OMP_NUM_THREADS=told) == str(threads or cores)
    assert run(code, FUNCNN_THREADS="3", OMP_NUM_THREADS=told) == "3"
