"""Several cores: blocks of images, of elements, of parameters, each done by one thread.

There is no thread before the first kernel that is long enough for two, none where one core is all there is, and a fork
starts over. FUNCNN_THREADS=1 turns them off, and those of BLAS, see `funcnn.kernels.settings`. The last bits of some
results depend on how many there are: sums over images are added up in another order, and parts of a product are rounded
otherwise.

Each thread calls BLAS for itself, so that BLAS is told to use one thread for the time being. Its own threads and these
would wait for each other; and those of OpenBLAS keep a core busy for some time after their work is done. Where others
use the machine too, they wait for a core in every product: one of 32 x 128 by 128 x 128 takes 25 us on one thread and
10 ms on two. So loops of products run on one thread, see `alone`, and long products are spread by the library itself.

Where threads have long parts of their own, as when each takes some examples through a whole network, nothing within a
part is spread any further, see `side_by_side`.

Who lowers the number of BLAS's threads, as threadpoolctl does, lowers that of these threads too.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import Any, Final, TypeVar

from funcnn.kernels.blas import number_of_threads
from funcnn.kernels.settings import LIMITED
from funcnn.kernels.settings import THREADS as THREADS

Work = Callable[[int, int], object]
T = TypeVar("T")


class _Mine(threading.local):
    """What a thread knows of itself: whether all it does is a part of some work."""

    inside = False


_mine: Final = _Mine()
_lock = threading.RLock()  # a signal handler may come here while its thread is in here
_helpers: list[_Helper] = []


def spread(n: int, least: int, work: Work) -> None:
    """`work(start, end)` for parts of `range(n)` that are at least `least` long, side by side.

    How many parts there are depends on nothing else; those that nobody is free for are done one after the other.
    """
    if THREADS < 2 or _mine.inside:
        work(0, n)
        return
    parts = max(1, min(_BLAS.allowed(), n // max(1, least)))
    ends = [n * i // parts for i in range(parts + 1)]
    jobs = [_Job(work, *span) for span in zip(ends[1:], ends[2:])]
    user, errors = object(), list[BaseException]()
    try:
        _BLAS.enter(user)
        for job in jobs:
            _offer(job)
        work(0, ends[1])
        for job in jobs:
            if not job.taken:
                work(job.start, job.end)
    finally:
        # An interrupt comes where a function is entered or left, so that it may come in here too. Whatever is done here
        # may be done twice, and is done until nobody interrupts it.
        interrupt: BaseException | None = None
        while True:
            try:
                for job in jobs:
                    if error := job.finish():
                        errors.append(error)
                _BLAS.leave(user)
                break
            except BaseException as found:
                interrupt = found
        if interrupt is not None:
            errors.insert(0, interrupt)
            interrupt = None
        if errors:
            try:
                raise errors[0]
            finally:
                errors.clear()  # with its traceback it would hold this frame, and all arrays in it


def side_by_side(count: int, part: Callable[[int], T]) -> list[T]:
    """`part(k)` for every k below `count`, each by a thread, if one is free. Within it no work is spread further: the
    others have theirs.
    """
    found: dict[int, T] = {}

    def some(i: int, j: int) -> None:
        before, _mine.inside = _mine.inside, True
        try:
            for k in range(i, j):
                found[k] = part(k)
        finally:
            _mine.inside = before

    spread(count, 1, some)
    return [found[k] for k in range(count)]


def allowed() -> int:
    """How many threads may work."""
    return 1 if THREADS < 2 or _mine.inside else _BLAS.allowed()


def alone(f: Callable[..., T], *args: Any) -> T:
    """`f(*args)`, for whose products BLAS uses one thread: where they are many, and none is long. It takes 2 us."""
    if THREADS < 2 or _BLAS.has_one():
        return f(*args)
    user = object()
    try:
        _BLAS.enter(user)
        return f(*args)
    finally:
        interrupt: BaseException | None = None
        while True:  # an interrupt may come in here too
            try:
                _BLAS.leave(user)
                break
            except BaseException as found:
                interrupt = found
        if interrupt is not None:
            raise interrupt


class _Job:
    """A part of some work, for another thread. It runs under the settings of the caller, those of `np.errstate` too."""

    def __init__(self, work: Work, start: int, end: int) -> None:
        self.work: Work | None = work
        self.start, self.end, self.context = start, end, copy_context()
        self.taken = self.ended = False
        self.error: BaseException | None = None
        self.done = threading.Lock()
        self.done.acquire()

    def run(self) -> None:
        assert self.work is not None
        try:
            self.context.run(self.work, self.start, self.end)
        except BaseException as error:
            self.error = error
        self.work = None  # whatever it refers to may go

    def finish(self) -> BaseException | None:
        """Wait until it has ended, so that nobody writes to what the caller may let go: what it raised, if anything.

        An interrupt waits too. It may come before the lock is ours or just after: `ended`, set before, tells which.
        """
        interrupt: BaseException | None = None
        while True:
            try:
                while self.taken and not self.ended:
                    self.done.acquire()
                error, self.error = self.error, None
                return interrupt or error
            except BaseException as found:
                interrupt = found


class _Helper(threading.Thread):
    """A thread that does one job at a time. A pool of the standard library takes 15 us for each, this 11."""

    def __init__(self) -> None:
        super().__init__(name="funcnn", daemon=True)
        self.job: _Job | None = None
        self.go = threading.Lock()
        self.go.acquire()

    def run(self) -> None:
        while True:
            self.go.acquire()
            job = self.job
            assert job is not None
            job.run()
            self.job = None  # free, before the caller can know
            job.ended = True
            job.done.release()
            del job


def _offer(job: _Job) -> None:
    """Let a thread that has nothing to do take the job, if there is one."""
    with _lock:
        helper: _Helper | None = None
        for helper in _helpers:  # no generator: what interrupts one that is thrown away is lost
            if helper.job is None:
                break
        else:
            helper = _another()
        if helper is not None:
            helper.job, job.taken = job, True
            helper.go.release()


def _another() -> _Helper | None:
    if len(_helpers) >= THREADS - 1:
        return None
    helper = _Helper()
    try:
        helper.start()
    except RuntimeError:  # the system gives no more threads, or the interpreter is about to end
        return None
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
    _lock = threading.RLock()
    _BLAS.forget()


class _Blas:
    """The number of threads that the BLAS of NumPy uses: one, as long as somebody is in here.

    An interrupt may come within either method. Whoever comes in calls `leave` in any case, again if it is interrupted;
    so both are written such that what is left half done, `leave` ends.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()  # a signal handler may come here while its thread is in here
        self.users: set[object] = set()
        self.before = 0  # how many it is to get back; 0: it has them
        get, _ = number_of_threads()
        self.first: int = get() if get else 0  # how many it had when the library was imported

    def has_one(self) -> bool:
        """Does it use one, whoever said so, or can it not be told?"""
        get, _ = number_of_threads()
        return get is None or get() == 1

    def allowed(self) -> int:
        """How many threads may work: fewer where somebody has told BLAS to use fewer since the import."""
        get, _ = number_of_threads()
        if get is None:
            return THREADS
        with self.lock:
            now = self.before or get()
        return THREADS if now >= self.first else min(THREADS, now)

    def enter(self, user: object) -> None:
        get, put = number_of_threads()
        if get is None:
            return
        with self.lock:
            self.users.add(user)
            if len(self.users) == 1:
                if not self.before and (found := get()) > 1:
                    self.before = found
                if self.before:
                    put(1)

    def leave(self, user: object) -> None:
        with self.lock:
            self.users.discard(user)
            if self.before and not self.users:
                number_of_threads()[1](self.before)
                self.before = 0

    def forget(self) -> None:
        """After a fork: whoever was in here is not in this process, and the lock may be held by nobody."""
        self.lock, self.users = threading.RLock(), set()
        self.leave(None)


def _limit() -> None:
    """Who says how many threads there are to be means those of BLAS too."""
    get, put = number_of_threads()
    if get is not None and get() > THREADS:
        put(THREADS)


if LIMITED:
    _limit()
_BLAS: Final = _Blas()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
