"""Several cores: blocks of images, of elements, of parameters, each done by one thread.

There is no thread before the first kernel that is long enough for two, none where one core is all there is, and a fork
starts over. FUNCNN_THREADS=1 turns them off, see `funcnn.kernels.settings`. Results are the same whatever the number of
threads where each writes to its own place; sums over images are added up in another order.

While threads run, each calls BLAS for itself, so that BLAS is told to use one thread for the time being: its own
threads and these would wait for each other.
"""

from __future__ import annotations

import functools
import importlib
import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from funcnn.kernels.settings import THREADS

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

Work = Callable[[int, int], object]

_lock: threading.Lock = threading.Lock()
_pool: ThreadPoolExecutor | None = None


def spread(n: int, least: int, work: Work) -> None:
    """`work(start, end)` for parts of `range(n)` that are at least `least` long, side by side."""
    parts = min(THREADS, n // max(1, least))
    if parts < 2:
        work(0, n)
        return
    ends = [n * i // parts for i in range(parts + 1)]
    workers = _workers()
    with _BLAS:
        others = [workers.submit(work, ends[i], ends[i + 1]) for i in range(1, parts)]
        try:
            work(0, ends[1])
        finally:
            for other in others:
                other.exception()  # nobody writes to what the caller may let go
    for other in others:
        other.result()


def _workers() -> ThreadPoolExecutor:
    global _pool
    with _lock:
        if _pool is None:
            from concurrent.futures import ThreadPoolExecutor  # here, for it takes longer to import than the library

            _pool = ThreadPoolExecutor(THREADS - 1, "funcnn")
        return _pool


def _forget() -> None:
    """After a fork the threads are gone, and locks may be held by nobody."""
    global _pool, _lock
    _pool, _lock = None, threading.Lock()
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
