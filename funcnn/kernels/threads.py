"""Several cores: blocks of images, of elements, of parameters, each done by one thread.

There is no thread before the first kernel that is long enough for two, none where one core is all there is, and a fork
starts over. FUNCNN_THREADS=1 turns them off, see `funcnn.kernels.settings`. Results are the same whatever the number of
threads where each writes to its own place; sums over images are added up in another order.

Each thread calls BLAS for itself, so that BLAS is told to use one thread for the time being. Its own threads and these
would wait for each other; and those of OpenBLAS keep a core busy for some time after their work is done.
"""

from __future__ import annotations

import functools
import importlib
import os
import threading
from collections.abc import Callable
from typing import Any, Final

from funcnn.kernels.settings import THREADS

Work = Callable[[int, int], object]

_lock: threading.Lock = threading.Lock()
_helpers: list[_Helper] = []


def spread(n: int, least: int, work: Work) -> None:
    """`work(start, end)` for parts of `range(n)` that are at least `least` long, side by side.

    How many parts there are depends on nothing else; those that nobody is free for are done one after the other.
    """
    if THREADS < 2:
        work(0, n)
        return
    parts = max(1, min(THREADS, n // max(1, least)))
    ends = [n * i // parts for i in range(parts + 1)]
    with _BLAS:
        started: list[_Helper] = []
        left = [(0, ends[1])]
        try:
            for span in zip(ends[1:], ends[2:]):
                helper = _free()
                if helper is None:
                    left.append(span)
                else:
                    helper.start_work(work, *span)
                    started.append(helper)
            for start, end in left:
                work(start, end)
        finally:
            errors = [helper.finish() for helper in started]
    for error in filter(None, errors):
        raise error


class _Helper(threading.Thread):
    """A thread that does one piece of work at a time. A pool of the standard library takes 15 us more for each."""

    def __init__(self) -> None:
        super().__init__(name="funcnn", daemon=True)
        self.free, self.go, self.done = threading.Lock(), threading.Lock(), threading.Lock()
        self.go.acquire()
        self.done.acquire()
        self.job: tuple[Work, int, int] | None = None
        self.error: BaseException | None = None

    def start_work(self, work: Work, start: int, end: int) -> None:
        self.job = work, start, end
        self.go.release()

    def finish(self) -> BaseException | None:
        """What its work raised, once it has ended: nobody writes to what the caller may let go."""
        error = _acquired(self.done) or self.error
        self.error = None
        self.free.release()
        return error

    def run(self) -> None:
        while True:
            self.go.acquire()
            assert self.job is not None
            work, start, end = self.job
            try:
                work(start, end)
            except BaseException as error:
                self.error = error
            self.job = work = None  # type: ignore[assignment]  # whatever it refers to may go
            self.done.release()


def _acquired(lock: threading.Lock) -> BaseException | None:
    """The lock, and what interrupted the waiting for it."""
    interrupt: BaseException | None = None
    while True:
        try:
            lock.acquire()
            return interrupt
        except BaseException as error:
            interrupt = error


def _free() -> _Helper | None:
    """A thread that has nothing to do, which is the caller's until it is finished."""
    for helper in tuple(_helpers):
        if helper.free.acquire(blocking=False):
            return helper
    with _lock:
        if len(_helpers) >= THREADS - 1:
            return None
        helper = _Helper()
        helper.free.acquire()
        helper.start()
        _helpers.append(helper)
        return helper


def longer(block: int) -> int:
    """The length of a block where several threads may work, of one that is best for a single thread.

    Between two calls of NumPy threads wait for the interpreter's lock, and waking up takes as long as a short call: two
    threads do Adam's update of a million params in 2.2 ms by blocks of 32k elements, in 1.2 ms by blocks of 128k.
    """
    return block * 4 if THREADS > 1 else block


def _forget() -> None:
    """After a fork the threads are gone, and locks may be held by nobody."""
    global _lock
    _helpers.clear()
    _lock = threading.Lock()
    _BLAS.reset()


class _Blas:
    """The number of threads that the BLAS of NumPy uses: one, as long as somebody is in here."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.lock, self.inside, self.before = threading.Lock(), 0, 1

    def __enter__(self) -> None:
        get, put = _openblas()
        with self.lock:
            self.inside += 1
            if self.inside == 1 and get is not None and (before := get()) > 1:
                self.before = before
                put(1)

    def __exit__(self, *error: object) -> None:
        _, put = _openblas()
        with self.lock:
            self.inside -= 1
            if not self.inside and self.before > 1:
                put(self.before)
                self.before = 1


@functools.cache
def _openblas() -> tuple[Any, Any]:
    """How OpenBLAS, in the library that NumPy brings, reads and sets that number; None for another BLAS."""
    import ctypes

    try:
        core: Any = importlib.import_module("numpy._core._multiarray_umath")
        library = ctypes.CDLL(core.__file__)
    except (ImportError, AttributeError, OSError):
        return None, None
    for prefix, suffix in (("scipy_", "64_"), ("scipy_", ""), ("", "64_"), ("", "")):
        get = getattr(library, f"{prefix}openblas_get_num_threads{suffix}", None)
        put = getattr(library, f"{prefix}openblas_set_num_threads{suffix}", None)
        if get is not None and put is not None:
            return get, put
    return None, None


_BLAS: Final = _Blas()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
