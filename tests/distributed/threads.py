"""Ranks that are threads of this process: everything but MPI itself."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from funcnn import Array

A = TypeVar("A")
R = TypeVar("R")

_SECONDS = 60.0


class _Meeting:
    """Where the ranks leave what they have."""

    def __init__(self, size: int) -> None:
        self.barrier = threading.Barrier(size, timeout=_SECONDS)
        self.left: list[Any] = [None] * size


class ThreadRank:
    """One of them; also a record of how long the vectors were that were summed."""

    def __init__(self, rank: int, size: int, meeting: _Meeting) -> None:
        self.rank, self.size, self.meeting = rank, size, meeting
        self.sums: list[int] = []

    def add(self, vector: Array) -> None:
        """Summed in the order of the ranks, by every one for itself."""
        self.sums.append(vector.size)
        both = [pickle.loads(part) for part in self._meet(pickle.dumps((vector.dtype, vector)))]
        assert len({(dtype, part.shape) for dtype, part in both}) == 1
        vector[...] = sum(part for _, part in both[1:]) + both[0][1] if self.size > 1 else vector

    def gather(self, value: A) -> list[A]:
        """As copies, as over a network."""
        return [pickle.loads(part) for part in self._meet(pickle.dumps(value))]

    def share(self, value: A) -> A:
        """That of rank 0."""
        return self.gather(value)[0]

    def _meet(self, value: bytes) -> list[bytes]:
        self.meeting.left[self.rank] = value
        self.meeting.barrier.wait()
        found = list(self.meeting.left)
        self.meeting.barrier.wait()
        return found


def on_ranks(size: int, program: Callable[[ThreadRank], R]) -> list[R]:
    """What the program gives on every rank; the error of the first rank that raises one of its own."""
    meeting = _Meeting(size)

    def run(rank: int) -> R:
        try:
            return program(ThreadRank(rank, size, meeting))
        except BaseException:
            meeting.barrier.abort()
            raise

    with ThreadPoolExecutor(size) as pool:
        jobs = [pool.submit(run, rank) for rank in range(size)]
    errors = [error for job in jobs if (error := job.exception())]
    own = [error for error in errors if not isinstance(error, threading.BrokenBarrierError)]
    if errors:
        raise (own or errors)[0]
    return [job.result() for job in jobs]
