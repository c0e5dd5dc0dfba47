"""Memory for long arrays, used again as soon as nobody refers to it any more.

Fresh memory costs page faults, 7 ms of them in a training step of a small convolutional network. A pure function may
still use memory again, if nobody can tell: a block here is handed out only while its reference count says that this
module alone holds it. What is handed out is a view of the block, and every view of that one holds the block too. Every
thread has its own, and it goes when the thread ends. All threads together keep no more than FUNCNN_SCRATCH says, see
`funcnn.kernels.settings`: a thread that wants more takes from those that have not asked for a while. Arrays begin at a
multiple of 64 bytes, where NumPy's loops are a tenth faster than elsewhere.
"""

from __future__ import annotations

import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Hashable
from math import prod
from typing import Any, Final, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from funcnn.kernels.settings import SCRATCH

_Any: TypeAlias = "npt.NDArray[Any]"

SHORT: Final = 1 << 15  # elements; shorter arrays come from the allocator's own pool, without page faults
_LINE: Final = 64  # bytes of a line of the cache
_LONG: Final = 1 << 27  # bytes; longer blocks are not kept
_IDLE: Final = 1.0  # seconds without a request, after which what a thread holds is others' to let go
_KEPT: Final = 64  # blocks of a size


class Block(np.ndarray[tuple[int], np.dtype[np.uint8]]):
    """Bytes that belong to this module. By its type, a view of such a block is known to be one."""


B = TypeVar("B", bound=Block)


class _Pool:
    """The blocks of a thread."""

    __slots__ = ("__weakref__", "asked", "held", "queues")

    def __init__(self) -> None:
        self.asked = 0.0
        self.clear()

    def clear(self) -> None:
        """Let all go; what somebody refers to is theirs from now on. Another thread may do this at any time."""
        self.queues: dict[Hashable, deque[Block]] = {}
        self.held = 0


class _Mine(threading.local):
    """The pool of this thread: `_pools` knows it as long as the thread lives."""

    def __init__(self) -> None:
        self.pool = _Pool()
        number = id(self.pool)
        _pools[number] = weakref.ref(self.pool, lambda _: _pools.pop(number, None))


_pools: Final[dict[int, weakref.ref[_Pool]]] = {}
_mine: Final = _Mine()
ALONE: Final = 1 if sys.version_info >= (3, 14) else 2
"""The count of an array that one local variable refers to, and nobody else. It is known, not measured: a debugger or a
profiler that reads the locals of a frame refers to what it finds there, and what was measured under one would be too
high ever after. From 3.14 on a call borrows what a variable holds; before, the call holds it too. Where somebody looks
at the frame that counts, the count is too high, and fresh memory is taken."""
COUNTED: Final = sys.implementation.name == "cpython" and getattr(sys, "_is_gil_enabled", lambda: True)()


def array(shape: tuple[int, ...], dtype: np.dtype[Any]) -> _Any:
    """A writable, C-contiguous array that shares memory with nobody else's; it holds whatever was there."""
    n = prod(shape)
    if n < SHORT or not COUNTED or n * dtype.itemsize > _LONG:
        return np.empty(shape, dtype)
    block = _block(_size(n * dtype.itemsize))
    return np.ndarray(shape, dtype, block, -block.__array_interface__["data"][0] % _LINE)


def vector(n: int, dtype: np.dtype[Any]) -> _Any:
    """A vector of this kind."""
    return array((n,), dtype)


def like(x: _Any) -> _Any:
    """An array of this kind with the shape and dtype of `x`."""
    return array(x.shape, x.dtype)


def room(x: _Any, shape: tuple[int, ...], dtype: np.dtype[Any] | None = None) -> _Any:
    """An array of this kind, for numbers like those of `x`. What passes for an array, as jets do, makes its own."""
    return array(shape, dtype or x.dtype) if isinstance(x, np.ndarray) else np.empty_like(x, shape=shape)


def held() -> int:
    """How many bytes all threads keep."""
    return sum(pool.held for pool in _all())


def release() -> None:
    """Let go what this thread keeps."""
    _mine.pool.clear()


def _all() -> list[_Pool]:
    return [pool for found in list(_pools.values()) if (pool := found()) is not None]


def _block(size: int) -> Block:
    pool = _mine.pool
    pool.asked = time.monotonic()
    found: Block | None = _free(pool, size)
    if found is not None:
        return found
    fresh = Block((size,), np.uint8)
    if _has_room(pool, size):
        queue = pool.queues.setdefault(size, deque[Block]())
        queue.append(fresh)
        pool.held += size
        if len(queue) > _KEPT:
            queue.popleft()
            pool.held -= size
    return fresh


def _free(pool: _Pool, key: Hashable) -> Any:
    """A block of this queue that nobody else refers to; None where there is none."""
    queue = pool.queues.get(key) or deque[Block]()
    for _ in range(len(queue)):
        try:
            found = queue.pop()  # out of the queue before it is looked at: a signal handler may come here in between
        except IndexError:  # which took the last
            break
        if sys.getrefcount(found) == ALONE:
            queue.append(found)
            return found
        queue.appendleft(found)
    return None


def special(kind: type[B], like: Hashable, size: int, make: Callable[[], B]) -> B:
    """A block of another kind of so many bytes: one like this that nobody refers to any more, as it was left, or a new
    one, which is kept where there is room.
    """
    pool, key = _mine.pool, (kind, like)
    pool.asked = time.monotonic()
    found: B | None = _free(pool, key) if COUNTED else None
    if found is None:
        found = make()
        if COUNTED and held() + size <= SCRATCH:
            pool.queues.setdefault(key, deque[Block]()).append(found)
            pool.held += size
    return found


def _has_room(pool: _Pool, size: int) -> bool:
    """Is there room for one more block? Where there is none, idle threads make some, then this one by all it has."""
    free = SCRATCH - held() - size
    for other in sorted(_all(), key=lambda other: other.asked):
        if free >= 0:
            return True
        if other is not pool and pool.asked - other.asked > _IDLE:
            free += other.held
            other.clear()
    if free < 0:
        free += pool.held
        pool.clear()
    return free >= 0


def _size(n: int) -> int:
    """That of a block for n bytes. There are two to every power of two, so that arrays of nearly one size share blocks;
    the line for the beginning comes on top, so that arrays of 4 MB take that: what a block has beyond them is touched
    too, where Linux gives pages of 2 MB, as it does from there on.
    """
    step = 1 << max(0, (n - 1).bit_length() - 2)
    return -(-n // step) * step + _LINE
