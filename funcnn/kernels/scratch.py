"""Memory for long vectors, used again as soon as nobody refers to it any more.

Fresh memory costs page faults: an Adam step on 670k float32 params took 2.3 ms in fresh vectors and 1.7 ms
in these. A
pure function may still use memory again, if nobody can tell: a vector here is handed out only while its reference count
says that this module alone holds it. A view holds the vector it is of. Every thread has its own.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

_Vector: TypeAlias = "npt.NDArray[Any]"

SHORT: Final = 1 << 15  # elements; shorter vectors come from the allocator's own pool, without page faults
_LONG: Final = 1 << 24  # elements; longer ones would keep too much memory when training is over
_KEPT: Final = 12  # vectors of a length; a step of Adam has eight in use
_LENGTHS: Final = 8


class _Pool(threading.local):
    def __init__(self) -> None:
        self.queues: dict[tuple[int, np.dtype[Any]], deque[_Vector]] = {}


def _alone() -> int:
    """The count of a vector that one local variable refers to."""
    vector = np.empty(0)
    return sys.getrefcount(vector)


_pool: Final = _Pool()
_ALONE: Final = _alone()
_COUNTED: Final = sys.implementation.name == "cpython" and getattr(sys, "_is_gil_enabled", lambda: True)()


def vector(n: int, dtype: np.dtype[Any]) -> _Vector:
    """A writable vector of `n` elements that nobody else refers to; it holds whatever was there."""
    if n < SHORT or n > _LONG or not _COUNTED:
        return np.empty(n, dtype)
    queue = _queue(n, dtype)
    for _ in range(len(queue)):
        found = queue.popleft()  # out of the queue before it is looked at: a signal handler may come here in between
        if sys.getrefcount(found) == _ALONE:
            found.setflags(write=True)
            queue.append(found)
            return found
        queue.append(found)
    fresh = np.empty(n, dtype)
    queue.append(fresh)
    if len(queue) > _KEPT:
        queue.popleft()
    return fresh


def _queue(n: int, dtype: np.dtype[Any]) -> deque[_Vector]:
    queues = _pool.queues
    if (n, dtype) not in queues:
        if len(queues) >= _LENGTHS:
            del queues[next(iter(queues))]
        queues[n, dtype] = deque()
    return queues[n, dtype]
